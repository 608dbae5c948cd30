/**
 * The writes of a worker, as pure changes of a cluster and its operation's record: claim, progress, wait, end. A change may
 * be applied again to a newer copy of the same claim, so none depends on anything but its arguments, and each overwrites
 * only the members it knows.
 */
import type { InstallationChanges, InstallationSnapshot } from "../installers/installer.ts";
import type { Cluster } from "../model/cluster.ts";
import { withGoalGivenUp, withGoalReached } from "../model/clusterSecrets.ts";
import {
  isUnopened,
  type ClusterDocument,
  type EpochMs,
  type OperationDocument,
} from "../model/document.ts";
import { operationEnded, stepBegun, stepEnded, type StepPlace } from "../model/operationRecord.ts";
import { advance } from "../model/provisioningState.ts";
import type { OperationError } from "../model/rpError.ts";
import { sweepMarginMs, type Timing } from "../model/timing.ts";
import type { Change } from "./fencedCluster.ts";
import { attemptsMax } from "./retryDelay.ts";
import { findStep, type StepLists } from "./stepList.ts";

/** What a step may see of a document. */
export function snapshotOf(document: ClusterDocument): InstallationSnapshot {
  return {
    resourceId: document.resourceId,
    name: document.name,
    resourceGroup: document.resourceGroup,
    subscriptionId: document.subscriptionId,
    incarnationId: document.incarnationId,
    operationId: document.operation.id,
    epoch: document.work.epoch,
    cluster: document.cluster,
    ...(document.applied === undefined ? {} : { applied: document.applied }),
    // of a deletion that goes on without them: nothing is known
    secrets: isUnopened(document) ? {} : document.secrets,
    installation: document.installation,
  };
}

/** What a step found out goes into the document. */
function withChanges(
  document: ClusterDocument,
  changes: InstallationChanges | undefined,
): ClusterDocument {
  if (changes === undefined) return document;
  return {
    ...document,
    installation: { ...document.installation, ...changes.installation },
    ...(changes.secrets === undefined
      ? {}
      : { secrets: { ...document.secrets, ...changes.secrets } }),
    cluster: {
      ...document.cluster,
      ...(changes.apiserverUrl === undefined ? {} : { apiserverUrl: changes.apiserverUrl }),
      ...(changes.consoleUrl === undefined ? {} : { consoleUrl: changes.consoleUrl }),
      ...(changes.apiserverIp === undefined ? {} : { apiserverIp: changes.apiserverIp }),
      ...withIngressIps(document.cluster, changes.ingressIps),
    },
  };
}

/** A cluster made through an api-version without ingresses has none, and gets none. */
function withIngressIps(
  { ingresses }: Cluster,
  ips: InstallationChanges["ingressIps"],
): Pick<Cluster, "ingresses"> {
  if (ingresses === undefined || ips === undefined) return {};
  return {
    ingresses: ingresses.map((ingress) => {
      const ip = Object.hasOwn(ips, ingress.name) ? ips[ingress.name] : undefined;
      return ip === undefined ? ingress : { ...ingress, ip };
    }),
  };
}

/**
 * A worker takes the cluster: a new epoch, its own owner id, one more attempt — counted here, so that a step that kills the
 * process counts. The step that it will begin is noted in the record, unless there is none or too many have failed.
 */
export function claimed(options: {
  readonly owner: string;
  readonly steps: StepLists;
  readonly now: EpochMs;
  readonly timing: Timing;
}): Change {
  const { owner, steps, now, timing } = options;
  return ({ cluster, operation }) => {
    const attempts = cluster.work.attempts + 1;
    const found = findStep(steps[cluster.operation.kind], cluster.work.step);
    const place = typeof found === "object" ? found.place : undefined;
    // a start that is yet to come was noted before the clock was set back
    const startedAt = Math.min(cluster.work.stepStartedAt ?? now, now);
    return {
      cluster: {
        ...cluster,
        unqueued: false,
        sweepAfter: now + sweepMarginMs(timing, cluster.sweeps),
        work: {
          ...cluster.work,
          epoch: cluster.work.epoch + 1,
          owner,
          attempts,
          ...(place === undefined ? {} : { step: place.name, stepStartedAt: startedAt }),
        },
      },
      operation:
        place === undefined || attempts > attemptsMax
          ? operation
          : stepBegun(operation, place, now),
    };
  };
}

/** Notes in the middle of a step. */
export function saved(changes: InstallationChanges): Change {
  return ({ cluster, operation }) => ({ cluster: withChanges(cluster, changes), operation });
}

/**
 * A step is done, and this worker goes on with `next`. Attempts count from one again: it is still this claim. The sweep's margin
 * begins anew: a message came through, and a long operation must not pay at its end for messages that were lost at its beginning.
 */
export function progressed(options: {
  readonly changes: InstallationChanges | undefined;
  readonly next: StepPlace;
  readonly now: EpochMs;
  readonly timing: Timing;
}): Change {
  const { changes, next, now, timing } = options;
  return ({ cluster, operation }) => {
    const { lastError: _, ...work } = cluster.work;
    return {
      cluster: {
        ...withChanges(cluster, changes),
        sweepAfter: now + sweepMarginMs(timing, 0),
        sweeps: 0,
        work: { ...work, step: next.name, stepStartedAt: now, attempts: 1 },
      },
      operation: stepBegun(stepEnded(operation, now), next, now),
    };
  };
}

/** The step is to be begun again later. `attempts` and `lastError` say whether that was a failure. */
export function postponed(options: {
  readonly changes?: InstallationChanges | undefined;
  readonly untilMs: EpochMs;
  readonly attempts: number;
  readonly lastError?: OperationError;
  /** Set when the message is gone, so that the forwarder sends another. */
  readonly unqueued: boolean;
  readonly timing: Timing;
}): Change {
  return ({ cluster, operation }) => {
    const { lastError: _, ...work } = cluster.work;
    return {
      cluster: {
        ...withChanges(cluster, options.changes),
        nextAttemptAt: options.untilMs,
        unqueued: options.unqueued,
        sweepAfter: options.untilMs + sweepMarginMs(options.timing, cluster.sweeps),
        work: {
          ...work,
          attempts: options.attempts,
          ...(options.lastError === undefined ? {} : { lastError: options.lastError }),
        },
      },
      operation,
    };
  };
}

/** The process stops in good order: the attempt that the claim counted was none. */
export function givenBack(options: {
  readonly now: EpochMs;
  /** Set when the message is gone, so that the forwarder sends another. */
  readonly unqueued: boolean;
  readonly timing: Timing;
}): Change {
  return ({ cluster, operation }) => ({
    cluster: {
      ...cluster,
      unqueued: options.unqueued,
      sweepAfter: options.now + sweepMarginMs(options.timing, cluster.sweeps),
      work: { ...cluster.work, attempts: Math.max(0, cluster.work.attempts - 1) },
    },
    operation,
  });
}

function rested(cluster: ClusterDocument): ClusterDocument {
  const { step: _step, stepStartedAt: _started, lastError: _error, ...work } = cluster.work;
  return { ...cluster, unqueued: false, nextAttemptAt: 0, work: { ...work, attempts: 0 } };
}

/** A create or update has reached its goal: cluster and record become terminal together (ARM-84). */
export function succeeded(options: {
  readonly changes: InstallationChanges | undefined;
  readonly now: EpochMs;
}): Change {
  return ({ cluster, operation }) => {
    const changed = withChanges(cluster, options.changes);
    return {
      cluster: {
        ...rested(changed),
        provisioningState: advance(cluster.provisioningState, "Succeeded"),
        applied: changed.cluster,
        secrets: withGoalReached(changed.secrets),
      },
      operation: completed(operation, options.now),
    };
  };
}

/** The record of an operation that has reached its goal. */
export function completed(operation: OperationDocument, now: EpochMs): OperationDocument {
  return operationEnded(stepEnded(operation, now), { status: "Succeeded", now });
}

/**
 * The operation ends without its goal. An update goes back to what was last reached, so that the resource shows the true
 * state (ARM-91); tags and systemData need no worker, so they stay as asked.
 */
export function failed(options: { readonly error: OperationError; readonly now: EpochMs }): Change {
  return ({ cluster, operation }) => {
    const { tags, systemData } = cluster.cluster;
    const { tags: _tags, systemData: _systemData, ...reached } = cluster.applied ?? cluster.cluster;
    return {
      cluster: {
        ...rested(cluster),
        provisioningState: advance(cluster.provisioningState, "Failed"),
        cluster: {
          ...reached,
          ...(tags === undefined ? {} : { tags }),
          ...(systemData === undefined ? {} : { systemData }),
        },
        // a client's id and its secret belong together
        secrets: cluster.applied === undefined ? cluster.secrets : withGoalGivenUp(cluster.secrets),
      },
      operation: operationEnded(operation, {
        status: "Failed",
        now: options.now,
        error: options.error,
      }),
    };
  };
}
