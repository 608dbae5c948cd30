/**
 * Whether the cluster's names are free in the parent zone, so that a domain that another cluster has is told before anything is built.
 * Records that this cluster has made are its own, whenever the check runs.
 */
import type { DnsManagementClient, RecordSet, RecordType } from "@azure/arm-dns";
import { TransientError } from "../../../model/rpError.ts";
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { incarnationTag, parentZone, reservationOf } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { dnsZoneId, type DnsZoneId } from "../azureInstallerSettings.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { ownFault } from "../failures/ownFault.ts";
import { isSameName } from "../sameName.ts";
import { checkStep, type CheckFault } from "./checkStep.ts";

export function checkDnsName(effects: AzureEffects): Step {
  return checkStep(effects, "CheckDnsName", async ({ snapshot }, signal) => {
    const names = noted(snapshot, "names");
    const { label, clusterDomain } = names;
    // elsewhere records are the user's
    if (label === undefined) return { faults: [] };
    const dnsZone = parentZone(names, effects.settings);
    const { dns } = effects.azure.of(dnsZone.subscriptionId);
    await checkZone(dns, dnsZone, signal);
    // a CNAME can't stand beside a record of any other type, whichever is ours
    const hosts = [`api.${label}`, `*.apps.${label}`];
    const wanted = [...hosts, reservationOf(label)];
    // what lies below a delegation is asked of other servers
    const above = [label, `apps.${label}`];
    const named = [
      ...hosts.flatMap((name) => [[name, "A"] as const, [name, "CNAME"] as const]),
      [reservationOf(label), "TXT"] as const,
      ...above.map((name) => [name, "NS"] as const),
    ];
    const foreign = (await recordsOf(dns, { dnsZone, label, named, signal })).filter(
      ({ name, type, metadata }) =>
        (wanted.some((one) => isSameName(one, name)) &&
          metadata?.[incarnationTag] !== snapshot.incarnationId) ||
        (type?.endsWith("/NS") === true && above.some((one) => isSameName(one, name))),
    );
    if (foreign.length === 0) return { faults: [] };
    const taken = [...new Set(foreign.map(({ name }) => `${name?.toLowerCase()}.${dnsZone.name}`))];
    const are = taken.length === 1 ? "is" : "are";
    const fault: CheckFault = {
      code: "DnsRecordExists",
      message: `The domain ${clusterDomain} is taken: ${taken.join(" and ")} ${are} there already. Delete this cluster and create it anew with another domain.`,
    };
    return { faults: [fault] };
  });
}

/** Without the zone no record is there either, and nothing of the user's is at fault. */
async function checkZone(
  dns: DnsManagementClient,
  dnsZone: DnsZoneId,
  signal: AbortSignal,
): Promise<void> {
  const { resourceGroup, name } = dnsZone;
  const zone = await orAbsent(dns.zones.get(resourceGroup, name, { abortSignal: signal }));
  if (zone === undefined) {
    throw new TransientError(`The resource provider's own DNS zone is not there; ${ownFault}`, {
      cause: new Error(
        `there is no DNS zone ${dnsZoneId(dnsZone)}, which AZURE_DNS_ZONE_ID names, or named when the cluster was created`,
      ),
    });
  }
}

/**
 * All below the label, and those that would be in the way most surely by their names: how Azure itself takes the suffix, which is
 * documented in half a sentence, was never seen.
 */
async function recordsOf(
  { recordSets }: DnsManagementClient,
  {
    dnsZone: { resourceGroup, name: zone },
    label,
    named,
    signal: abortSignal,
  }: {
    readonly dnsZone: DnsZoneId;
    readonly label: string;
    readonly named: readonly (readonly [name: string, type: RecordType])[];
    readonly signal: AbortSignal;
  },
): Promise<readonly RecordSet[]> {
  const records = await Promise.all(
    named.map(async ([name, type]) =>
      orAbsent(recordSets.get(resourceGroup, zone, name, type, { abortSignal })),
    ),
  );
  const below = { abortSignal, recordsetnamesuffix: label };
  for await (const record of recordSets.listByDnsZone(resourceGroup, zone, below)) {
    records.push(record);
  }
  return records.filter((record) => record !== undefined);
}
