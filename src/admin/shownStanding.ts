/**
 * How a cluster stands, in the words of the contract: times as texts, durations in seconds. It must never fail on a document
 * that lacks something or holds nonsense, since those are what an operator looks for.
 */
import { clusterLeaseName } from "../model/leaseNames.ts";
import type { ClusterStanding } from "../model/clusterStanding.ts";
import { isTooNew, type EpochMs } from "../model/document.ts";
import { isTerminal } from "../model/provisioningState.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import { DocumentUnreadableError } from "../store/store.ts";
import type { AdminExchange } from "./exchange.ts";

/** As in the contract. */
export type ShownStanding = Readonly<Record<string, unknown>>;

/** The longest that a text of a document is shown, in characters. */
const textMax = 4_096;

/**
 * One look at the store besides: for the lease of one that runs, or for the reason why the last operation failed.
 *
 * @param standing `undefined` when the document is damaged.
 * @throws {StoreUnavailableError}
 */
export async function shownStanding(
  exchange: AdminExchange,
  key: DocumentKey,
  standing: ClusterStanding | undefined,
): Promise<ShownStanding> {
  const place = { subscriptionId: key.partition, documentId: key.id };
  if (standing === undefined) return { ...place, problem: "Damaged" };
  if (isTooNew(standing)) return { ...place, problem: "TooNew" };
  const { operation, work } = standing;
  const now = exchange.services.clock.now();
  const runs = !isTerminal(standing.provisioningState);
  const remainingMs = runs ? await leaseRemainingMs(exchange, key) : undefined;
  const lastError = runs ? work.lastError : await failureOf(exchange, key, operation.id);
  return {
    resourceId: text(standing.resourceId),
    ...place,
    provisioningState: text(standing.provisioningState),
    operation: {
      id: text(operation.id) ?? "",
      kind: text(operation.kind) ?? "",
      startedAt: time(operation.startedAt),
      ageSeconds: runs ? seconds(now, operation.startedAt) : undefined,
    },
    step: text(work.step),
    stepStartedAt: time(work.stepStartedAt),
    owner: text(work.owner),
    epoch: count(work.epoch),
    attempts: count(work.attempts),
    nextAttemptAt: Number(standing.nextAttemptAt) > now ? time(standing.nextAttemptAt) : undefined,
    sweeps: count(standing.sweeps),
    unqueued: standing.unqueued === true,
    leaseRemainingSeconds: remainingMs === undefined ? undefined : remainingMs / 1_000,
    lastError: reason(lastError),
  };
}

async function leaseRemainingMs(
  { services, context }: AdminExchange,
  key: DocumentKey,
): Promise<number | undefined> {
  return services.store.leaseRemainingMs(clusterLeaseName(key), { signal: context.signal });
}

/** Why the last operation failed, as long as its record is kept and can be read. */
async function failureOf(
  { services, context }: AdminExchange,
  { partition }: DocumentKey,
  operationId: unknown,
): Promise<unknown> {
  if (typeof operationId !== "string") return undefined;
  try {
    const key = { partition, id: operationId };
    const record = await services.store.read("operation", key, { signal: context.signal });
    return record === undefined || isTooNew(record.document) ? undefined : record.document.error;
  } catch (error) {
    if (error instanceof DocumentUnreadableError) return undefined;
    throw error;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, textMax) : undefined;
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

/** The last that a `Date` can be. */
const timeMax = 8.64e15;

function time(value: EpochMs | undefined): string | undefined {
  const isTime = typeof value === "number" && Math.abs(value) <= timeMax;
  return isTime ? new Date(value).toISOString() : undefined;
}

function seconds(now: EpochMs, since: EpochMs | undefined): number | undefined {
  if (time(since) === undefined) return undefined;
  return Math.max(0, Math.floor((now - Number(since)) / 1_000));
}

function reason(error: unknown): { readonly code: string; readonly message: string } | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return { code: text(code) ?? "unknown", message: text(message) ?? "" };
}
