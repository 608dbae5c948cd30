/**
 * Documents as tests of stores need them: whole, small, and each told apart by its name.
 */
import type {
  ClusterDocument,
  EpochMs,
  OperationDocument,
  SubscriptionDocument,
} from "../../src/model/document.ts";
import { clusterKey, clusterResourceId } from "../../src/model/resourceId.ts";

export const partition = "00000000-0000-4000-8000-000000000001";
export const otherPartition = "00000000-0000-4000-8000-000000000002";

/** A time in the past of every test's clock. */
export const longAgo = Date.UTC(2020, 0, 1);

/** What a listing by time is asked with: an hour is further than anybody may set a time. */
export function dueAt(now: EpochMs): { readonly now: EpochMs; readonly farthest: EpochMs } {
  return { now, farthest: now + 3_600_000 };
}

/** A cluster whose creation has just been asked for. Any member may be given, also one that no release knows. */
export function clusterDocument(
  name: string,
  members: Readonly<Partial<ClusterDocument>> & Readonly<Record<string, unknown>> = {},
): ClusterDocument {
  const subscriptionId = members.subscriptionId ?? partition;
  const resourceGroup = members.resourceGroup ?? "rg";
  const named = { subscriptionId, resourceGroup, name };
  return {
    kind: "cluster",
    id: clusterKey(named).id,
    subscriptionId,
    schemaVersion: 1,
    resourceId: clusterResourceId(named),
    resourceGroup,
    name,
    incarnationId: `incarnation of ${name}`,
    provisioningState: "Creating",
    revision: "1",
    cluster: {
      location: "eastus",
      network: { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      controlPlane: { vmSize: "Standard_D8s_v3" },
      workers: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
    },
    secrets: { pullSecret: '{"auths":{}}' },
    operation: { id: `operation of ${name}`, kind: "create", correlationId: "correlation" },
    unqueued: true,
    sweepAfter: longAgo,
    sweeps: 0,
    nextAttemptAt: longAgo,
    work: { epoch: 0, attempts: 0 },
    installation: {},
    ...members,
  };
}

/** The record of a running operation. */
export function operationDocument(
  id: string,
  members: Readonly<Partial<OperationDocument>> = {},
): OperationDocument {
  return {
    kind: "operation",
    id,
    subscriptionId: partition,
    schemaVersion: 1,
    operationKind: "create",
    resourceId: "/subscriptions/s",
    resourceGroup: "rg",
    name: "c",
    location: "eastus",
    status: "InProgress",
    startedAt: longAgo,
    percentComplete: 0,
    steps: [],
    requestId: "request",
    correlationId: "correlation",
    ...members,
  };
}

/** A subscription that is gone. */
export function subscriptionDocument(
  subscriptionId: string,
  members: Readonly<Partial<SubscriptionDocument>> = {},
): SubscriptionDocument {
  return {
    kind: "subscription",
    id: "subscription",
    subscriptionId,
    schemaVersion: 1,
    state: "Deleted",
    changedAt: longAgo,
    ...members,
  };
}

/** JSON text in which the order of members plays no part; `__proto__` counts as a member like any other. */
export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}
