/**
 * A queue whose calls about a message are spans, in front of any other: below whatever span is current where they are made. A
 * send is not: whoever sends begins its span, since the message has to carry it. It must never change what a call does or throws.
 */
import { inSpan } from "../runtime/inSpan.ts";
import { layeredPort } from "../runtime/portLayer.ts";
import type { Span, SpanAttributes, Traces } from "../runtime/traces.ts";
import type { Queue, ReceivedMessage } from "./queue.ts";

export interface TracedQueueOptions {
  readonly traces: Traces;
  /** What every span says of the queue. */
  readonly messaging: SpanAttributes;
  /** The span that a call belongs to. */
  readonly current: () => Span;
}

/** Their first argument is the message. */
const aboutMessage: readonly string[] = ["extend", "complete"] satisfies (keyof Queue)[];

/** The queue, traced. */
export function tracedQueue(
  queue: Queue,
  { traces, messaging, current }: TracedQueueOptions,
): Queue {
  return layeredPort(queue, async ({ method, given, run }) => {
    const { isRecording, context } = current();
    if (!isRecording || !aboutMessage.includes(method)) return run();
    const { id } = given[0] as ReceivedMessage;
    const span = traces.start(`${method} ${String(messaging["messaging.destination.name"])}`, {
      kind: "client",
      parent: context,
      attributes: {
        ...messaging,
        "messaging.operation.name": method,
        "messaging.operation.type": "settle",
        "messaging.message.id": id,
      },
    });
    return inSpan(span, run);
  });
}
