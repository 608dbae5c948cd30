/**
 * The documents with which an operation begins: pure functions that say what is committed when a cluster is created, changed
 * or deleted. The commit itself stands in `commitCluster.ts`.
 */
import type { Cluster } from "./cluster.ts";
import type { ClusterSecrets } from "./clusterSecrets.ts";
import {
  schemaVersion,
  written,
  type ClusterDocument,
  type CurrentOperation,
  type EpochMs,
  type OperationDocument,
} from "./document.ts";
import { operationEnded } from "./operationRecord.ts";
import { advance, runningState, type OperationKind } from "./provisioningState.ts";
import {
  clusterKey,
  clusterResourceId,
  subscriptionPartition,
  type ClusterName,
} from "./resourceId.ts";
import { withRevision } from "./revision.ts";
import { formatTraceparent, traceOf } from "./traceContext.ts";

/** Ids and time that the new operation takes. */
export interface OperationStart {
  readonly operationId: string;
  readonly requestId: string;
  readonly correlationId: string;
  /** W3C's, of the request; without one the operation begins a trace. */
  readonly traceparent?: string;
  /** Becomes the revision if the representation changes. */
  readonly revision: string;
  readonly now: EpochMs;
  /** The region in the links. */
  readonly location: string;
}

/** Both documents of an operation's first commit. */
export interface StartedOperation {
  readonly cluster: ClusterDocument;
  readonly operation: OperationDocument;
}

/** A cluster comes into being. */
export function startCreate(
  name: ClusterName,
  goal: { readonly cluster: Cluster; readonly secrets: ClusterSecrets },
  start: OperationStart & { readonly incarnationId: string },
): StartedOperation {
  const key = clusterKey(name);
  const cluster: ClusterDocument = {
    kind: "cluster",
    id: key.id,
    subscriptionId: key.partition,
    schemaVersion,
    resourceId: clusterResourceId(name),
    resourceGroup: name.resourceGroup,
    name: name.name,
    incarnationId: start.incarnationId,
    provisioningState: runningState.create,
    revision: start.revision,
    cluster: goal.cluster,
    secrets: goal.secrets,
    operation: currentOperation("create", start),
    unqueued: true,
    sweepAfter: start.now,
    sweeps: 0,
    nextAttemptAt: 0,
    work: { epoch: 0, attempts: 0 },
    installation: {},
  };
  return { cluster, operation: operationRecord(cluster, start) };
}

/** A cluster at rest is to be brought to a new goal. One that never reached its first goal goes on being created. */
export function startUpdate(
  current: ClusterDocument,
  goal: { readonly cluster: Cluster; readonly secrets: ClusterSecrets },
  start: OperationStart,
): StartedOperation {
  const kind = current.applied === undefined ? "create" : "update";
  const cluster = withRevision(
    current,
    { ...begun(current, kind, start), cluster: goal.cluster, secrets: goal.secrets },
    start.revision,
  );
  return { cluster, operation: operationRecord(cluster, start) };
}

/**
 * The operation that failed is begun anew: a deletion, or whatever brings the cluster to the goal that it shows. That is not the
 * goal of an update that failed, since that was given up with it (ARM-91).
 *
 * @param current in the state `Failed`.
 */
export function startAgain(current: ClusterDocument, start: OperationStart): StartedOperation {
  return current.operation.kind === "delete"
    ? startDelete(current, start)
    : startUpdate(current, current, start);
}

/** A cluster in any state but `Deleting` is to go (ARM-68). */
export function startDelete(current: ClusterDocument, start: OperationStart): StartedOperation {
  // what was reached is about to be taken down: should the deletion fail, a later PUT creates anew
  const { applied: _, ...rest } = begun(current, "delete", start);
  const cluster = withRevision(current, rest, start.revision);
  return { cluster, operation: operationRecord(cluster, start) };
}

/** The record of an operation that a DELETE has cut short. */
export function canceledByDelete(operation: OperationDocument, now: EpochMs): OperationDocument {
  return operationEnded(written(operation), {
    status: "Canceled",
    now,
    error: { code: "OperationCanceled", message: "The operation was canceled by a later DELETE." },
  });
}

function currentOperation(kind: OperationKind, start: OperationStart): CurrentOperation {
  return {
    id: start.operationId,
    kind,
    correlationId: start.correlationId,
    startedAt: start.now,
    trace: {
      operationId: start.operationId,
      requestId: start.requestId,
      traceparent: start.traceparent ?? formatTraceparent(traceOf(start.requestId)),
    },
  };
}

/** Everything that belongs to the former operation is reset; the epoch goes on, since it fences its workers off. */
function begun(
  current: ClusterDocument,
  kind: OperationKind,
  start: OperationStart,
): ClusterDocument {
  const { epoch } = current.work;
  const {
    step: _s,
    stepStartedAt: _t,
    lastError: _e,
    owner: _o,
    writeId: _w,
    ...rest
  } = current.work;
  return {
    ...written(current),
    provisioningState: advance(current.provisioningState, runningState[kind]),
    operation: { ...current.operation, ...currentOperation(kind, start) },
    unqueued: true,
    sweepAfter: start.now,
    sweeps: 0,
    nextAttemptAt: 0,
    work: { ...rest, epoch, attempts: 0 },
  };
}

function operationRecord(cluster: ClusterDocument, start: OperationStart): OperationDocument {
  return {
    kind: "operation",
    id: start.operationId,
    subscriptionId: subscriptionPartition(cluster.subscriptionId),
    schemaVersion,
    operationKind: cluster.operation.kind,
    incarnationId: cluster.incarnationId,
    resourceId: cluster.resourceId,
    resourceGroup: cluster.resourceGroup,
    name: cluster.name,
    location: start.location,
    status: "InProgress",
    startedAt: start.now,
    percentComplete: 0,
    steps: [],
    requestId: start.requestId,
    correlationId: start.correlationId,
  };
}
