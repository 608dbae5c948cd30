/** Traces as a test looks at them: each span that was begun and what became of it, without a library and a collector. */
import { formatTraceparent, type TraceContext } from "../../src/model/traceContext.ts";
import { tracedQueue } from "../../src/queue/tracedQueue.ts";
import type { Queue } from "../../src/queue/queue.ts";
import {
  failureType,
  newTrace,
  type Span,
  type SpanAttributes,
  type SpanStart,
  type Traces,
  type Tracing,
} from "../../src/runtime/traces.ts";
import { tracedStore } from "../../src/store/tracedStore.ts";
import type { Store } from "../../src/store/store.ts";

export interface RecordedSpan {
  name: string;
  readonly context: TraceContext;
  readonly parentId: string | undefined;
  readonly kind: string;
  readonly attributes: Record<string, SpanAttributes[string]>;
  endings: number;
  failure: string | undefined;
}

export class RecordedTraces implements Traces {
  readonly spans: RecordedSpan[] = [];
  readonly #isRecording: boolean;

  constructor(options: { readonly isRecording?: boolean } = {}) {
    this.#isRecording = options.isRecording ?? true;
  }

  start(name: string, start: SpanStart): Span {
    const { kind, parent, attributes = {} } = start;
    const { traceId } = parent ?? newTrace(start);
    const spanId = (this.spans.length + 1).toString(16).padStart(16, "0");
    const recorded: RecordedSpan = {
      name,
      kind,
      context: { traceId, spanId, isSampled: true },
      parentId: parent?.spanId,
      attributes: { ...attributes },
      endings: 0,
      failure: undefined,
    };
    this.spans.push(recorded);
    return {
      context: recorded.context,
      isRecording: this.#isRecording,
      rename: (to) => (recorded.name = to),
      describe: (more) => Object.assign(recorded.attributes, more),
      end: (failure) => {
        recorded.endings += 1;
        if (failure !== undefined) recorded.failure = failureType(failure);
      },
    };
  }

  /** As a role has them. */
  tracing(store: Store, queue: Queue): Tracing<{ readonly store: Store; readonly queue: Queue }> {
    const messaging = { "messaging.system": "test", "messaging.destination.name": "q" };
    return {
      traces: this,
      messaging,
      enginesWithin: (current) => ({
        store: tracedStore(store, { traces: this, system: "test", current }),
        queue: tracedQueue(queue, { traces: this, messaging, current }),
      }),
    };
  }

  named(name: string | RegExp): readonly RecordedSpan[] {
    return this.spans.filter((span) =>
      typeof name === "string" ? span.name === name : name.test(span.name),
    );
  }

  /** Those directly below one. */
  below({ context }: RecordedSpan): readonly string[] {
    return this.spans.filter(({ parentId }) => parentId === context.spanId).map(({ name }) => name);
  }
}

/** A `traceparent` of a request that somebody records. */
export const requestTraceId = "0af7651916cd43dd8448eb211c80319c";
export const requestTraceparent = formatTraceparent({
  traceId: requestTraceId,
  spanId: "b7ad6b7169203331",
  isSampled: true,
});
