/**
 * The documents that the store keeps: one per cluster, one per operation, one per subscription. They are the truth;
 * a queue message is only a hint. Nothing here knows a wire shape, an api-version or an engine.
 *
 * Every document may hold members that a newer release wrote, at any depth. Whoever writes one back spreads the one
 * that was read and overwrites only what it knows; nothing is rebuilt from scratch.
 */
import type { RecentlyWritten } from "./recentWrites.ts";
import type { Cluster } from "./cluster.ts";
import { isSealed, type ClusterSecrets } from "./clusterSecrets.ts";
import type { OperationKind, ProvisioningState } from "./provisioningState.ts";
import type { OperationError } from "./rpError.ts";
import type { SubscriptionState } from "./subscription.ts";

/** Milliseconds since 1970, UTC. */
export type EpochMs = number;

/** The schema that this release writes. 2: secrets may be sealed. */
export const schemaVersion = 2;

/** What a release must know to handle a document whose secrets are sealed: an earlier one would take the envelope for them. */
export const sealedSchemaVersion = 2;

interface DocumentBase {
  /** Unique in its partition. */
  readonly id: string;
  /** The partition: the lower-cased subscription id. */
  readonly subscriptionId: string;
  /** The highest schema of all releases that have written it: an older one that writes keeps a newer one's number. */
  readonly schemaVersion: number;
  /**
   * The lowest schema that a release must know to handle this document; absent means any. A reader that knows less
   * answers `DocumentTooNew` for this document alone and touches nothing.
   */
  readonly minimumSchemaVersion?: number;
}

/** The operation that runs on a cluster, or the last one that did. */
export interface CurrentOperation {
  /** A fresh GUID; also the id of its `OperationDocument` in the same partition (ARM-79). */
  readonly id: string;
  readonly kind: OperationKind;
  /** Ids of the request that started it, for the log of the backend. */
  readonly correlationId: string;
  /** When it was asked for; absent in old documents. */
  readonly startedAt?: EpochMs;
  /** Absent in old documents; of another operation if an older release has started this one. Read by `originOf`. */
  readonly trace?: OperationTrace;
}

/** The request that started an operation, as logs and traces know it. */
export interface OperationTrace {
  /** Of the operation that it belongs to. */
  readonly operationId: string;
  readonly requestId: string;
  /** W3C's, of the request. */
  readonly traceparent: string;
}

/** What the workers of a cluster's current operation remember. Reset by the commit that starts an operation. */
export interface Work {
  /** Grows with every claim and is kept from operation to operation: the fencing token. */
  readonly epoch: number;
  /** Unique for each acquisition of the lease; absent before the first claim. */
  readonly owner?: string;
  /** Unique for each write of a worker: recognises a write whose answer was lost. */
  readonly writeId?: string;
  /** Claims since the last progress, the present one included. Counted at the claim, so that a crash counts. */
  readonly attempts: number;
  /** The name of the step to do next; absent before the first. A name, never an index. */
  readonly step?: string;
  /** When that step first started: its deadline runs from here, over crashes. */
  readonly stepStartedAt?: EpochMs;
  /** The last transient failure in words for a user; it becomes the reason if the attempts run out. */
  readonly lastError?: OperationError;
}

/** One cluster. */
export interface ClusterDocument extends DocumentBase, RecentlyWritten {
  readonly kind: "cluster";
  /** The ARM id in the casing of its creation (decision 1). */
  readonly resourceId: string;
  readonly resourceGroup: string;
  readonly name: string;
  /** Minted at create. Everything made outside carries it, so that an old worker can't touch a re-created cluster. */
  readonly incarnationId: string;
  readonly provisioningState: ProvisioningState;
  /** The ETag of the representation: changes when something a GET shows changes (decision 18). */
  readonly revision: string;
  /** What was asked for, and what an installation made visible. */
  readonly cluster: Cluster;
  /** The goal as last reached; an update that fails goes back to it (ARM-91). Absent before the first success. */
  readonly applied?: Cluster;
  /** All secrets of the cluster, in one place, so that one layer can seal them. */
  readonly secrets: ClusterSecrets;
  readonly operation: CurrentOperation;
  /** Waits for the forwarder to put it on the queue. */
  readonly unqueued: boolean;
  /** The sweep leaves the document alone until then. */
  readonly sweepAfter: EpochMs;
  /** How often the sweep has flagged this operation again; its margin grows with it. */
  readonly sweeps: number;
  /** Nobody works on the operation before then. */
  readonly nextAttemptAt: EpochMs;
  readonly work: Work;
  /** What the installer keeps between steps. Its shape is the installer's own; it holds no secret. */
  readonly installation: InstallationState;
}

/**
 * What listings give of a cluster: what its callers are shown, whole, and nothing of how it is worked on. A store asks for these by
 * their names, so that whatever else a document holds, whoever wrote it, stays where it is.
 */
export const listedMembers = [
  "id",
  "minimumSchemaVersion",
  "resourceId",
  "name",
  "provisioningState",
  "revision",
  "cluster",
] as const satisfies readonly (keyof ClusterDocument)[];

/** A cluster as listings give it. Who needs more, its secrets above all, or wants to write it, reads the one. */
export type ListedCluster = Pick<ClusterDocument, (typeof listedMembers)[number]>;

/** Of a document, or of what has some of its members: those alone. */
export function listedCluster(document: ListedCluster): ListedCluster {
  const listed = listedMembers.flatMap((name) =>
    document[name] === undefined ? [] : [[name, document[name]] as const],
  );
  return Object.fromEntries(listed) as unknown as ListedCluster;
}

/** An installer's own notes, readable by nobody else. */
export type InstallationState = Readonly<Record<string, unknown>>;

/** The status of an operation. Anything but `InProgress` is final (ARM-81). */
export type OperationStatus = "InProgress" | "Succeeded" | "Failed" | "Canceled";

/** What happened in one step of an operation. */
export interface StepRecord {
  readonly name: string;
  readonly phase: string;
  /** How often it was begun. */
  readonly attempts: number;
  readonly startedAt: EpochMs;
  readonly endedAt?: EpochMs;
}

/** One operation. It outlives its cluster and holds all that a poller asks for. */
export interface OperationDocument extends DocumentBase {
  readonly kind: "operation";
  readonly operationKind: OperationKind;
  /** The incarnation of its cluster: another of the same name is not its result. Absent in old records. */
  readonly incarnationId?: string;
  readonly resourceId: string;
  readonly resourceGroup: string;
  readonly name: string;
  /** The region in the status URL (ARM-77). */
  readonly location: string;
  readonly status: OperationStatus;
  readonly startedAt: EpochMs;
  readonly endedAt?: EpochMs;
  /** 0 to 100. */
  readonly percentComplete: number;
  readonly error?: OperationError;
  readonly steps: readonly StepRecord[];
  readonly requestId: string;
  readonly correlationId: string;
  /** The store forgets the document then; absent while the operation runs (ARM-86: 7 days). */
  readonly expiresAt?: EpochMs;
}

/** The removal of all clusters of a deleted subscription, as far as it has come. */
export interface SubscriptionPurge {
  /** When the subscription was announced as deleted. */
  readonly since: EpochMs;
  /** The next look at the subscription is not before then. */
  readonly nextAttemptAt: EpochMs;
  /** Looks that found a deletion failed; they come more and more rarely. */
  readonly retries: number;
}

/** A subscription as ARM last announced it. One that was never announced has no document. */
export interface SubscriptionDocument extends DocumentBase, RecentlyWritten {
  readonly kind: "subscription";
  readonly state: SubscriptionState;
  readonly changedAt: EpochMs;
  /** Present from `Deleted` until nothing is left. */
  readonly purge?: SubscriptionPurge;
}

/** A key that all processes share, made by the first that needs it. It belongs to no subscription. */
export interface KeyDocument extends DocumentBase {
  readonly kind: "key";
  /** In one place, as a cluster's, so that the same layer can seal it. */
  readonly secrets: {
    /** 256 bits, base64. */
    readonly key: string;
  };
}

/** How many operations of one kind are in one state. Either may be one that a newer release knows. */
export interface RunningCount {
  readonly kind: string;
  readonly state: string;
  readonly count: number;
}

/** What the fleet has to do, at one moment. */
export interface Activity {
  /** Operations that have not ended, in the order of kind and state. */
  readonly running: readonly RunningCount[];
  /** Their sum. */
  readonly total: number;
  /** Whether counting was given up at so many: there may be more. */
  readonly isAtLeast: boolean;
  /** When the oldest of them was asked for; absent when there is none, or none says so. */
  readonly oldestStartedAt?: EpochMs;
  /** About how many messages are on the queue, those in hand included; absent when it didn't answer. */
  readonly queuedMessages?: number;
}

/** What the forwarder publishes for all processes, as nobody else counts. It belongs to no subscription. */
export interface ActivityDocument extends DocumentBase {
  readonly kind: "activity";
  /** By the clock of whoever published it. */
  readonly publishedAt: EpochMs;
  /** How long it took to count: what began meanwhile may be missing. Absent in old documents. */
  readonly countMs?: number;
  readonly activity: Activity;
}

/** The partition of what belongs to no subscription: no subscription id has this form. */
export const providerPartition = "provider";

/** Where the activity is published. */
export const activityKey = { partition: providerPartition, id: "activity" } as const;

/**
 * Where it is published and looked for, in this order: one takes the place of those before it as long as they are damaged, since
 * what can't be read can't be replaced either.
 */
export const activityKeys = [
  activityKey,
  { partition: providerPartition, id: "activity-2" },
  { partition: providerPartition, id: "activity-3" },
] as const;

/** Any document, told apart by `kind`. */
export type RpDocument =
  | ClusterDocument
  | OperationDocument
  | SubscriptionDocument
  | KeyDocument
  | ActivityDocument;
export type DocumentKind = RpDocument["kind"];
/** Documents that hold secrets, under their member `secrets`. */
export type SecretDocument = ClusterDocument | KeyDocument;
export type DocumentOfKind<K extends DocumentKind> = Extract<RpDocument, { readonly kind: K }>;

/** How long the record of an ended operation is kept (ARM-86). */
export const operationRetentionMs = 7 * 24 * 60 * 60 * 1000;

/** Whether this release may handle the document. */
export function isTooNew(document: { readonly minimumSchemaVersion?: number }): boolean {
  return (document.minimumSchemaVersion ?? 0) > schemaVersion;
}

/**
 * Whether the secrets of a document were sealed and it was read without opening them: then they are in an envelope, or whatever
 * stands in its place is not to be believed.
 */
export function isUnopened(document: SecretDocument): boolean {
  return isSealed(document.secrets) || document.minimumSchemaVersion === sealedSchemaVersion;
}

/** A document as this release writes it. What a newer one has put in stays, so its mark stays too. */
export function written<D extends RpDocument>(document: D): D {
  return { ...document, schemaVersion: Math.max(schemaVersion, document.schemaVersion) };
}
