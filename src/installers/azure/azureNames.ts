/**
 * What a cluster's things are called in Azure. Group, storage account and domain are chosen first and carry the mark of the
 * incarnation; the rest has the prefix that `openshift-install` chooses, since the cluster's own controllers look for these names.
 * Pure.
 */
import { apiHost, clusterNames, incarnationMark } from "../clusterNames.ts";
import type { InstallationSnapshot } from "../installer.ts";
import type { DnsZoneId } from "./azureInstallerSettings.ts";

export interface ChosenNames {
  /** Of the incarnation, in lower-case letters and digits. */
  readonly mark: string;
  /** For everything that is made; in the cluster's own subscription. */
  readonly managedGroup: string;
  /** `api.` and `*.apps.` are in it. */
  readonly clusterDomain: string;
  /**
   * The cluster's domain as names relative to the parent zone end; absent when it lies elsewhere, and then its records are its
   * user's.
   */
  readonly label?: string;
  /**
   * The parent zone as it was set then. Absent in notes of earlier releases; read it with `parentZone`.
   */
  readonly dnsZone?: DnsZoneId;
  readonly storageAccount: string;
}

/** Blob containers of the storage account. */
export const containers = { image: "vhd", ignition: "ignition", state: "aro" } as const;
/** What they hold. */
export const blobs = {
  image: "rhcos.vhd",
  bootstrapIgnition: "bootstrap.ign",
  state: "graph",
} as const;

/** Tag and metadata of everything that can carry one: the incarnation for which it was made. */
export const incarnationTag = "openshift-rp-incarnation";

const groupLengthMax = 90;
/** Of the first part of a domain, without the mark and its dash: `openshift-install` takes it for the cluster's name, of at most 54. */
const domainNameLengthMax = 45;
/** What a step and its deployments are called alike in each run. */
export const deploymentNames = {
  storage: ({ mark }: ChosenNames): string => `storage-${mark}`,
  resources: ({ mark }: ChosenNames): string => `resources-${mark}`,
} as const;

export function chooseNames(snapshot: InstallationSnapshot, zone: DnsZoneId): ChosenNames {
  const { name, incarnationId, cluster } = snapshot;
  const mark = incarnationMark(incarnationId);
  const { clusterDomain, storageAccount } = clusterNames({
    name: domainName(name),
    incarnationId,
    domain: zone.name,
    askedDomain: cluster.domain,
  });
  const parent = `.${zone.name.toLowerCase()}`;
  const isBelow = clusterDomain.endsWith(parent);
  return {
    mark,
    managedGroup:
      cluster.resourceGroupId?.split("/").at(-1) ?? `aro-${name}-${mark}`.slice(-groupLengthMax),
    clusterDomain,
    ...(isBelow ? { label: clusterDomain.slice(0, -parent.length) } : {}),
    dnsZone: zone,
    storageAccount,
  };
}

/**
 * The zone of the cluster's records, whatever is set meanwhile: in another one `label` would be a name that nobody asked for.
 *
 * @param settings of now, for notes that don't have it.
 */
export function parentZone(
  { dnsZone }: Pick<ChosenNames, "dnsZone">,
  settings: { readonly dnsZone: DnsZoneId },
): DnsZoneId {
  return dnsZone ?? settings.dnsZone;
}

/** The name, relative to the parent zone, of the record by which a cluster has its domain; none of a host, as it begins so. */
export function reservationOf(label: string): string {
  return `_openshift-rp.${label}`;
}

/** As `openshift-install` takes it: it begins with a letter. */
function domainName(name: string): string {
  const lettered = /^[a-z]/i.test(name) ? name : `c-${name}`;
  return lettered.slice(0, domainNameLengthMax).replace(/-+$/, "");
}

/** The ARM id of the managed group. */
export function managedGroupId(snapshot: InstallationSnapshot, names: ChosenNames): string {
  return `/subscriptions/${snapshot.subscriptionId}/resourceGroups/${names.managedGroup}`;
}

/** As the resource shows it. */
export function apiserverUrl({ clusterDomain }: ChosenNames): string {
  return `https://${apiHost({ clusterDomain })}:6443/`;
}

/** Names of what has the prefix `infraId`. */
export function infraNames(infraId: string) {
  return {
    identity: `${infraId}-identity`,
    controlPlaneSecurityGroup: `${infraId}-controlplane-nsg`,
    nodeSecurityGroup: `${infraId}-node-nsg`,
    network: `${infraId}-vnet`,
    controlPlaneSubnet: `${infraId}-master-subnet`,
    workerSubnet: `${infraId}-worker-subnet`,
    routeTable: `${infraId}-node-routetable`,
    bootstrapAddress: `${infraId}-bootstrap-pip`,
    apiAddress: `${infraId}-pip`,
    // as the cluster's cloud provider calls them, which puts the ingress there
    publicLoadBalancer: infraId,
    internalLoadBalancer: `${infraId}-internal`,
    backendPool: infraId,
    bootstrapNic: `${infraId}-bootstrap-nic`,
    controlPlaneNic: (index: number): string => `${infraId}-master${index}-nic`,
    image: infraId,
    bootstrapMachine: `${infraId}-bootstrap`,
    controlPlaneMachine: (index: number): string => `${infraId}-master-${index}`,
    osDisk: (machine: string): string => `${machine}_OSDisk`,
  } as const;
}

/** The role that machines and cluster have on the managed group: Contributor, by its id in every subscription. */
export const contributorRole = "b24988ac-6180-42a0-ab88-20f7382dd24c";
