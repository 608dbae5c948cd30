/**
 * What the clusters of a benchmark are called, by their numbers: always the same, so that two runs ask for the same. Those that
 * are stored lie in one subscription, the ones that writes use up, make or keep busy each in another: a size is the number of
 * clusters that a list goes through.
 */
import { createHash } from "node:crypto";
import { clusterResourceId, type ClusterName } from "../../src/model/resourceId.ts";

/** What a subscription is there for. */
export type Purpose = "stored" | "replaced" | "created" | "background";

export const subscriptions: Readonly<Record<Purpose, string>> = {
  stored: "00000000-0000-4000-8000-000000000001",
  replaced: "00000000-0000-4000-8000-000000000002",
  created: "00000000-0000-4000-8000-000000000003",
  background: "00000000-0000-4000-8000-000000000004",
};

const groupSize = 100;
/** Where the process is by default. */
const location = "eastus";

/** @param number from 0. */
export function clusterName(purpose: Purpose, number: number): ClusterName {
  return {
    subscriptionId: subscriptions[purpose],
    resourceGroup: `group-${Math.floor(number / groupSize)}`,
    name: `cluster-${number}`,
  };
}

export function clusterPath(purpose: Purpose, number: number): string {
  return clusterResourceId(clusterName(purpose, number));
}

/** Of all clusters of the subscription. */
export function listPath(purpose: Purpose): string {
  return `/subscriptions/${subscriptions[purpose]}/providers/RedHat.OpenShift/OpenShiftClusters`;
}

/** Of the operation that has made a stored cluster. */
export function operationStatusPath(number: number): string {
  return (
    `/subscriptions/${subscriptions.stored}/providers/RedHat.OpenShift/locations/${location}` +
    `/operationStatuses/${guidOf("stored operation", number)}`
  );
}

/** One GUID for each pair of a meaning and a number, in no order: real ones have none either. */
export function guidOf(meaning: string, number: number): string {
  const hex = createHash("sha256").update(`${meaning} ${number}`).digest("hex");
  const [a, b, c, d] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20)];
  return `${a}-${b}-4${c}-8${d}-${hex.slice(20, 32)}`;
}
