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
import type { DnsZoneId } from "../azureInstallerSettings.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { checkStep, type CheckFault } from "./checkStep.ts";

/** A name can't have a CNAME beside another record, whichever is ours. */
const hostTypes = ["A", "CNAME"] as const satisfies readonly RecordType[];

export function checkDnsName(effects: AzureEffects): Step {
  return checkStep(effects, "CheckDnsName", async ({ snapshot }, signal) => {
    const names = noted(snapshot, "names");
    const { label, clusterDomain } = names;
    // elsewhere records are the user's
    if (label === undefined) return { faults: [] };
    const dnsZone = parentZone(names, effects.settings);
    const { dns } = effects.azure.of(dnsZone.subscriptionId);
    await checkZone(dns, dnsZone, signal);
    const wanted = [
      ...[`api.${label}`, `*.apps.${label}`].flatMap((name) =>
        hostTypes.map((type) => ({ name, type })),
      ),
      { name: reservationOf(label), type: "TXT" as const },
    ];
    const present = await Promise.all(
      wanted.map(async ({ name, type }) => ({
        name,
        record: await record(dns, { dnsZone, name, type }, signal),
      })),
    );
    const foreign = present.filter(
      ({ record: each }) =>
        each !== undefined && each.metadata?.[incarnationTag] !== snapshot.incarnationId,
    );
    if (foreign.length === 0) return { faults: [] };
    const taken = [...new Set(foreign.map(({ name }) => `${name}.${dnsZone.name}`))];
    const are = taken.length === 1 ? "is" : "are";
    const fault: CheckFault = {
      code: "DnsRecordExists",
      message: `The domain ${clusterDomain} is taken: ${taken.join(" and ")} ${are} there already. Create the cluster with another domain.`,
    };
    return { faults: [fault] };
  });
}

/** Without the zone no record is there either, and nothing of the user's is at fault. */
async function checkZone(
  dns: DnsManagementClient,
  { resourceGroup, name }: DnsZoneId,
  signal: AbortSignal,
): Promise<void> {
  const zone = await orAbsent(dns.zones.get(resourceGroup, name, { abortSignal: signal }));
  if (zone === undefined) {
    throw new TransientError(
      "The resource provider's own DNS zone is not there; its operator has to look.",
    );
  }
}

async function record(
  dns: DnsManagementClient,
  where: { readonly dnsZone: DnsZoneId; readonly name: string; readonly type: RecordType },
  signal: AbortSignal,
): Promise<RecordSet | undefined> {
  const { dnsZone, name, type } = where;
  return orAbsent(
    dns.recordSets.get(dnsZone.resourceGroup, dnsZone.name, name, type, { abortSignal: signal }),
  );
}
