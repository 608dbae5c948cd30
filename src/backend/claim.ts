/**
 * From a message to a claimed cluster: the lease first, then the claim in one commit of cluster and record. Whatever stands in
 * the way is decided here: the message is finished with, or has to come back later.
 *
 * It must never claim on a document that was read after the lease was last confirmed: a worker that paused in between would
 * fence the rightful one without holding the lease. So each round reads first, confirms the lease second, and commits on the
 * ETag of that read. See docs/protocol.md.
 */
import {
  isTooNew,
  written,
  type ClusterDocument,
  type OperationDocument,
} from "../model/document.ts";
import { clusterLeaseName } from "../model/leaseNames.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { Timing } from "../model/timing.ts";
import type { WorkMessage } from "../model/workMessage.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Ids } from "../runtime/ids.ts";
import { LeaseDeadline, momentOf } from "../runtime/leaseDeadline.ts";
import type { Log } from "../runtime/log.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  type Lease,
  type Store,
  type Stored,
} from "../store/store.ts";
import { claimed } from "./changes.ts";
import type { Claim } from "./fencedCluster.ts";
import { judgeMessage, tooNew, type MessageEnd } from "./judgeMessage.ts";
import { readClusterForWork } from "./readClusterForWork.ts";
import type { StepLists } from "./stepList.ts";

/** More than the races of a healthy system need: the forwarder's clear, a flag of the sweep, a DELETE. */
const roundsMax = 6;

export interface ClaimOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly timing: Timing;
  readonly steps: StepLists;
}

/** A cluster that is ours until the lease runs out or somebody supersedes us. */
export interface ClaimedCluster {
  readonly claim: Claim;
  readonly lease: Lease;
  readonly deadline: LeaseDeadline;
  readonly cluster: Stored<ClusterDocument>;
  readonly operation: Stored<OperationDocument>;
}

/** Claimed, or what is to become of the message instead; then no lease is held. */
export type ClaimOutcome = ({ readonly action: "claimed" } & ClaimedCluster) | MessageEnd;

interface HeldLease {
  readonly lease: Lease;
  readonly deadline: LeaseDeadline;
}

/** @throws {StoreUnavailableError} or another error of the store, or when it doesn't answer for as long as a lease. */
export async function claimCluster(
  message: WorkMessage,
  options: ClaimOptions,
): Promise<ClaimOutcome> {
  using limit = deadlineSignal({
    clock: options.clock,
    afterMs: options.timing.leaseMs,
    reason: () => new Error("the store did not answer in time for a claim"),
  });
  return await new Claiming(message, options, limit.signal).run();
}

/** The state of one attempt to claim. */
class Claiming {
  readonly #message: WorkMessage;
  readonly #key: DocumentKey;
  readonly #options: ClaimOptions;
  readonly #signal: AbortSignal;
  #held: HeldLease | undefined;

  constructor(message: WorkMessage, options: ClaimOptions, signal: AbortSignal) {
    this.#message = message;
    this.#key = { partition: message.partition, id: message.documentId };
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<ClaimOutcome> {
    let isClaimed = false;
    try {
      const outcome = await this.#rounds();
      isClaimed = outcome.action === "claimed";
      return outcome;
    } finally {
      if (!isClaimed) await this.#release();
    }
  }

  async #rounds(): Promise<ClaimOutcome> {
    const { clock, timing } = this.#options;
    for (let round = 0; round < roundsMax; round += 1) {
      const cluster = await this.#read();
      if (cluster !== undefined && this.#isOurs(cluster.document)) return this.#recognised(cluster);
      const judged = judgeMessage(this.#message, cluster?.document, { now: clock.now(), timing });
      if (judged.action !== "work" || cluster === undefined) {
        return judged.action === "work" ? gone : judged;
      }
      const refused = await this.#holdLease(cluster.document);
      if (refused !== undefined) return refused;
      const operation = await this.#readOperation();
      if (operation === undefined) return noRecord(timing);
      if (isTooNew(operation.document))
        return tooNew("the operation's record was written by a newer release", timing);
      if (this.#held === undefined || this.#held.deadline.passed) continue;
      const outcome = await this.#commit(cluster, operation, this.#held);
      if (outcome !== undefined) return outcome;
    }
    return { action: "putBack", delayMs: timing.heartbeatMs, reason: "it could not be claimed" };
  }

  /**
   * Confirms the lease if it is held, else acquires it, each time as somebody new.
   *
   * @returns what to do with the message when somebody else has it.
   */
  async #holdLease(document: ClusterDocument): Promise<MessageEnd | undefined> {
    const { store, clock, ids, timing } = this.#options;
    const begunAt = momentOf(clock);
    const { leaseMs } = timing;
    if (this.#held !== undefined) {
      const { lease, deadline } = this.#held;
      if (await this.#call(async (o) => store.renewLease(lease, { leaseMs }, o))) {
        deadline.renewed(begunAt);
        return undefined;
      }
    }
    const request = { name: clusterLeaseName(this.#key), owner: ids.guid(), leaseMs };
    // noted before the answer: if that is lost, the lease may be ours and must be given back
    this.#held = {
      lease: { name: request.name, owner: request.owner },
      deadline: new LeaseDeadline({ clock, leaseMs, begunAt }),
    };
    const attempt = await this.#call(async (o) => store.acquireLease(request, o));
    if (attempt.acquired) return undefined;
    this.#held = undefined;
    // nobody has claimed this operation: the holder works on an older one and learns so by its next heartbeat
    const unclaimed = document.work.attempts === 0;
    const { remainingMs } = attempt;
    return {
      action: "putBack",
      delayMs: unclaimed ? Math.min(remainingMs, timing.heartbeatMs) : remainingMs,
      reason: "somebody else has the lease",
    };
  }

  /** @returns nothing when the next round has to find out. */
  async #commit(
    cluster: Stored<ClusterDocument>,
    operation: Stored<OperationDocument>,
    { lease, deadline }: HeldLease,
  ): Promise<ClaimOutcome | undefined> {
    const { store, clock, log, steps, timing } = this.#options;
    const next = claimed({ owner: lease.owner, steps, now: clock.now(), timing })({
      cluster: cluster.document,
      operation: operation.document,
    });
    try {
      const [storedCluster, storedOperation] = await this.#call(async (o) =>
        store.commit(
          this.#key.partition,
          [
            { replace: cluster, document: written(next.cluster) },
            { replace: operation, document: written(next.operation) },
          ],
          o,
        ),
      );
      const claim = claimOf(storedCluster.document, lease);
      return {
        action: "claimed",
        claim,
        lease,
        deadline,
        cluster: storedCluster,
        operation: storedOperation,
      };
    } catch (error) {
      if (error instanceof StoreConflictError) {
        log.debug({}, "the document changed before it was claimed; starting over");
        return undefined;
      }
      if (error instanceof StoreOutcomeUnknownError) {
        log.warn({ error }, "no answer to the claim; reading again");
        return undefined;
      }
      throw error;
    }
  }

  /** A claim of ours whose answer was lost: the owner id is new for each acquisition, so nobody else can have written it. */
  #isOurs(document: ClusterDocument): boolean {
    return (
      this.#held !== undefined &&
      document.work.owner === this.#held.lease.owner &&
      document.operation.id === this.#message.operationId
    );
  }

  async #recognised(cluster: Stored<ClusterDocument>): Promise<ClaimOutcome> {
    const operation = await this.#readOperation();
    if (operation === undefined || this.#held === undefined) return noRecord(this.#options.timing);
    const { lease, deadline } = this.#held;
    const claim = claimOf(cluster.document, lease);
    return { action: "claimed", claim, lease, deadline, cluster, operation };
  }

  async #read(): Promise<Stored<ClusterDocument> | undefined> {
    return this.#call(async (o) => readClusterForWork(this.#options.store, this.#key, o));
  }

  async #readOperation(): Promise<Stored<OperationDocument> | undefined> {
    const key = { partition: this.#key.partition, id: this.#message.operationId };
    return this.#call(async (o) => this.#options.store.read("operation", key, o));
  }

  async #release(): Promise<void> {
    const { store, clock, log, timing } = this.#options;
    if (this.#held === undefined) return;
    const { lease } = this.#held;
    using limit = deadlineSignal({
      clock,
      afterMs: timing.heartbeatMs,
      reason: () => new Error("the store did not answer in time for a release"),
    });
    const { signal } = limit;
    try {
      await untilAborted(signal, async () => store.releaseLease(lease, { signal }));
    } catch (error) {
      log.warn({ error }, "a lease could not be released; it runs out by itself");
    }
  }

  async #call<T>(call: (options: { readonly signal: AbortSignal }) => Promise<T>): Promise<T> {
    const signal = this.#signal;
    return untilAborted(signal, async () => call({ signal }));
  }
}

function claimOf(document: ClusterDocument, lease: Lease): Claim {
  return { operationId: document.operation.id, epoch: document.work.epoch, owner: lease.owner };
}

const gone: MessageEnd = { action: "complete", reason: "the cluster is gone" };

/** Cluster and record are always written together, so this needs a person; DELETE still gets the cluster out. */
function noRecord(timing: Timing): MessageEnd {
  const reason = "the operation has no record";
  return { action: "putBack", delayMs: timing.visibilityMs, reason, warn: true };
}
