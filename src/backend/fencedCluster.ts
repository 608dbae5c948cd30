/**
 * A cluster that this worker has claimed, and the only way in which it may be written from then on. Every write is
 * conditional on the ETag chain that began with the claim. On a mismatch or an unknown answer the document is read
 * again: same operation, same epoch and same owner means it is still ours, so the chain goes on from there; anything else
 * means that somebody superseded this worker, and it never writes again.
 *
 * Operation without epoch, and epoch without operation, are both unsafe (see docs/protocol.md). Writes are serialised.
 */
import type { ClusterDocument, OperationDocument } from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import { withRevision } from "../model/revision.ts";
import type { Store, Stored } from "../store/store.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from "../store/store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";

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

/** The two documents that are always written together. */
export interface ClusterAndOperation {
  readonly cluster: ClusterDocument;
  readonly operation: OperationDocument;
}

/** A pure change; it may be applied more than once, to a newer copy of the same claim. */
export type Change = (current: ClusterAndOperation) => ClusterAndOperation;

/** First wait between tries while the store doesn't answer; it doubles up to the longest. */
const retryFirstMs = 50;
const retryLongestMs = 1_000;

export function isHeldBy(document: ClusterDocument, claim: Claim): boolean {
  return (
    document.operation.id === claim.operationId &&
    document.work.epoch === claim.epoch &&
    document.work.owner === claim.owner
  );
}

export class FencedCluster {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #claim: Claim;
  readonly #key: DocumentKey;
  #cluster: Stored<ClusterDocument>;
  #operation: Stored<OperationDocument>;
  #fenced = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    effects: { readonly store: Store; readonly clock: Clock; readonly ids: Ids },
    claimed: {
      readonly claim: Claim;
      readonly cluster: Stored<ClusterDocument>;
      readonly operation: Stored<OperationDocument>;
    },
  ) {
    this.#store = effects.store;
    this.#clock = effects.clock;
    this.#ids = effects.ids;
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
   * Applies a change and commits both documents.
   *
   * @param signal how long it may be tried: until the lease is in danger.
   * @throws {SupersededError} when the claim is no longer ours; nothing was written, and nothing ever will be.
   * @throws the signal's reason, when it is aborted first.
   */
  async write(change: Change, signal: AbortSignal): Promise<void> {
    await this.#serialised(async () => {
      await this.#untilKnown(signal, async (writeId) => {
        const next = change(this.current);
        const work = { ...next.cluster.work, writeId };
        const cluster = withRevision(
          this.#cluster.document,
          { ...next.cluster, work },
          this.#ids.guid(),
        );
        [this.#cluster, this.#operation] = await this.#store.commit(
          this.#key.partition,
          [
            { replace: this.#cluster, document: cluster },
            { replace: this.#operation, document: next.operation },
          ],
          { signal },
        );
      });
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
    await this.#serialised(async () => {
      await this.#untilKnown(signal, async () => {
        const operation = complete(this.#operation.document);
        await this.#store.commit(
          this.#key.partition,
          [{ delete: this.#cluster }, { replace: this.#operation, document: operation }],
          { signal },
        );
        this.#fenced = true;
      });
    });
  }

  async #serialised(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {
      // the caller of that write has its error; the next one starts by its own checks
    });
    await turn;
  }

  /** Tries until the commit is known to have happened, the claim is known to be lost, or the signal is aborted. */
  async #untilKnown(signal: AbortSignal, commit: (writeId: string) => Promise<void>): Promise<void> {
    const writeId = this.#ids.guid();
    let waitMs = retryFirstMs;
    let reread = false;
    for (;;) {
      signal.throwIfAborted();
      if (this.#fenced) throw new SupersededError("this worker was superseded");
      try {
        if (reread && (await this.#rereadAndCompare(writeId, signal))) return;
        await commit(writeId);
        return;
      } catch (error) {
        if (error instanceof StoreConflictError) {
          reread = true;
          continue;
        }
        if (error instanceof StoreOutcomeUnknownError) reread = true;
        else if (!(error instanceof StoreUnavailableError)) throw error;
      }
      await this.#clock.sleep(waitMs, signal);
      waitMs = Math.min(waitMs * 2, retryLongestMs);
    }
  }

  /** @returns whether the write with this id is what is stored now. */
  async #rereadAndCompare(writeId: string, signal: AbortSignal): Promise<boolean> {
    const { partition } = this.#key;
    const [cluster, operation] = await Promise.all([
      this.#store.read("cluster", this.#key, { signal }),
      this.#store.read("operation", { partition, id: this.#claim.operationId }, { signal }),
    ]);
    if (cluster === undefined) {
      this.#fenced = true;
      // our own removal whose answer was lost: the record says so
      if (
        this.#cluster.document.operation.kind === "delete" &&
        operation?.document.status === "Succeeded"
      ) {
        return true;
      }
      throw new SupersededError("the cluster is gone");
    }
    if (operation === undefined || !isHeldBy(cluster.document, this.#claim)) {
      this.#fenced = true;
      throw new SupersededError("a newer claim or operation has the cluster");
    }
    this.#cluster = cluster;
    this.#operation = operation;
    return cluster.document.work.writeId === writeId;
  }
}
