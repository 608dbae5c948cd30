/**
 * A queue whose calls about a message are spans, in front of any other: below whatever span is current where they are made. A
 * send is not: whoever sends begins its span, since the message has to carry it. It must never change what a call does or throws.
 */
import type { Span, SpanAttributes, Traces } from "../runtime/traces.ts";
import type { Queue, QueueCallOptions, ReceivedMessage } from "./queue.ts";

export interface TracedQueueOptions {
  readonly traces: Traces;
  /** What every span says of the queue. */
  readonly messaging: SpanAttributes;
  /** The span that a call belongs to. */
  readonly current: () => Span;
}

export class TracedQueue implements Queue {
  readonly #queue: Queue;
  readonly #options: TracedQueueOptions;

  constructor(queue: Queue, options: TracedQueueOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  async send(
    body: string,
    request?: { readonly delayMs?: number },
    options?: QueueCallOptions,
  ): Promise<void> {
    return this.#queue.send(body, request, options);
  }

  async receive(
    request: { readonly max: number; readonly visibilityMs: number },
    options?: QueueCallOptions,
  ): Promise<readonly ReceivedMessage[]> {
    return this.#queue.receive(request, options);
  }

  async extend(
    message: ReceivedMessage,
    request: { readonly visibilityMs: number },
    options?: QueueCallOptions,
  ): Promise<ReceivedMessage> {
    return this.#call("extend", message, async () => this.#queue.extend(message, request, options));
  }

  async complete(message: ReceivedMessage, options?: QueueCallOptions): Promise<void> {
    return this.#call("complete", message, async () => this.#queue.complete(message, options));
  }

  async depth(options?: QueueCallOptions): Promise<number> {
    return this.#queue.depth(options);
  }

  async ping(options?: QueueCallOptions): Promise<void> {
    return this.#queue.ping(options);
  }

  async #call<T>(operation: string, { id }: ReceivedMessage, call: () => Promise<T>): Promise<T> {
    const { traces, messaging, current } = this.#options;
    const { isRecording, context } = current();
    if (!isRecording) return call();
    const span = traces.start(`${operation} ${String(messaging["messaging.destination.name"])}`, {
      kind: "client",
      parent: context,
      attributes: {
        ...messaging,
        "messaging.operation.name": operation,
        "messaging.operation.type": "settle",
        "messaging.message.id": id,
      },
    });
    try {
      const result = await call();
      span.end();
      return result;
    } catch (error) {
      span.end(error);
      throw error;
    }
  }
}
