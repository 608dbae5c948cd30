/**
 * The queue in plain memory, for the simulation: it keeps every promise of the port (the same suite runs on it as on the real
 * engines), at once and on any clock. Beyond the port it can be made to lose, repeat and show messages too early, which a test
 * may ask for and the real ones do by themselves. It is no engine for users.
 */
import type { EpochMs } from "../../src/model/document.ts";
import {
  MessageLostError,
  messageBytesMax,
  receiveMax,
  type Queue,
  type QueueCallOptions,
  type ReceivedMessage,
} from "../../src/queue/queue.ts";
import type { Clock } from "../../src/runtime/clock.ts";

interface Message {
  readonly id: string;
  readonly body: string;
  visibleAt: EpochMs;
  hiddenSince: EpochMs;
  popReceipt: number;
  deliveries: number;
}

export class MemoryQueue implements Queue {
  readonly #clock: Pick<Clock, "now">;
  readonly #messages = new Map<string, Message>();
  #last = 0;

  constructor({ clock }: { readonly clock: Pick<Clock, "now"> }) {
    this.#clock = clock;
  }

  /** The bodies of all messages, visible or not. */
  get bodies(): readonly string[] {
    return [...this.#messages.values()].map(({ body }) => body);
  }

  /** The ids of all messages, visible or not. */
  get ids(): readonly string[] {
    return [...this.#messages.keys()];
  }

  /** A message is gone without anybody having completed it. */
  lose(id: string): void {
    this.#messages.delete(id);
  }

  /** A message is visible, whoever has it in hand. */
  show(id: string): void {
    const message = this.#messages.get(id);
    if (message !== undefined) message.visibleAt = this.#clock.now();
  }

  async send(
    body: string,
    request: { readonly delayMs?: number } = {},
    options: QueueCallOptions = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const bytes = Buffer.byteLength(body);
    if (bytes > messageBytesMax) throw new RangeError(`a message of ${bytes} bytes`);
    const id = String(this.#next());
    const now = this.#clock.now();
    this.#messages.set(id, {
      id,
      body,
      visibleAt: now + (request.delayMs ?? 0),
      hiddenSince: now,
      popReceipt: this.#next(),
      deliveries: 0,
    });
  }

  async receive(
    request: { readonly max: number; readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<readonly ReceivedMessage[]> {
    options.signal?.throwIfAborted();
    const { max, visibilityMs } = request;
    if (!Number.isSafeInteger(max) || max < 1 || max > receiveMax) {
      throw new RangeError(`${max} messages at once`);
    }
    const now = this.#clock.now();
    for (const message of this.#messages.values()) {
      // hidden at a time that is yet to come: the clock was set back since
      if (message.hiddenSince > now) this.#hide(message, message.visibleAt - message.hiddenSince);
    }
    const visible = [...this.#messages.values()]
      .filter(({ visibleAt }) => visibleAt <= now)
      .toSorted(
        (one, other) => one.visibleAt - other.visibleAt || one.popReceipt - other.popReceipt,
      )
      .slice(0, max);
    return visible.map((message) => {
      this.#hide(message, visibilityMs);
      message.popReceipt = this.#next();
      message.deliveries += 1;
      const { id, body, popReceipt, deliveries } = message;
      return { id, body, popReceipt: String(popReceipt), deliveries };
    });
  }

  async extend(
    received: ReceivedMessage,
    { visibilityMs }: { readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<ReceivedMessage> {
    options.signal?.throwIfAborted();
    const message = this.#held(received);
    this.#hide(message, visibilityMs);
    message.popReceipt = this.#next();
    return { ...received, popReceipt: String(message.popReceipt) };
  }

  async complete(received: ReceivedMessage, options: QueueCallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#messages.delete(this.#held(received).id);
  }

  async depth(options: QueueCallOptions = {}): Promise<number> {
    options.signal?.throwIfAborted();
    return this.#messages.size;
  }

  async ping(options: QueueCallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
  }

  /** @throws {MessageLostError} */
  #held({ id, popReceipt }: ReceivedMessage): Message {
    const message = this.#messages.get(id);
    if (message === undefined || String(message.popReceipt) !== popReceipt) {
      throw new MessageLostError(`message ${id} was lost`);
    }
    return message;
  }

  #hide(message: Message, durationMs: number): void {
    message.hiddenSince = this.#clock.now();
    message.visibleAt = message.hiddenSince + durationMs;
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }
}
