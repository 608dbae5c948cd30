/** The address ranges that a cluster's machines are in: of the network made for it, or of the subnets that it joins. */
import { TransientError } from "../../../model/rpError.ts";
import type { StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { givenSubnets } from "../resources/givenSubnets.ts";

/**
 * In CIDR form, each once; IPv4 only.
 *
 * @throws {RestError} when a subnet can't be read.
 */
export async function machineNetworks(
  { snapshot, signal }: Pick<StepContext, "snapshot" | "signal">,
  effects: Pick<AzureEffects, "azure">,
): Promise<readonly string[]> {
  const { cluster, subscriptionId } = snapshot;
  const given = givenSubnets(cluster);
  if (given === undefined) {
    const { vnetCidr } = cluster.network;
    if (vnetCidr === undefined) throw new TypeError("a cluster has neither a network nor subnets");
    return [vnetCidr];
  }
  const { subnets } = effects.azure.of(subscriptionId).network;
  const ranges = new Set<string>();
  for (const name of [given.controlPlane, given.worker]) {
    const subnet = await subnets.get(given.networkGroup, given.network, name, {
      abortSignal: signal,
    });
    const prefixes = subnet.addressPrefixes ?? [subnet.addressPrefix ?? ""];
    for (const prefix of prefixes) if (/^[\d.]+\/\d+$/.test(prefix)) ranges.add(prefix);
  }
  if (ranges.size === 0) throw new TransientError("the cluster's subnets have no IPv4 range");
  return [...ranges];
}
