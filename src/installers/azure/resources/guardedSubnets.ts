/** The subnets that a user gave a cluster: which security group each needs, and their ids taken apart. Pure. */
import type { InstallationSnapshot } from "../../installer.ts";

export interface SubnetId {
  readonly id: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly network: string;
  readonly name: string;
}

export interface GuardedSubnet {
  readonly subnet: SubnetId;
  readonly role: "controlPlane" | "node";
}

const form =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/virtualNetworks\/([^/]+)\/subnets\/([^/]+)$/i;

/** A cluster's subnets can't be changed. "This" cluster, as some messages name another one, which is healthy. */
export const anotherSubnet = "delete this cluster and create it anew with another subnet.";

/** @throws {TypeError} when it is no subnet's id: those were refused when the cluster was PUT. */
export function subnetOf(id: string): SubnetId {
  const [, subscriptionId, resourceGroup, network, name] = form.exec(id) ?? [];
  if (
    subscriptionId === undefined ||
    resourceGroup === undefined ||
    network === undefined ||
    name === undefined
  ) {
    throw new TypeError(`${id} is not the id of a subnet`);
  }
  return { id, subscriptionId, resourceGroup, network, name };
}

/** Each once; one that machines of both kinds join is the control plane's, whose security group allows more. */
export function guardedSubnets({ cluster }: InstallationSnapshot): readonly GuardedSubnet[] {
  const given = new Map<string, GuardedSubnet>();
  const add = (id: string | undefined, role: GuardedSubnet["role"]): void => {
    if (id === undefined || given.has(id.toLowerCase())) return;
    given.set(id.toLowerCase(), { subnet: subnetOf(id), role });
  };
  add(cluster.controlPlane.subnetId, "controlPlane");
  for (const { subnetId } of cluster.workers) add(subnetId, "node");
  return [...given.values()];
}
