/**
 * The span of what the forwarder does about one cluster, in the trace of the request that its operation comes from. An operation
 * that an older release has begun has none, and gets a trace of its own.
 */
import { parseTraceparent } from "../model/traceContext.ts";
import type { Span, Tracing } from "../runtime/traces.ts";
import type { ClusterReference } from "../store/store.ts";

/** Begins it. */
export function referenceSpan(
  name: string,
  { operationId, origin }: ClusterReference,
  { traces }: Pick<Tracing<unknown>, "traces">,
): Span {
  return traces.start(name, {
    kind: "internal",
    parent: parseTraceparent(origin?.traceparent),
    guid: operationId,
    attributes: { "rp.operation.id": operationId, "rp.correlation.id": origin?.correlationId },
  });
}
