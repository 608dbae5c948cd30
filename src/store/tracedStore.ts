/**
 * A store whose every call is a span, in front of any other: below whatever span is current where it is called. It must never
 * change what a call does or throws, nor tell more of it than its name, its kind of document and how it failed.
 */
import { inSpan } from "../runtime/inSpan.ts";
import { layeredPort } from "../runtime/portLayer.ts";
import type { Span, SpanAttributes, Traces } from "../runtime/traces.ts";
import type { Store, Write } from "./store.ts";

export interface TracedStoreOptions {
  readonly traces: Traces;
  /** OpenTelemetry's name of the database. */
  readonly system: string;
  /** The span that a call belongs to. */
  readonly current: () => Span;
}

/** What the spans of these methods say besides. */
const described: {
  readonly [M in keyof Store]?: (...given: Parameters<Store[M]>) => SpanAttributes;
} = {
  read: (kind) => ({ "rp.document.kind": kind }),
  // the conventions want the size of real batches only
  commit: (_partition, { length }: readonly Write[]) => ({
    "db.operation.batch.size": length > 1 ? length : undefined,
  }),
};

/** The store, traced. */
export function tracedStore(store: Store, { traces, system, current }: TracedStoreOptions): Store {
  return layeredPort(store, async ({ method, given, run }) => {
    const { isRecording, context } = current();
    if (!isRecording) return run();
    const describe = described[method as keyof Store] as
      | ((...given: readonly unknown[]) => SpanAttributes)
      | undefined;
    const span = traces.start(method, {
      kind: "client",
      parent: context,
      attributes: {
        "db.system.name": system,
        "db.operation.name": method,
        ...describe?.(...given),
      },
    });
    return inSpan(span, run);
  });
}
