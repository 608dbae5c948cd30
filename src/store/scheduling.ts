/**
 * What an adapter keeps beside a document, so that the listings of the forwarder and the sweep read neither a secret nor a
 * document that they can't understand. It must never fail: what is missing, or has a type that we don't know, must not hide a
 * document from those who look after it.
 */
import type { ClusterDocument, DocumentKind, EpochMs } from "../model/document.ts";
import type { RunningOperation } from "./store.ts";
import { isTerminal } from "../model/provisioningState.ts";

export interface SchedulingColumns {
  /** Whether somebody has to look after it, as the last writer of the document knew: it may know more states. */
  readonly active: boolean;
  readonly unqueued: boolean | null;
  readonly operationId: string | null;
  readonly nextAttemptAt: EpochMs;
  readonly sweepAfter: EpochMs | null;
  readonly sweeps: number | null;
}

/** What a reader of the document's JSON would find. */
export function schedulingOf(
  kind: DocumentKind,
  document: Readonly<Record<string, unknown>>,
): SchedulingColumns | undefined {
  switch (kind) {
    case "cluster":
      return clusterScheduling(document);
    case "subscription":
      return purgeScheduling(document);
    case "operation":
    case "key":
    case "activity":
      return undefined;
  }
}

/** What a reader has found of a running operation, without what is of no type that we know. */
export function runningOperationFrom(found: {
  readonly kind?: unknown;
  readonly state?: unknown;
  readonly startedAt?: unknown;
}): RunningOperation {
  const { kind, state, startedAt } = found;
  return {
    ...(typeof kind === "string" ? { kind } : {}),
    ...(typeof state === "string" ? { state } : {}),
    ...(typeof startedAt === "number" ? { startedAt } : {}),
  };
}

/** Of a subscription that is purged: it is never on the queue. */
function purgeScheduling(
  document: Readonly<Record<string, unknown>>,
): SchedulingColumns | undefined {
  const { purge } = document;
  if (purge === undefined) return undefined;
  const next =
    typeof purge === "object" && purge !== null && "nextAttemptAt" in purge
      ? purge.nextAttemptAt
      : undefined;
  return {
    active: true,
    unqueued: null,
    operationId: null,
    nextAttemptAt: numberOr(next, 0),
    sweepAfter: null,
    sweeps: null,
  };
}

function clusterScheduling(document: Readonly<Record<string, unknown>>): SchedulingColumns {
  const operation = document["operation"];
  const operationId =
    typeof operation === "object" && operation !== null && "id" in operation
      ? operation.id
      : undefined;
  return {
    active: !isTerminal(document["provisioningState"] as ClusterDocument["provisioningState"]),
    unqueued: document["unqueued"] === true,
    operationId: typeof operationId === "string" ? operationId : null,
    nextAttemptAt: numberOr(document["nextAttemptAt"], 0),
    sweepAfter: numberOr(document["sweepAfter"], 0),
    sweeps: numberOr(document["sweeps"], 0),
  };
}

/** JSON has no other numbers: a reader finds `null` in their place. */
function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

/** When the store forgets it. On a cluster it would be some newer release's member, which is no reason to forget it. */
export function expiresAtOf(
  kind: DocumentKind,
  document: Readonly<Record<string, unknown>>,
): EpochMs | null {
  return kind === "operation" ? numberOr(document["expiresAt"], null) : null;
}
