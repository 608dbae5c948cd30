/**
 * Where an operation comes from: ids of the request that started it, for logs and traces. They travel in the cluster's document
 * and in the queue's messages, where older releases write too and anybody's text may lie, so they are read with care. They
 * must never decide anything.
 */
import type { CurrentOperation } from "./document.ts";
import { parseTraceparent } from "./traceContext.ts";

/** Ids of the request that started an operation. */
export interface OperationOrigin {
  readonly correlationId?: string;
  readonly requestId?: string;
  /** W3C's, of the latest step on the way to whoever reads it. */
  readonly traceparent?: string;
}

/** Longer ids are none of ours. */
const idLengthMax = 128;

/** The origin in a text from outside; what is odd in it is left out. */
export function readOrigin(value: unknown): OperationOrigin {
  if (typeof value !== "object" || value === null) return {};
  const { correlationId, requestId, traceparent } = value as Record<string, unknown>;
  return {
    ...(isId(correlationId) ? { correlationId } : {}),
    ...(isId(requestId) ? { requestId } : {}),
    ...(isTraceparent(traceparent) ? { traceparent } : {}),
  };
}

/**
 * The origin of a cluster's current operation.
 *
 * @param operation that member of the document, which may be damaged.
 */
export function originOf(operation: unknown): OperationOrigin {
  if (typeof operation !== "object" || operation === null) return {};
  const { id, correlationId, trace } = operation as Partial<CurrentOperation>;
  // an older release that starts an operation leaves the former one's behind
  const isOwn = typeof trace === "object" && trace !== null && trace.operationId === id;
  return readOrigin({
    correlationId,
    ...(isOwn ? { requestId: trace.requestId, traceparent: trace.traceparent } : {}),
  });
}

/** The members that tie a line of the log to the operation's request. */
export function originFields({ correlationId, requestId, traceparent }: OperationOrigin = {}) {
  return { correlationId, requestId, traceId: parseTraceparent(traceparent)?.traceId };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= idLengthMax;
}

function isTraceparent(value: unknown): value is string {
  return typeof value === "string" && parseTraceparent(value) !== undefined;
}
