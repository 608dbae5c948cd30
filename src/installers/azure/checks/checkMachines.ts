/**
 * Whether the region has the machines and addresses that the cluster needs, and notes what it offers of them. Whatever is lacking is
 * told at once: each request for a quota takes its user hours.
 */
import { regionName } from "../../../model/regionName.ts";
import { controlPlaneCount, type Cluster } from "../../../model/cluster.ts";
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { readNotes } from "../azureNotes.ts";
import { checkStep, type CheckFault } from "./checkStep.ts";
import { regionOffer, type NeededCluster } from "./machineOffers.ts";
import {
  lackingQuotas,
  neededCompute,
  type LackingQuota,
  type NeededQuotas,
  type QuotaUsage,
} from "./quotas.ts";

/** The one that begins the installation is of the control plane's size. */
const bootstrapCount = 1;
/** The API's, or that by which machines reach the internet; and the bootstrap machine's. */
const addressCount = 2;

export function checkMachines(effects: AzureEffects): Step {
  return checkStep(effects, "CheckMachines", async ({ snapshot }, signal) => {
    const { cluster, subscriptionId } = snapshot;
    const { compute, network } = effects.azure.of(subscriptionId);
    const location = regionName(cluster.location);
    const options = { abortSignal: signal };
    const [skus, computeUsages, networkUsages] = await Promise.all([
      all(compute.resourceSkus.list({ ...options, filter: `location eq '${location}'` })),
      all(compute.usage.list(location, options)),
      all(network.usages.list(location, options)),
    ]);
    const needed = neededCluster(cluster);
    const offer = regionOffer(needed, skus);
    const machineCount = needed.workers.reduce(
      (total, { count }) => total + count,
      needed.controlPlane.count,
    );
    // from then on what is used may be the cluster's own, and Azure itself refuses what is too much
    const { infraId, machines } = readNotes(snapshot);
    const mayHaveMachines = infraId !== undefined;
    // what was deployed by it must stay as it is, whatever the region offers now
    const isSettled = mayHaveMachines && machines !== undefined;
    const lacking = mayHaveMachines
      ? []
      : [
          ...lackingQuotas(neededCompute(offer.cores, machineCount), computeUsages),
          ...lackingQuotas(neededNetwork(cluster, machineCount), networkUsages as QuotaUsage[]),
        ];
    return {
      faults: [...offer.faults, ...quotaFaults(lacking, cluster.location)],
      ...(offer.machines === undefined || isSettled ? {} : { notes: { machines: offer.machines } }),
    };
  });
}

async function all<Item>(pages: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

function neededCluster({ location, controlPlane, workers }: Cluster): NeededCluster {
  return {
    location,
    controlPlane: { vmSize: controlPlane.vmSize, count: controlPlaneCount + bootstrapCount },
    workers: workers.map(({ vmSize, count }) => ({ vmSize, count })),
  };
}

function neededNetwork(cluster: Cluster, machineCount: number): NeededQuotas {
  const isPublic = cluster.ingresses?.every(({ visibility }) => visibility === "Private") !== true;
  const addresses = addressCount + (isPublic ? 1 : 0);
  const isGiven = cluster.controlPlane.subnetId !== undefined;
  return {
    PublicIPAddresses: addresses,
    StandardSkuPublicIpAddresses: addresses,
    LoadBalancers: 2,
    StandardSkuLoadBalancers: 2,
    NetworkInterfaces: machineCount,
    NetworkSecurityGroups: 2,
    ...(isGiven ? {} : { VirtualNetworks: 1, RouteTables: 1 }),
  };
}

function quotaFaults(lacking: readonly LackingQuota[], location: string): CheckFault[] {
  if (lacking.length === 0) return [];
  const list = lacking.map(
    ({ name, needed, left, limit }) => `${name} (${needed} needed, ${left} of ${limit} left)`,
  );
  return [
    {
      code: "QuotaExceeded",
      message:
        `Quotas of the subscription in ${location} do not suffice: ${list.join(", ")}. ` +
        "Request higher ones in the portal, under Quotas, or ask for fewer workers, or delete the cluster and create it with smaller machines.",
    },
  ];
}
