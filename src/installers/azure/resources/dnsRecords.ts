/**
 * Records in the parent zone, which all clusters share: each is marked as its incarnation's. Whatever isn't marked so must be neither
 * changed nor deleted.
 */
import type { RecordSet, RecordType } from "@azure/arm-dns";
import { TerminalError } from "../../../model/rpError.ts";
import type { StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { dnsZoneId, type DnsZoneId } from "../azureInstallerSettings.ts";
import { isNotFound, statusOf } from "../failures/azureErrors.ts";
import { incarnationTag, parentZone } from "../azureNames.ts";
import { noted, readNotes, type AzureNotes } from "../azureNotes.ts";
import { callOutside } from "./lateCalls.ts";
import { namedAnswer } from "./namedAnswer.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";

/** Of the cluster's records, in seconds. */
const ttlSeconds = 300;

/** What a cluster's records are. */
const types = ["A", "CNAME", "TXT"] as const satisfies readonly RecordType[];
type WantedType = (typeof types)[number];

interface WantedRecord {
  /** Relative to the zone. */
  readonly name: string;
  readonly type: WantedType;
  /** An address, the name that it stands for, or a text. */
  readonly value: string;
}

type Effects = Pick<AzureEffects, "azure" | "pollMs" | "settings">;

/** @throws {TerminalError} when there is one that isn't ours. */
export async function createRecord(
  effects: Effects,
  context: StepContext,
  wanted: WantedRecord,
): Promise<StepResult> {
  const { snapshot, signal } = context;
  const zone = parentZone(noted(snapshot, "names"), effects.settings);
  const { recordSets } = effects.azure.of(zone.subscriptionId).dns;
  const where = [zone.resourceGroup, zone.name, wanted.name, wanted.type] as const;
  const answer = await orAbsent(recordSets.get(...where, { abortSignal: signal }));
  const present = namedAnswer(answer, wanted.name);
  if (present !== undefined && !isOurs(present, context)) {
    throw new TerminalError({
      code: "DnsRecordExists",
      message: `The DNS record ${wanted.name}.${zone.name} exists and was not made for this cluster. Delete this cluster and create it anew with another domain.`,
    });
  }
  if (present !== undefined && isSameName(valueOf(present), wanted.value)) return { done: true };
  try {
    await callOutside(context, notesWith(context, recordId(zone, wanted)), async () =>
      recordSets.createOrUpdate(
        ...where,
        {
          ttl: ttlSeconds,
          metadata: { [incarnationTag]: snapshot.incarnationId },
          ...contentOf(wanted),
        },
        {
          abortSignal: signal,
          ...(present?.etag === undefined ? { ifNoneMatch: "*" } : { ifMatch: present.etag }),
        },
      ),
    );
  } catch (error) {
    // somebody was faster, perhaps an earlier worker of this very step: look whose it is
    if (statusOf(error) !== 412) throw error;
    return { done: false, againAfterMs: effects.pollMs };
  }
  return { done: true };
}

/** Deletes a record if it is still ours. @returns whether there is nothing left to delete. */
export async function deleteRecord(
  effects: Effects,
  context: StepContext,
  id: string,
): Promise<boolean> {
  const { zone, type, name } = recordOf(id);
  const { recordSets } = effects.azure.of(zone.subscriptionId).dns;
  const where = [zone.resourceGroup, zone.name, name, type] as const;
  const answer = await orAbsent(recordSets.get(...where, { abortSignal: context.signal }));
  const present = namedAnswer(answer, name);
  if (present === undefined || !isOurs(present, context)) return true;
  if (present.etag === undefined) throw new Error("Azure gave no ETag of a DNS record");
  context.guard();
  try {
    await recordSets.delete(...where, { abortSignal: context.signal, ifMatch: present.etag });
  } catch (error) {
    if (statusOf(error) === 412) return false;
    if (!isNotFound(error)) throw error;
  }
  return true;
}

function isOurs({ metadata }: RecordSet, { snapshot }: Pick<StepContext, "snapshot">): boolean {
  return metadata?.[incarnationTag] === snapshot.incarnationId;
}

function contentOf({ type, value }: WantedRecord): RecordSet {
  switch (type) {
    case "A":
      return { aRecords: [{ ipv4Address: value }] };
    case "CNAME":
      return { cnameRecord: { cname: value } };
    case "TXT":
      return { txtRecords: [{ value: [value] }] };
  }
}

function valueOf({ aRecords, cnameRecord, txtRecords }: RecordSet): string | undefined {
  if (cnameRecord?.cname !== undefined) return cnameRecord.cname.replace(/\.$/, "");
  if (txtRecords?.length === 1) return txtRecords[0]?.value?.join("");
  return aRecords?.length === 1 ? aRecords[0]?.ipv4Address : undefined;
}

function notesWith({ snapshot }: StepContext, id: string): AzureNotes {
  const { dnsRecords = [] } = readNotes(snapshot);
  return dnsRecords.includes(id) ? {} : { dnsRecords: [...dnsRecords, id] };
}

function recordId(zone: DnsZoneId, { name, type }: WantedRecord): string {
  return `${dnsZoneId(zone)}/${type}/${name}`;
}

const idForm =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/dnsZones\/([^/]+)\/([A-Z]+)\/([^/]+)$/;

function recordOf(id: string): {
  readonly zone: DnsZoneId;
  readonly type: WantedType;
  readonly name: string;
} {
  const [, subscriptionId, resourceGroup, zone, typeText, name] = idForm.exec(id) ?? [];
  const type = types.find((each) => each === typeText);
  if (
    subscriptionId === undefined ||
    resourceGroup === undefined ||
    zone === undefined ||
    type === undefined ||
    name === undefined
  ) {
    throw new TypeError("a note of a DNS record is no record's id");
  }
  return { zone: { subscriptionId, resourceGroup, name: zone }, type, name };
}
