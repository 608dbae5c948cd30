/**
 * Whether what a request asks for can be installed at all, as far as it says so itself and nobody has to be asked. Pure.
 */
import type { ChosenNames } from "../azureNames.ts";
import type { DnsZoneId } from "../azureInstallerSettings.ts";
import type { CheckFault } from "./checkStep.ts";

/**
 * Tenants share the zone. A name inside another cluster's domain would take hosts of its applications: with records of its own it
 * also ends the wildcard above it (RFC 4592, 2.2.2). With one label each, no cluster's domain lies in another's.
 */
export function domainFaults(
  { clusterDomain, label }: Pick<ChosenNames, "clusterDomain" | "label">,
  zone: Pick<DnsZoneId, "name">,
): CheckFault[] {
  const isZone = clusterDomain === zone.name.toLowerCase();
  if (!isZone && label?.includes(".") !== true) return [];
  return [
    {
      code: "InvalidParameter",
      message:
        `The domain ${clusterDomain} can't be a cluster's own: below ${zone.name} it must have exactly one label more. Delete the ` +
        `cluster and create it with a domain such as 'mine', which is mine.${zone.name}, or with one outside of ${zone.name}.`,
    },
  ];
}
