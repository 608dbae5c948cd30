/**
 * Removes all clusters of deleted subscriptions (ARM-112): page by page, until the list is empty, and once more after the
 * longest time that a PUT may take which had still read another state. It keeps no cursor: each look lists what is there, so a
 * crash at any line is carried on by the next look, and a deletion that failed is begun again, for ever.
 *
 * Every commit depends on the subscription's document as it was read. So no deletion begins after the subscription has left
 * `Deleted` (decision 22); those that had begun go on.
 */
import {
  isTooNew,
  type ClusterDocument,
  type EpochMs,
  type ListedCluster,
  type OperationDocument,
  type SubscriptionDocument,
} from "../model/document.ts";
import type { LogIds } from "../model/logIds.ts";
import { originFields, originOf } from "../model/operationOrigin.ts";
import { isTerminal } from "../model/provisioningState.ts";
import { deadlineMaxMs } from "../model/limits.ts";
import { canceledByDelete, startDelete, type OperationStart } from "../model/startOperation.ts";
import { formatTraceparent } from "../model/traceContext.ts";
import { attemptWaitMaxMs, farthestTime, type Timing } from "../model/timing.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Log } from "../runtime/log.ts";
import type { EndedOperation } from "../runtime/metrics.ts";
import { inSpan } from "../runtime/inSpan.ts";
import { unrecordedSpan, type Tracing } from "../runtime/traces.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  StoreConflictError,
  StoreUnavailableError,
  type Store,
  type Stored,
  type Write,
} from "../store/store.ts";

export interface PurgeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly timing: Timing;
  readonly tracing: Tracing<Pick<PurgeOptions, "store">>;
  /** The region in the links of the deletions' records. */
  readonly location: string;
  /** Whether the forwarder still holds its lease; asked before every commit. */
  readonly mayAct: () => boolean;
  /** Told of each operation that a deletion has cut short. */
  readonly onEnded?: (ended: EndedOperation) => void;
  readonly signal: AbortSignal;
}

/** Deletions begun in one pass: what is left has its turn in the next, and messages are sent in between. */
const begunMax = 50;
const pageSize = 20;
/** Longer than any request may take, so that whatever had read `Registered` has been committed or given up. */
const latestWriteMs = 2 * deadlineMaxMs;

/**
 * @returns how many deletions were begun.
 * @throws {StoreUnavailableError} when a listing fails.
 */
export async function purgeSubscriptions(options: PurgeOptions): Promise<number> {
  const { store, clock, timing, signal } = options;
  let begun = 0;
  let continuation: string | undefined;
  do {
    const now = clock.now();
    const page = await store.listPurges(
      { now, farthest: farthestTime(timing, now) },
      { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) },
      { signal },
    );
    for (const subscription of page.items) {
      if (!options.mayAct() || signal.aborted) return begun;
      begun += await purgeOne(subscription, options);
      if (begun >= begunMax) return begun;
    }
    continuation = page.continuation;
  } while (continuation !== undefined);
  return begun;
}

/** One odd subscription must not keep the others, nor the sweep that comes after. */
async function purgeOne(
  subscription: Stored<SubscriptionDocument>,
  options: PurgeOptions,
): Promise<number> {
  try {
    return await new Purge(subscription, options).run();
  } catch (error) {
    if (error instanceof StoreUnavailableError || options.signal.aborted) throw error;
    const { subscriptionId } = subscription.document;
    options.log.error({ error, subscriptionId }, "a subscription can't be purged; others go on");
    return 0;
  }
}

/** What is wrong with one document alone. */
const ofOneDocument = [TypeError, DocumentUnreadableError, SealingKeyUnknownError];

/** The subscription has changed: whatever it is now, the next look finds it. */
class SubscriptionChangedError extends Error {
  override readonly name = "SubscriptionChangedError";
}

/** One look at one subscription. */
class Purge {
  readonly #options: PurgeOptions;
  readonly #log: Log;
  readonly #store: Store;
  /** Of the deletion that is begun at present. */
  #span = unrecordedSpan;
  /** Of the same, or of the subscription alone. */
  #logIds: LogIds;
  /** With the ETag of our own last write. */
  #subscription: Stored<SubscriptionDocument>;
  #begun = 0;
  /** The next pass goes on at once. */
  #isCutShort = false;
  #left = 0;
  #failed = 0;

  constructor(subscription: Stored<SubscriptionDocument>, options: PurgeOptions) {
    this.#options = options;
    this.#subscription = subscription;
    const { subscriptionId } = subscription.document;
    this.#logIds = { subscriptionId };
    this.#store = options.tracing.enginesWithin(
      () => this.#span,
      () => this.#logIds,
    ).store;
    this.#log = options.log.child({ subscriptionId });
  }

  /** @returns how many deletions were begun. */
  async run(): Promise<number> {
    const { document } = this.#subscription;
    if (isTooNew(document) || document.state !== "Deleted") return 0;
    try {
      await this.#clusters();
      if (this.#options.mayAct() && !this.#options.signal.aborted) await this.#reschedule();
    } catch (error) {
      if (!(error instanceof SubscriptionChangedError)) throw error;
      this.#log.info({}, "the subscription has changed; its removal is looked at anew");
    }
    return this.#begun;
  }

  async #clusters(): Promise<void> {
    const store = this.#store;
    const { signal } = this.#options;
    const partition = this.#subscription.document.subscriptionId;
    let continuation: string | undefined;
    do {
      const page = await store.listClusters(
        { partition },
        { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) },
        { signal },
      );
      for (const cluster of page.items) {
        if (!this.#options.mayAct() || signal.aborted) return;
        this.#left += 1;
        if (this.#begun >= begunMax) {
          this.#isCutShort = true;
          return;
        }
        await this.#deleteGuarded(cluster);
      }
      continuation = page.continuation;
    } while (continuation !== undefined);
  }

  /** One odd document must not keep the others. */
  async #deleteGuarded(cluster: ListedCluster): Promise<void> {
    try {
      await this.#delete(cluster);
    } catch (error) {
      if (!ofOneDocument.some((kind) => error instanceof kind)) throw error;
      this.#failed += 1;
      const { resourceId } = cluster;
      this.#log.error({ error, resourceId }, "a cluster can't be deleted; others go on");
    }
  }

  async #delete(listed: ListedCluster): Promise<void> {
    if (listed.provisioningState === "Deleting") return;
    const cluster = await this.#cluster(listed);
    if (cluster === undefined) return;
    const { document } = cluster;
    const log = this.#log.child({ resourceId: document.resourceId });
    if (isTooNew(document)) {
      log.warn({}, "a newer release wrote this cluster; it has to be deleted by that one");
      return;
    }
    if (document.provisioningState === "Deleting") return;
    if (document.provisioningState === "Failed" && document.operation.kind === "delete") {
      this.#failed += 1;
    }
    const start = this.#start(this.#options.clock.now());
    this.#span = this.#options.tracing.traces.start("purge", {
      kind: "internal",
      parent: undefined,
      guid: start.operationId,
      attributes: { "rp.operation.id": start.operationId, "rp.resource.id": document.resourceId },
    });
    const ofSubscription = this.#logIds;
    const { operationId, requestId, correlationId } = start;
    const { traceId } = this.#span.context;
    const { resourceId } = document;
    const ids = { resourceId, operationId, requestId, correlationId, traceId };
    this.#logIds = { ...ofSubscription, ...ids };
    try {
      await inSpan(this.#span, async () => this.#begin(cluster, start, log));
    } finally {
      this.#span = unrecordedSpan;
      this.#logIds = ofSubscription;
    }
  }

  /** Commits the deletion, unless a newer release has a say in it. */
  async #begin(cluster: Stored<ClusterDocument>, start: OperationStart, log: Log): Promise<void> {
    const { document } = cluster;
    const { now } = start;
    const { cluster: deleting, operation } = startDelete(document, {
      ...start,
      traceparent: formatTraceparent(this.#span.context),
    });
    const writes: Write[] = [
      { replace: cluster, document: deleting },
      { create: operation },
      { replace: this.#subscription, document: this.#subscription.document },
    ];
    const running = await this.#running(document);
    if (running !== undefined && isTooNew(running.document)) {
      log.warn(
        {},
        "a newer release wrote the record of what runs; it has to be deleted by that one",
      );
      return;
    }
    if (running !== undefined) {
      writes.push({ replace: running, document: canceledByDelete(running.document, now) });
    }
    if (!(await this.#commit(writes))) return;
    if (running !== undefined) {
      const { operationKind: kind } = running.document;
      this.#options.onEnded?.({ kind, outcome: "canceled", code: "OperationCanceled" });
    }
    this.#begun += 1;
    log.info(
      { operationId: operation.id, ...originFields(originOf(deleting.operation)) },
      "deleted with its subscription",
    );
  }

  /** @returns whether it was written; the cluster may have changed, which the next look finds. */
  async #commit(writes: readonly Write[]): Promise<boolean> {
    const { signal } = this.#options;
    const store = this.#store;
    const { subscriptionId: partition, id } = this.#subscription.document;
    let written = true;
    try {
      await store.commit(partition, writes, { signal });
    } catch (error) {
      if (!(error instanceof StoreConflictError)) throw error;
      written = false;
    }
    const after = await store.read("subscription", { partition, id }, { signal });
    const { state, changedAt } = this.#subscription.document;
    if (after?.document.state !== state || after.document.changedAt !== changedAt) {
      throw new SubscriptionChangedError("the subscription was announced anew");
    }
    this.#subscription = after;
    return written;
  }

  /** What is to be written has to be read whole, but for secrets, which may be beyond opening. */
  async #cluster({ id }: ListedCluster): Promise<Stored<ClusterDocument> | undefined> {
    const { signal } = this.#options;
    const partition = this.#subscription.document.subscriptionId;
    return this.#store.read("cluster", { partition, id }, { signal, openSecrets: false });
  }

  async #running(document: ClusterDocument): Promise<Stored<OperationDocument> | undefined> {
    if (isTerminal(document.provisioningState)) return undefined;
    const key = { partition: document.subscriptionId, id: document.operation.id };
    const running = await this.#store.read("operation", key, {
      signal: this.#options.signal,
    });
    return running?.document.status === "InProgress" ? running : undefined;
  }

  /** The next look, or none if nothing can be left. */
  async #reschedule(): Promise<void> {
    const { clock, timing } = this.#options;
    const { purge, ...subscription } = this.#subscription.document;
    if (purge === undefined) return;
    const now = clock.now();
    if (this.#left === 0 && now >= purge.since + latestWriteMs) {
      if (await this.#commit([{ replace: this.#subscription, document: subscription }])) {
        this.#log.info({}, "nothing of the deleted subscription is left");
      }
      return;
    }
    const retries = purge.retries + (this.#failed > 0 ? 1 : 0);
    const doublings = this.#failed > 0 ? Math.min(retries, 16) : 0;
    const restMs = Math.min(timing.heartbeatMs * 2 ** doublings, attemptWaitMaxMs);
    const nextAttemptAt = now + (this.#isCutShort ? 0 : restMs);
    const next = { ...subscription, purge: { ...purge, retries, nextAttemptAt } };
    await this.#commit([{ replace: this.#subscription, document: next }]);
  }

  #start(now: EpochMs): OperationStart {
    const { ids, location } = this.#options;
    const operationId = ids.guid();
    return {
      operationId,
      revision: ids.guid(),
      requestId: operationId,
      correlationId: operationId,
      now,
      location,
    };
  }
}
