/**
 * The queue in plain memory, for the simulation: it keeps every promise of the port (the same suite runs on it as on the real
 * engines), at once and on any clock. Beyond the port it can be made to lose, repeat and show messages too early, which a test
 * may ask for and the real ones do by themselves. It is no engine for users.
 */
import TinyQueue from "tinyqueue";
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

/** A message as it stood when it was put in order; void once it has been hidden or received again. */
interface Turn {
  readonly message: Message;
  readonly visibleAt: EpochMs;
  readonly popReceipt: number;
}

function inTurn(one: Turn, other: Turn): number {
  return one.visibleAt - other.visibleAt || one.popReceipt - other.popReceipt;
}

export class MemoryQueue implements Queue {
  readonly #clock: Pick<Clock, "now">;
  readonly #messages = new Map<string, Message>();
  /** In the order in which they become visible, void turns among them. */
  readonly #turns = new TinyQueue<Turn>([], inTurn);
  #last = 0;
  /** The latest time at which a message was hidden. */
  #latest = -Infinity;

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

  /** How many there are, visible or not. */
  get size(): number {
    return this.#messages.size;
  }

  /** A message is gone without anybody having completed it. */
  lose(id: string): void {
    this.#messages.delete(id);
  }

  /** A message is visible, whoever has it in hand. */
  show(id: string): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    message.visibleAt = this.#clock.now();
    this.#queueUp(message);
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
    const message: Message = {
      id,
      body,
      visibleAt: now + (request.delayMs ?? 0),
      hiddenSince: now,
      popReceipt: this.#next(),
      deliveries: 0,
    };
    this.#messages.set(id, message);
    this.#queueUp(message);
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
    this.#lookAtClock(now);
    // each once, also one that is visible again at once
    const visible = new Set<Message>();
    for (;;) {
      const turn = this.#turns.peek();
      if (turn === undefined || turn.visibleAt > now || visible.size === max) break;
      this.#turns.pop();
      if (this.#isValid(turn)) visible.add(turn.message);
    }
    return [...visible].map((message) => {
      message.deliveries += 1;
      this.#hide(message, visibilityMs);
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

  /** Voids all receipts before. */
  #hide(message: Message, durationMs: number): void {
    message.popReceipt = this.#next();
    this.#hideFor(message, durationMs);
  }

  #hideFor(message: Message, durationMs: number): void {
    message.hiddenSince = this.#clock.now();
    message.visibleAt = message.hiddenSince + durationMs;
    this.#queueUp(message);
  }

  #queueUp(message: Message): void {
    const { visibleAt, popReceipt, hiddenSince } = message;
    this.#latest = Math.max(this.#latest, hiddenSince);
    this.#turns.push({ message, visibleAt, popReceipt });
  }

  #isValid({ message, visibleAt, popReceipt }: Turn): boolean {
    return (
      this.#messages.get(message.id) === message &&
      message.visibleAt === visibleAt &&
      message.popReceipt === popReceipt
    );
  }

  /** What was hidden at a time that is yet to come counts anew: the clock was set back since. */
  #lookAtClock(now: EpochMs): void {
    if (now >= this.#latest) return;
    this.#latest = now;
    for (const message of this.#messages.values()) {
      const { hiddenSince, visibleAt } = message;
      if (hiddenSince > now) this.#hideFor(message, visibleAt - hiddenSince);
    }
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }
}
