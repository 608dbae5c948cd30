/**
 * What the installer on Azure remembers of a cluster between its steps, under one member of the document's notes. Members of a newer
 * release stay. It must never hold a secret: notes are stored in clear.
 */
import type { EpochMs, InstallationState } from "../../model/document.ts";
import type { InstallationSnapshot } from "../installer.ts";
import type { ChosenNames } from "./azureNames.ts";

export interface AzureNotes {
  /** Kept from the first step on, so that another setting doesn't rename a cluster that exists. */
  readonly names?: ChosenNames;
  /** Of the subscription. */
  readonly tenantId?: string;
  /** The service principal by which the cluster acts, as role assignments name it. */
  readonly principalObjectId?: string;
  /** Those that were noted so before it, until their role on the managed group is taken away. */
  readonly formerPrincipals?: readonly string[];
  /** What the region offers for the machines. */
  readonly machines?: MachineOffer;
  /** Prefix of all that is made in the group; `openshift-install` chooses it. There once the assets are sealed and kept. */
  readonly infraId?: string;
  /** The image of the machines' operating system, as `openshift-install` names it. */
  readonly imageUrl?: string;
  /** Of the machines' identity. */
  readonly identityObjectId?: string;
  /** When the assets were made: the bootstrap machine may read its configuration for 24 hours from then on. */
  readonly ignitionSince?: EpochMs;
  /** The control plane stands by itself: no machine is begun from outside of the cluster any more. */
  readonly bootstrapped?: true;
  /** Where to ask for the end of the managed group's deletion, as the SDK writes it. Whoever asks has to sign in. */
  readonly groupDeletion?: string;
  /** The deletion of a part of the bootstrap machine that was begun last, written and asked for in the same way. */
  readonly bootstrapDeletion?: { readonly part: string; readonly poller: string };
  /** The operation of the cluster whose step has begun the noted deletion: its failure is no other's. */
  readonly deletionBy?: string;
  /** Of what a deletion failed last, by which operation, and why. */
  readonly deletionFailure?: {
    readonly of: string;
    readonly by: string;
    readonly because: string;
  };
  /** ARM ids of records in the parent zone, noted before they are made. */
  readonly dnsRecords?: readonly string[];
  /** When the group or a record in the parent zone was last asked for, noted before and until it is answered. */
  readonly outsideCallAt?: EpochMs | undefined;
  /** Subnets whose security group was set, noted before. */
  readonly attachedSubnets?: readonly string[];
  /** What updates have begun to change in the cluster since one has ended well. */
  readonly unsettled?: readonly UpdatedPart[];
  /** There while nothing of Azure answers a step; what another step or operation has left counts for nothing. */
  readonly outage?: Outage | undefined;
}

/** Nothing answers a step. */
export interface Outage {
  readonly operationId: string;
  readonly step: string;
  readonly since: EpochMs;
}

/** What an update can change in a cluster. */
export type UpdatedPart = "workers" | "pullSecret" | "servicePrincipal";

export interface MachineOffer {
  /** Of the control plane's size, sorted; empty where the region has none. */
  readonly zones: readonly string[];
  readonly hyperVGeneration: "V1" | "V2";
}

/** The notes as of the last save. */
export function readNotes(snapshot: InstallationSnapshot): AzureNotes {
  return (snapshot.installation["azure"] as AzureNotes | undefined) ?? {};
}

/** The notes with some changed, in the form to save. */
export function withNotes(snapshot: InstallationSnapshot, changed: AzureNotes): InstallationState {
  return { azure: { ...readNotes(snapshot), ...changed } };
}

/**
 * What to note of the service principal by which the cluster is to act. With another one than before an update has begun to change it:
 * if that fails, the next one notes the applied one again.
 */
export function notesOfPrincipal(
  snapshot: InstallationSnapshot,
  principalObjectId: string,
): AzureNotes {
  const { principalObjectId: before, formerPrincipals = [], unsettled = [] } = readNotes(snapshot);
  if (before === undefined || before === principalObjectId) return { principalObjectId };
  const former = new Set([...formerPrincipals, before]);
  former.delete(principalObjectId);
  return {
    principalObjectId,
    formerPrincipals: [...former],
    unsettled: [...new Set([...unsettled, "servicePrincipal" as const])],
  };
}

/**
 * A note that an earlier step has left.
 *
 * @throws {TypeError} when it is missing: the steps are out of order, a fault of ours.
 */
export function noted<Name extends keyof AzureNotes>(
  snapshot: InstallationSnapshot,
  name: Name,
): NonNullable<AzureNotes[Name]> {
  const note = readNotes(snapshot)[name];
  if (note === undefined || note === null) throw new TypeError(`no step has noted ${name}`);
  return note;
}

/**
 * Whether a create has come to its last step before: the credentials are in the document, so what was kept for the installation may be
 * gone, and there is nothing left to make. A create that failed there begins anew with its first step.
 */
export function isInstalled({ secrets }: Pick<InstallationSnapshot, "secrets">): boolean {
  return secrets.adminKubeconfig !== undefined && secrets.kubeadminPassword !== undefined;
}

/**
 * Whether the control plane stands by itself, so that nothing is left to do for its beginning. A create that begins anew must not
 * deploy again: its template may have changed, and another bootstrap machine inside of a living cluster would be a second beginning.
 */
export function isBootstrapped(snapshot: InstallationSnapshot): boolean {
  return readNotes(snapshot).bootstrapped === true || isInstalled(snapshot);
}
