/**
 * A cluster that this worker has claimed, and the only way in which it may be written from then on. Every write is
 * conditional on the ETag chain that began with the claim. On a mismatch or an unknown answer the document is read
 * again: same operation, same epoch and same owner means it is still ours, so the chain goes on from there; anything else
 * means that somebody superseded this worker, and it never writes again.
 *
 * Operation without epoch, and epoch without operation, are both unsafe (see docs/protocol.md). Writes are serialised.
 */
import { written, type ClusterDocument, type OperationDocument } from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import { withRevision } from "../model/revision.ts";
import type { Store, Stored } from "../store/store.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from "../store/store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Timing } from "../model/timing.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Ids } from "../runtime/ids.ts";
import { readClusterForWork } from "./readClusterForWork.ts";

/** Somebody else has the cluster now, or the operation is no longer the current one. Whoever catches it must not write. */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
}

/** Who the worker is on this document. All three must match for a write. */
export interface Claim {
  readonly operationId: string;
  readonly epoch: number;
  readonly owner: string;
}

/** The two documents of a claim. A commit that changes the record always changes the cluster, and not the other way round. */
export interface ClusterAndOperation {
  readonly cluster: ClusterDocument;
  readonly operation: OperationDocument;
}

/** A pure change; it may be applied more than once, to a newer copy of the same claim. */
export type Change = (current: ClusterAndOperation) => ClusterAndOperation;

/** First wait between tries while the store doesn't answer; it doubles up to the longest. */
const retryFirstMs = 50;
const retryLongestMs = 1_000;

/** Whether the document is still the one that was claimed. */
export function isHeldBy(document: ClusterDocument, claim: Claim): boolean {
  return (
    document.operation.id === claim.operationId &&
    document.work.epoch === claim.epoch &&
    document.work.owner === claim.owner
  );
}

/** One commit, and how to know it again after its answer was lost. */
interface Attempt {
  readonly commit: () => Promise<void>;
  /** Whether it has happened, by the record of the operation alone. */
  readonly happened: (operation: OperationDocument | undefined) => boolean;
  /** Whether it has happened, by a document that is still ours. */
  readonly isIn: (cluster: ClusterDocument) => boolean;
}

export class FencedCluster {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #timing: Timing;
  readonly #claim: Claim;
  readonly #key: DocumentKey;
  #cluster: Stored<ClusterDocument>;
  #operation: Stored<OperationDocument>;
  #fenced = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    effects: {
      readonly store: Store;
      readonly clock: Clock;
      readonly ids: Ids;
      readonly timing: Timing;
    },
    claimed: {
      readonly claim: Claim;
      readonly cluster: Stored<ClusterDocument>;
      readonly operation: Stored<OperationDocument>;
    },
  ) {
    this.#store = effects.store;
    this.#clock = effects.clock;
    this.#ids = effects.ids;
    this.#timing = effects.timing;
    this.#claim = claimed.claim;
    this.#cluster = claimed.cluster;
    this.#operation = claimed.operation;
    this.#key = {
      partition: claimed.cluster.document.subscriptionId,
      id: claimed.cluster.document.id,
    };
  }

  /** As of the last write or re-read. */
  get current(): ClusterAndOperation {
    return { cluster: this.#cluster.document, operation: this.#operation.document };
  }

  /**
   * Applies a change and commits both documents; of a record that the change has left as it is there is nothing to commit, and it would
   * cost as much as the cluster's. The ETag of the cluster alone fences: whoever takes the claim away writes the cluster.
   *
   * @param signal how long it may be tried: until the lease is in danger.
   * @throws {SupersededError} when the claim is no longer ours; nothing was written, and nothing ever will be.
   * @throws the signal's reason, when it is aborted first.
   */
  async write(change: Change, signal: AbortSignal): Promise<void> {
    const writeId = this.#ids.guid();
    await this.#serialised(signal, {
      commit: async () => {
        const next = change(this.current);
        const cluster = withRevision(
          this.#cluster.document,
          written({ ...next.cluster, work: { ...next.cluster.work, writeId } }),
          this.#ids.guid(),
        );
        const replaced = { replace: this.#cluster, document: cluster };
        if (next.operation === this.#operation.document) {
          [this.#cluster] = await this.#call(signal, async (options) =>
            this.#store.commit(this.#key.partition, [replaced], options),
          );
          return;
        }
        const record = { replace: this.#operation, document: written(next.operation) };
        [this.#cluster, this.#operation] = await this.#call(signal, async (options) =>
          this.#store.commit(this.#key.partition, [replaced, record], options),
        );
      },
      happened: () => false,
      isIn: (cluster) => cluster.work.writeId === writeId,
    });
  }

  /**
   * Removes the cluster document and completes the operation record, in one commit.
   *
   * @throws as `write`.
   */
  async remove(
    complete: (operation: OperationDocument) => OperationDocument,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#serialised(signal, {
      commit: async () => {
        const operation = written(complete(this.#operation.document));
        await this.#call(signal, async (options) =>
          this.#store.commit(
            this.#key.partition,
            [{ delete: this.#cluster }, { replace: this.#operation, document: operation }],
            options,
          ),
        );
        this.#fenced = true;
      },
      // the cluster may have been created again meanwhile; the record of our operation tells
      happened: (operation) => operation?.status === "Succeeded",
      isIn: () => false,
    });
  }

  async #serialised(signal: AbortSignal, attempt: Attempt): Promise<void> {
    const turn = this.#last.then(async () => this.#untilKnown(signal, attempt));
    this.#last = turn.catch(() => {
      // the caller of that write has its error; the next one starts by its own checks
    });
    await turn;
  }

  /** Tries until the commit is known to have happened, the claim is known to be lost, or the signal is aborted. */
  async #untilKnown(signal: AbortSignal, attempt: Attempt): Promise<void> {
    let waitMs = retryFirstMs;
    let reread = false;
    for (;;) {
      signal.throwIfAborted();
      if (this.#fenced) throw new SupersededError("this worker was superseded");
      let retryAfterMs = 0;
      try {
        if (reread && (await this.#rereadAndCompare(attempt, signal))) return;
        await attempt.commit();
        return;
      } catch (error) {
        if (error instanceof StoreConflictError) {
          // the first time it is most likely our own late write or a flag of the sweep: no need to wait
          const isFirst = !reread;
          reread = true;
          if (isFirst) continue;
        } else if (error instanceof StoreOutcomeUnknownError) {
          reread = true;
        } else if (error instanceof StoreUnavailableError) {
          retryAfterMs = error.retryAfterMs ?? 0;
        } else {
          throw error;
        }
      }
      await this.#clock.sleep(Math.max(waitMs, retryAfterMs), signal);
      waitMs = Math.min(waitMs * 2, retryLongestMs);
    }
  }

  /** A call that hangs counts as unanswered after a while: a healthy heartbeat would keep it for ever. */
  async #call<T>(
    signal: AbortSignal,
    call: (options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    using limit = deadlineSignal({
      clock: this.#clock,
      afterMs: this.#timing.leaseMs,
      reason: () => new StoreOutcomeUnknownError("the store did not answer in time"),
      parents: [signal],
    });
    return await untilAborted(limit.signal, async () => call({ signal: limit.signal }));
  }

  /** @returns whether what was meant is what is stored now. */
  async #rereadAndCompare(attempt: Attempt, signal: AbortSignal): Promise<boolean> {
    const { partition } = this.#key;
    const [cluster, operation] = await this.#call(signal, async (options) =>
      Promise.all([
        readClusterForWork(this.#store, this.#key, options),
        this.#store.read("operation", { partition, id: this.#claim.operationId }, options),
      ]),
    );
    if (attempt.happened(operation?.document)) {
      this.#fenced = true;
      return true;
    }
    if (
      cluster === undefined ||
      operation === undefined ||
      !isHeldBy(cluster.document, this.#claim)
    ) {
      this.#fenced = true;
      throw new SupersededError(
        cluster === undefined
          ? "the cluster is gone"
          : "a newer claim or operation has the cluster",
      );
    }
    this.#cluster = cluster;
    this.#operation = operation;
    return attempt.isIn(cluster.document);
  }
}
