/**
 * Whether subnets that a user gives for a cluster's machines will do: there, large enough, apart from the cluster's own ranges, and
 * without a security group of somebody else. Pure.
 */
import type { Subnet, VirtualNetwork } from "@azure/arm-network";
// a CommonJS module, of which Node finds no names
import ipaddr from "ipaddr.js";
import type { Network } from "../../../model/cluster.ts";
import { anotherSubnet, type SubnetId } from "../resources/guardedSubnets.ts";
import type { CheckFault } from "./checkStep.ts";
import { sameLocation } from "./machineOffers.ts";

/** A subnet as a cluster asks for it. */
export interface AskedSubnet {
  readonly id: SubnetId;
  /** Whose it is to be, as in "the subnet of the workers". */
  readonly purpose: string;
  /** How many addresses its machines and load balancers take. */
  readonly addresses: number;
}

/** Azure keeps the first four and the last of each subnet for itself. */
const keptByAzure = 5;

export function subnetFaults(
  { id, purpose, addresses }: AskedSubnet,
  network: VirtualNetwork,
  cluster: {
    readonly location: string;
    readonly network: Network;
    /** Its ARM id: security groups in it are the cluster's own. */
    readonly managedGroupId: string;
    /** ARM ids of the security groups that are other clusters'. */
    readonly othersGroups: readonly string[];
  },
): CheckFault[] {
  const what = `The subnet '${id.name}' of the ${purpose}`;
  const subnet = subnetIn(network, id);
  if (subnet === undefined) {
    return [invalid(`${what} is not in the virtual network '${id.network}': create it.`)];
  }
  const faults: CheckFault[] = [];
  if (!sameLocation(network.location, cluster.location)) {
    faults.push(
      invalid(
        `${what} is in ${network.location}, the cluster in ${cluster.location}: ${anotherSubnet}`,
      ),
    );
  }
  const ranges = rangesOf(subnet);
  if (ranges.length === 0)
    faults.push(invalid(`${what} has no IPv4 range: add one, or ${anotherSubnet}`));
  else faults.push(...sizeFaults(what, { subnet, ranges, addresses }));
  faults.push(...overlapFaults(what, ranges, cluster.network));
  const group = foreignGroup(subnet, cluster);
  if (group !== undefined) {
    faults.push(
      invalid(
        cluster.othersGroups.includes(group)
          ? `${what} is used by another cluster: ${anotherSubnet}`
          : `${what} has a network security group, ${group}: detach it, since the cluster's own takes its place, or ${anotherSubnet}`,
      ),
    );
  }
  return faults;
}

/** Nothing when it isn't there. */
export function subnetIn(network: VirtualNetwork, { name: sought }: SubnetId): Subnet | undefined {
  return network.subnets?.find(({ name }) => name?.toLowerCase() === sought.toLowerCase());
}

/** The ARM id of the security group that guards it; nothing when there is none, or it is the cluster's own. */
export function foreignGroup(
  subnet: Subnet | undefined,
  { managedGroupId }: { readonly managedGroupId: string },
): string | undefined {
  const group = subnet?.networkSecurityGroup?.id;
  return group?.toLowerCase().startsWith(`${managedGroupId}/`.toLowerCase()) ? undefined : group;
}

export function invalid(message: string): CheckFault {
  return { code: "InvalidSubnet", message };
}

/** Of IPv4, as CIDR. */
function rangesOf({ addressPrefix, addressPrefixes }: Subnet): readonly string[] {
  return [...new Set([addressPrefix, ...(addressPrefixes ?? [])])].filter(
    (range) => range !== undefined && ipaddr.IPv4.isValidCIDRFourPartDecimal(range),
  ) as string[];
}

function sizeFaults(
  what: string,
  given: {
    readonly subnet: Subnet;
    readonly ranges: readonly string[];
    readonly addresses: number;
  },
): CheckFault[] {
  const { subnet, ranges, addresses } = given;
  const size = ranges.reduce((total, range) => {
    const [, prefixLength] = ipaddr.IPv4.parseCIDR(range);
    return total + Math.max(0, 2 ** (32 - prefixLength) - keptByAzure);
  }, 0);
  const left = Math.max(0, size - (subnet.ipConfigurations?.length ?? 0));
  if (left >= addresses) return [];
  return [
    invalid(
      `${what} (${ranges.join(", ")}) has ${left} free addresses, as Azure keeps five of each range; ${addresses} are needed. Make room, or ${anotherSubnet}`,
    ),
  ];
}

function overlapFaults(
  what: string,
  ranges: readonly string[],
  { podCidr, serviceCidr }: Network,
): CheckFault[] {
  const own = { pods: podCidr, services: serviceCidr };
  return ranges.flatMap((range) =>
    Object.entries(own)
      .filter(([, cidr]) => overlaps(range, cidr))
      .map(([name, cidr]) =>
        invalid(
          `${what} (${range}) overlaps the cluster's range for ${name}, ${cidr}. Delete this cluster and create it anew with another subnet or another range.`,
        ),
      ),
  );
}

function overlaps(one: string, other: string): boolean {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(other)) return false;
  const [first, firstLength] = ipaddr.IPv4.parseCIDR(one);
  const [second, secondLength] = ipaddr.IPv4.parseCIDR(other);
  // of two ranges in CIDR form either is within the other or they are apart
  const length = Math.min(firstLength, secondLength);
  return first.match(second, length);
}
