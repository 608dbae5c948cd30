/**
 * Port: what brings a real cluster to the state that a document asks for. An installer is a list of named steps for
 * each kind of operation; the backend runs them, persists each one's name and notes, and resumes at the step after a crash.
 *
 * A step must be idempotent: it may be begun any number of times, also while an earlier run of a crashed process is
 * still under way outside. It persists what it intends first (`context.save`), then finds or creates by
 * `incarnationId`, never by the ARM name alone. It never writes the document itself.
 */
import type { Cluster } from "../model/cluster.ts";
import type { ClusterSecrets } from "../model/clusterSecrets.ts";
import type { EpochMs, InstallationState } from "../model/document.ts";
import type { OperationKind } from "../model/provisioningState.ts";

/** What a step sees of the cluster: a snapshot, current as of its last `save`. */
export interface InstallationSnapshot {
  readonly resourceId: string;
  readonly name: string;
  readonly resourceGroup: string;
  readonly subscriptionId: string;
  /** Everything made outside carries it. */
  readonly incarnationId: string;
  readonly operationId: string;
  /**
   * The fencing token of the claim under which the step runs: it grows with every claim of this incarnation. For the log, and
   * for systems outside that can refuse an older one.
   */
  readonly epoch: number;
  /** The goal. */
  readonly cluster: Cluster;
  /** The goal as last reached; absent before the first success. */
  readonly applied?: Cluster;
  readonly secrets: ClusterSecrets;
  readonly installation: InstallationState;
}

/** What a step may change. Members left out stay; `installation` and `secrets` are merged one level deep. */
export interface InstallationChanges {
  readonly installation?: InstallationState;
  readonly secrets?: ClusterSecrets;
  readonly apiserverUrl?: string;
  readonly consoleUrl?: string;
  /** IPv4. */
  readonly apiserverIp?: string;
  /** IPv4, by the name of the ingress; those of a cluster that knows of no such ingress are dropped. */
  readonly ingressIps?: Readonly<Record<string, string>>;
}

export interface StepContext {
  /** The cluster as of the last `save`, or of the start of the step. */
  readonly snapshot: InstallationSnapshot;
  /** When this step was first begun, over crashes and *again*. */
  readonly startedAt: EpochMs;
  readonly now: EpochMs;
  /** Aborted when the lease is lost, a newer operation has come, the step's deadline has passed, or the process stops. */
  readonly signal: AbortSignal;
  /**
   * To be called right before each call that creates or deletes something outside.
   *
   * @throws when the worker may no longer act; let it pass through.
   */
  guard(): void;
  /**
   * Persists notes in the middle of a step, before acting on them.
   *
   * @throws when the worker was superseded; let it pass through.
   */
  save(changes: InstallationChanges): Promise<void>;
}

/**
 * Done with these changes, or to be called again after a while, holding neither a worker nor a lease meanwhile. It may be
 * called earlier than it asks. `because` says in a sentence what it waits for, when that is something that went wrong and may pass:
 * operators read it while it lasts, and users when the step's time is up.
 */
export type StepResult =
  | { readonly done: true; readonly changes?: InstallationChanges }
  | {
      readonly done: false;
      readonly againAfterMs: number;
      readonly because?: string;
      readonly changes?: InstallationChanges;
    };

export interface Step {
  /** Unique in its operation, and stable: it is stored. */
  readonly name: string;
  /** From its first start; afterwards the operation fails with `StepTimedOut`. */
  readonly deadlineMs: number;
  /**
   * @throws {TerminalError} to end the operation; anything else is transient and tried again with backoff; users see
   * the message of a `TransientError` alone.
   */
  run(context: StepContext): Promise<StepResult>;
}

/** Steps under the name of a phase, as users know them. */
export interface Phase {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Installer {
  readonly name: string;
  /** What has to be done, in order, for an operation of this kind. */
  readonly phases: Readonly<Record<OperationKind, readonly Phase[]>>;
}
