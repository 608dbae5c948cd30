/**
 * Rules about ARM ids of things that a cluster refers to: their form, and how they stand to the cluster and to each other.
 * Whether they exist is not a question for here. Ids are compared regardless of case (ARM-02).
 */
import { shown } from "../model/shownText.ts";
import { foldCase, isGuid, isResourceGroupName } from "../model/resourceId.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

/** An id as the caller wrote it, and where it stands in the body. */
export interface AskedId {
  readonly path: string;
  readonly id: string;
}

/** A fault unless it is a resource group of the cluster's subscription, and another one than the cluster's. */
export function resourceGroupFaults({ path, id }: AskedId, clusterId: string): Fault[] {
  const quoted = `'${shown(id)}'`;
  const group = groupOf(id.split("/"));
  if (group?.rest.length !== 0) {
    const form = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
    return [refused(path, `${quoted} is not the id of a resource group: ${form}.`)];
  }
  const own = groupOf(clusterId.split("/"));
  if (group.subscription !== own?.subscription) {
    return [refused(path, `${quoted} must be in the subscription of the cluster.`)];
  }
  if (group.name !== own.name) return [];
  return [refused(path, `${quoted} is the group of the cluster itself; it must be another one.`)];
}

/** Everything wrong with the subnets of a cluster: each another one, all in one virtual network. */
export function subnetFaults(asked: readonly AskedId[]): Fault[] {
  const faults: Fault[] = [];
  const subnets: Subnet[] = [];
  for (const { path, id } of asked) {
    const quoted = `'${shown(id)}'`;
    const subnet = subnetOf(id);
    if (subnet === undefined) {
      const form = "…/providers/Microsoft.Network/virtualNetworks/{network}/subnets/{subnet}";
      faults.push(refused(path, `${quoted} is not the id of a subnet: ${form}.`));
      continue;
    }
    const { network, name } = subnet;
    if (subnets.some((other) => other.network === network && other.name === name)) {
      faults.push(refused(path, `${quoted} is used already; it must be another subnet.`));
    }
    subnets.push({ path, id, network, name });
  }
  return [...faults, ...networkFaults(subnets)];
}

interface Subnet extends AskedId {
  /** The virtual network's id, and the subnet's name, as they are compared. */
  readonly network: string;
  readonly name: string;
}

/**
 * A fault for each subnet that is in another virtual network than most. Where no network has most of them, as with one
 * subnet for each of two machine kinds, nobody can say which is meant, so each is named as one that may be wrong.
 */
function networkFaults(subnets: readonly Subnet[]): Fault[] {
  const [meant] = subnets.filter(({ network }) => {
    const inIt = subnets.filter((other) => other.network === network);
    return 2 * inIt.length > subnets.length;
  });
  return subnets.flatMap((subnet) => {
    const other = meant ?? subnets.find(({ network }) => network !== subnet.network);
    if (other === undefined || other.network === subnet.network) return [];
    const message =
      `'${subnet.path}' is in '${networkIdOf(subnet)}', '${other.path}' is in ` +
      `'${networkIdOf(other)}'; all subnets of a cluster must be in the same virtual network.`;
    return [refused(subnet.path, message)];
  });
}

/** In the caller's casing. */
function networkIdOf({ id }: Subnet): string {
  return shown(id.split("/").slice(0, -2).join("/"));
}

interface Group {
  readonly subscription: string;
  readonly name: string;
  /** The segments after it. */
  readonly rest: readonly string[];
}

function groupOf(segments: readonly string[]): Group | undefined {
  const [empty, subscriptions = "", subscription = "", groups = "", name = "", ...rest] = segments;
  if (empty !== "" || foldCase(subscriptions) !== "subscriptions" || !isGuid(subscription)) {
    return undefined;
  }
  if (foldCase(groups) !== "resourcegroups" || !isResourceGroupName(name)) return undefined;
  return { subscription: foldCase(subscription), name: foldCase(name), rest };
}

/** Azure's bounds of both names: 1 to 80 of these, beginning with a letter or digit and not ending in `.` or `-`. */
const networkName = /^[a-z0-9]([a-z0-9_.-]{0,78}[a-z0-9_])?$/i;

function subnetOf(id: string): { readonly network: string; readonly name: string } | undefined {
  const group = groupOf(id.split("/"));
  const [providers, namespace, networks, network = "", subnets, subnet = "", ...more] = (
    group?.rest ?? []
  ).map(foldCase);
  const kind = [providers, namespace, networks, subnets].join("/");
  if (group === undefined || kind !== "providers/microsoft.network/virtualnetworks/subnets") {
    return undefined;
  }
  if (more.length > 0 || !networkName.test(network) || !networkName.test(subnet)) return undefined;
  return { network: `${group.subscription}/${group.name}/${network}`, name: subnet };
}
