/**
 * Whether what a request asks for can be installed at all, as far as it says so itself and nobody has to be asked. Pure.
 */
import type { Cluster } from "../../../model/cluster.ts";
import { podRangeRefusal } from "../../../model/podRange.ts";
import { installableFault } from "../assets/installConfig.ts";
import type { ChosenNames } from "../azureNames.ts";
import type { DnsZoneId } from "../azureInstallerSettings.ts";
import type { CheckFault } from "./checkStep.ts";

type Domain = Pick<ChosenNames, "clusterDomain" | "label">;

export function requestFaults(
  cluster: Pick<Cluster, "network" | "workers">,
  names: Domain,
  zone: Pick<DnsZoneId, "name">,
): CheckFault[] {
  const { clusterDomain } = names;
  const uninstallable = installableFault(clusterDomain);
  return [
    ...domainFaults(names, zone),
    ...(uninstallable === undefined ? [] : [invalid(uninstallable)]),
    ...podRangeFaults(cluster),
  ];
}

/**
 * Tenants share the zone. A name inside another cluster's domain would take hosts of its applications: with records of its own it
 * also ends the wildcard above it (RFC 4592, 2.2.2). With one label each, no cluster's domain lies in another's.
 */
function domainFaults(
  { clusterDomain, label }: Domain,
  zone: Pick<DnsZoneId, "name">,
): CheckFault[] {
  const isZone = clusterDomain === zone.name.toLowerCase();
  if (!isZone && label?.includes(".") !== true) return [];
  return [
    invalid(
      `The domain ${clusterDomain} can't be a cluster's own: below ${zone.name} it must have exactly one label more. Delete the ` +
        `cluster and create it with a domain such as 'mine', which is mine.${zone.name}, or with one outside of ${zone.name}.`,
    ),
  ];
}

/** A node that gets no part of the pods' range never becomes ready. */
function podRangeFaults({ network, workers }: Pick<Cluster, "network" | "workers">): CheckFault[] {
  const workerCount = workers.reduce((total, { count }) => total + count, 0);
  const refusal = podRangeRefusal(network.podCidr, workerCount);
  return refusal === undefined ? [] : [invalid(refusal)];
}

function invalid(message: string): CheckFault {
  return { code: "InvalidParameter", message };
}
