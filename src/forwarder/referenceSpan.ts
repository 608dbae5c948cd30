/**
 * The span and the ids of what the forwarder does about one cluster, in the trace of the request that its operation comes from. An operation
 * that an older release has begun has none, and gets a trace of its own.
 */
import type { LogIds } from "../model/logIds.ts";
import { originFields } from "../model/operationOrigin.ts";
import { parseTraceparent } from "../model/traceContext.ts";
import type { Span, Tracing } from "../runtime/traces.ts";
import type { ClusterReference } from "../store/store.ts";

/** The members that its lines of the log have. */
export function referenceLogIds({ key, operationId, origin }: ClusterReference): LogIds {
  return { documentId: key.id, operationId, ...originFields(origin) };
}

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
