/** The subnets of its user's that a cluster joins, taken apart. Pure. */
import type { Cluster } from "../../model/cluster.ts";

/** Names; all in the cluster's subscription. */
export interface GivenSubnets {
  readonly networkGroup: string;
  readonly network: string;
  readonly controlPlane: string;
  readonly worker: string;
}

const subnetForm =
  /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/virtualNetworks\/([^/]+)\/subnets\/([^/]+)$/i;

/**
 * `undefined` when a network is made for the cluster.
 *
 * @throws {TypeError} when only some are given, or they aren't in one network: requests with such are refused.
 */
export function givenSubnets({ controlPlane, workers }: Cluster): GivenSubnets | undefined {
  const ids = [controlPlane.subnetId, workers[0]?.subnetId];
  if (ids.every((id) => id === undefined)) return undefined;
  const [forControlPlane, forWorkers] = ids.map((id) => subnetForm.exec(id ?? ""));
  const [, networkGroup, network, controlPlaneName] = forControlPlane ?? [];
  const [, workerGroup, workerNetwork, worker] = forWorkers ?? [];
  if (
    networkGroup === undefined ||
    network === undefined ||
    controlPlaneName === undefined ||
    worker === undefined ||
    networkGroup.toLowerCase() !== workerGroup?.toLowerCase() ||
    network.toLowerCase() !== workerNetwork?.toLowerCase()
  ) {
    throw new TypeError("a cluster's subnets must be two of one network");
  }
  return { networkGroup, network, controlPlane: controlPlaneName, worker };
}
