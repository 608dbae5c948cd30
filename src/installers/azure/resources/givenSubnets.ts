/** The subnets of its user's that a cluster joins, taken apart. Pure. */
import type { Cluster } from "../../../model/cluster.ts";
import { subnetOf } from "./guardedSubnets.ts";

/** Names; all in the cluster's subscription. */
export interface GivenSubnets {
  readonly networkGroup: string;
  readonly network: string;
  readonly controlPlane: string;
  readonly worker: string;
}

/**
 * `undefined` when a network is made for the cluster.
 *
 * @throws {TypeError} when only some are given, or they aren't in one network: requests with such are refused.
 */
export function givenSubnets({ controlPlane, workers }: Cluster): GivenSubnets | undefined {
  const forControlPlane = controlPlane.subnetId;
  const forWorkers = workers[0]?.subnetId;
  if (forControlPlane === undefined && forWorkers === undefined) return undefined;
  const { resourceGroup, network, name } = subnetOf(forControlPlane ?? "");
  const worker = subnetOf(forWorkers ?? "");
  if (
    resourceGroup.toLowerCase() !== worker.resourceGroup.toLowerCase() ||
    network.toLowerCase() !== worker.network.toLowerCase()
  ) {
    throw new TypeError("a cluster's subnets must be two of one network");
  }
  return { networkGroup: resourceGroup, network, controlPlane: name, worker: worker.name };
}
