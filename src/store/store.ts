/**
 * Port: where documents and leases are kept. SQLite keeps them, or Cosmos DB: nothing here asks for more than both
 * offer. `test/store/storeSuite.ts` says in tests what every adapter must do.
 *
 * There is create, replace-if-match and delete-if-match and **no upsert**: an upsert would bring a deleted document
 * back. ETags are opaque, change with every write, and are never reused, not even when a document is deleted and made
 * again: a paused worker of an older incarnation must not find "its" ETag on the new one.
 */
import type { OperationOrigin } from "../model/operationOrigin.ts";
import type { LogIds } from "../model/logIds.ts";
import type { ClusterStanding } from "../model/clusterStanding.ts";
import type { ProvisioningState } from "../model/provisioningState.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type {
  DocumentKind,
  DocumentOfKind,
  EpochMs,
  ListedCluster,
  RpDocument,
  SecretDocument,
  SubscriptionDocument,
} from "../model/document.ts";

declare const etagBrand: unique symbol;
/** The version of a stored document. Opaque: never parse, quote or compare it with anything but itself. */
export type ETag = string & { readonly [etagBrand]: true };

/** A document as read or written. Only the store makes one, so only what was read can be replaced or deleted. */
export interface Stored<D extends RpDocument = RpDocument> {
  readonly document: D;
  readonly etag: ETag;
}

export interface Create<D extends RpDocument = RpDocument> {
  readonly create: D;
}
/** `document` takes the place of `replace`, if that is still what is stored. Kind, id and partition must be equal. */
export interface Replace<D extends RpDocument = RpDocument> {
  readonly replace: Stored<D>;
  readonly document: D;
}
export interface Delete<D extends RpDocument = RpDocument> {
  readonly delete: Stored<D>;
}
export type Write = Create | Replace | Delete;

/** What `commit` gives back: the stored document of each write, in order; `undefined` for a delete. */
export type Committed<W extends readonly Write[]> = {
  readonly [I in keyof W]: W[I] extends Create<infer D>
    ? Stored<D>
    : W[I] extends Replace<infer D>
      ? Stored<D>
      : undefined;
};

export interface CallOptions {
  /**
   * Gives up waiting, with the signal's reason; a write may still happen (then `StoreOutcomeUnknownError`). Nothing is
   * done if it was aborted before the call.
   */
  readonly signal?: AbortSignal;
  /** Whom the call is made for, if anybody: for what the adapter tells of it. */
  readonly logIds?: LogIds;
}

/** Told of a damaged document that is passed over, and whom the call was made for; it must not throw. */
export type OnUnreadable = (key: DocumentKey, cause: unknown, logIds: LogIds | undefined) => void;

export interface ReadOptions extends CallOptions {
  /**
   * `false` for who doesn't need the secrets: a document whose secrets are sealed is given with them as they are stored, so that it
   * can be had although its key is lost or what is sealed is damaged. Such a document may be written and deleted like any other, as
   * long as its `secrets` stay equal; what isn't sealed is given as always.
   */
  readonly openSecrets?: boolean;
}

/** How many writes one `commit` may hold (the limit of a Cosmos batch). */
export const writesMax = 100;
/** How large the documents of one `commit` may be together, as JSON in UTF-8, sealed secrets a third larger (the same). */
export const commitBytesMax = 2 * 1024 * 1024;

/** One page of a listing. It may hold fewer items than asked for, even none, and still not be the last. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Present when there may be more. Opaque; it names a place in the order, so deletions don't disturb it. */
  readonly continuation?: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly continuation?: string;
}

/**
 * Which times have come: those before `now`, and those after `farthest`, which nobody can have set unless the clock was set
 * back since.
 */
export interface DueQuery {
  readonly now: EpochMs;
  readonly farthest: EpochMs;
}

/** What the forwarder reads of a cluster: enough to send a message, no secret. */
export interface ClusterReference {
  readonly key: DocumentKey;
  readonly etag: ETag;
  readonly operationId: string;
  /** For logs and traces. */
  readonly origin?: OperationOrigin;
  readonly nextAttemptAt: EpochMs;
  readonly sweeps: number;
}

/** A cluster that has not reached its goal. */
export interface UnsettledCluster {
  readonly key: DocumentKey;
  /** Absent when the document cannot be read back. */
  readonly standing?: ClusterStanding;
}

/** Which of them. */
export interface UnsettledQuery {
  /** All partitions when absent. */
  readonly partition?: string;
  /** All states when absent, those of newer releases included. */
  readonly state?: ProvisioningState;
}

/** What is counted of a cluster whose operation runs: nothing that tells whose it is. What isn't there or isn't right is absent. */
export interface RunningOperation {
  readonly kind?: string;
  readonly state?: string;
  readonly startedAt?: EpochMs;
}

/** A document that holds secrets: where it is, and by which key they are sealed. */
export interface SecretsReference {
  readonly kind: SecretDocument["kind"];
  readonly key: DocumentKey;
  /** Absent when they are in clear. */
  readonly keyId?: string;
}

/** The members that the forwarder and the sweep write, and nothing else of the document. */
export interface Scheduling {
  readonly unqueued: boolean;
  readonly sweepAfter: EpochMs;
  readonly sweeps: number;
}

/** A lease that was acquired. Renewal and release go by `owner`, which is new for every acquisition. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
}

/** Acquired, or held by somebody else for `remainingMs` more by the store's clock. */
export type LeaseAttempt =
  | { readonly acquired: true; readonly lease: Lease }
  | { readonly acquired: false; readonly remainingMs: number };

export interface Store {
  /**
   * A point read.
   *
   * @returns `undefined` when there is none, or when its `expiresAt` has passed.
   * @throws {DocumentUnreadableError}
   * @throws {SealingKeyUnknownError}
   * @throws {StoreUnavailableError}
   */
  read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options?: ReadOptions,
  ): Promise<Stored<DocumentOfKind<K>> | undefined>;

  /**
   * All writes or none, in one partition, at most `writesMax` and `commitBytesMax`.
   *
   * @throws {StoreConflictError} when a condition does not hold: nothing was written.
   * @throws {RangeError} too many writes, or too large: nothing was written.
   * @throws {TypeError} when a document doesn't belong to the partition, or to what it replaces, or has other secrets than it was
   *   read with unopened: a defect of the caller.
   * @throws {StoreUnavailableError} nothing was written.
   * @throws {StoreOutcomeUnknownError} perhaps all was written: read again to know.
   */
  commit<const W extends readonly Write[]>(
    partition: string,
    writes: W,
    options?: CallOptions,
  ): Promise<Committed<W>>;

  /**
   * Clusters of a partition in the order of their ids, without their secrets; `idPrefix` narrows it to one resource group.
   * A document that cannot be read back is left out, so that it doesn't take the others with it.
   *
   * @throws {InvalidContinuationError}
   */
  listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<ListedCluster>>;

  /**
   * Clusters of all partitions that wait for the forwarder. One without an operation id is left out.
   *
   * @throws {InvalidContinuationError}
   */
  listUnqueued(page: PageRequest, options?: CallOptions): Promise<Page<ClusterReference>>;

  /**
   * What the sweep has to look at, in all partitions: clusters in no terminal state, not `unqueued`, whose
   * `nextAttemptAt` and `sweepAfter` have both come. A state that the writer of the document didn't know counts
   * as running, and a missing time as past. One without an operation id is left out. Leases are not looked at here.
   *
   * @throws {InvalidContinuationError}
   */
  listUnattended(
    query: DueQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<ClusterReference>>;

  /**
   * What every cluster in no terminal state is about, in all partitions, as the last writer of the document knew; in no promised
   * order. A damaged document counts. It costs nothing for clusters in a terminal state.
   *
   * @throws {InvalidContinuationError}
   */
  listRunning(page: PageRequest, options?: CallOptions): Promise<Page<RunningOperation>>;

  /**
   * Subscriptions of all partitions whose `purge` is there and has a `nextAttemptAt` that has come; a `purge` that can't be
   * read counts as due.
   */
  listPurges(
    query: DueQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<Stored<SubscriptionDocument>>>;

  /**
   * Clusters of all partitions on which something runs, as the last writer knew, or whose last operation came to nothing:
   * all but those that succeeded. One that cannot be read back is given by its key, as long as something ran on it when it
   * was written.
   *
   * @throws {InvalidContinuationError}
   */
  listUnsettled(
    query: UnsettledQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<UnsettledCluster>>;

  /**
   * Documents of all partitions whose secrets are not sealed by this key: by another one, or by none. A document that is
   * changed between two pages may come twice or not at all. The secrets themselves are not read.
   *
   * @throws {InvalidContinuationError}
   */
  listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<SecretsReference>>;

  /**
   * Writes only the scheduling members of a cluster, if it still has the ETag of the reference; everything else stays,
   * members of newer releases included. A damaged document is written too, as far as the listings are concerned.
   *
   * @throws {StoreConflictError} when the document has changed or is gone.
   */
  updateScheduling(
    reference: ClusterReference,
    scheduling: Scheduling,
    options?: CallOptions,
  ): Promise<void>;

  /**
   * Takes the lease if nobody holds it, or whoever held it has let it run out by the store's clock. The same owner may
   * ask again, when it got no answer, and has it. Should the store's clock be set back, a lease of nobody alive still runs
   * out within its own length from when somebody asks.
   */
  acquireLease(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options?: CallOptions,
  ): Promise<LeaseAttempt>;

  /** Prolongs it to `leaseMs` from now; `false` when it is no longer this owner's (or has run out). */
  renewLease(
    lease: Lease,
    request: { readonly leaseMs: number },
    options?: CallOptions,
  ): Promise<boolean>;

  /** Ends it if it is still this owner's; else does nothing. */
  releaseLease(lease: Lease, options?: CallOptions): Promise<void>;

  /** How much longer somebody holds the lease, by the store's clock; `undefined` when nobody does. */
  leaseRemainingMs(name: string, options?: CallOptions): Promise<number | undefined>;

  /**
   * Whether the store takes writes and keeps them: makes one, and resolves when it is durable. It changes nothing that
   * anybody sees.
   *
   * @throws {StoreUnavailableError}
   * @throws {StoreOutcomeUnknownError}
   */
  ping(options?: CallOptions): Promise<void>;
}

/** A condition did not hold: exists already, changed since it was read, or gone. Nothing was written. */
export class StoreConflictError extends Error {
  override readonly name = "StoreConflictError";
}

/** The text of the document that was asked for is damaged. The listings of the forwarder still hold the document. */
export class DocumentUnreadableError extends Error {
  override readonly name = "DocumentUnreadableError";
}

/** The secrets of the document that was asked for are sealed by a key that this process doesn't have. Others are not touched. */
export class SealingKeyUnknownError extends Error {
  override readonly name = "SealingKeyUnknownError";
  /** Who has the key knows it by this name; it is no secret. */
  readonly keyId: string;

  constructor(message: string, keyId: string) {
    super(message);
    this.keyId = keyId;
  }
}

/** A continuation that this listing never gave. It may come from a user's link. */
export class InvalidContinuationError extends Error {
  override readonly name = "InvalidContinuationError";
}

/** The store cannot serve now. Nothing was written. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  /** How long to wait, when the store said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** No answer came: the write may have happened or not. */
export class StoreOutcomeUnknownError extends Error {
  override readonly name = "StoreOutcomeUnknownError";
}
