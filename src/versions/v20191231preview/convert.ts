/**
 * 2019-12-31-preview: between its wire form and the cluster as the program thinks of it. The only place, with `validate.ts`,
 * that knows this version's members. A conversion overwrites what it maps and nothing else: members of the stored
 * cluster that it doesn't know stay, at any depth, workers being matched by name.
 *
 * Peculiar to this version: a cluster that is being created shows as `Updating`, and the pull secret is base64.
 */
import type { components } from "../../../generated/types/2019-12-31-preview.ts";
import type { Cluster, WorkerProfile } from "../../model/cluster.ts";
import type { ClusterSecrets } from "../../model/clusterSecrets.ts";
import type { ClusterDocument, ListedCluster } from "../../model/document.ts";
import type { ProvisioningState } from "../../model/provisioningState.ts";
import { showEnvelope, withTags, type EnvelopeGoal } from "../envelope.ts";
import { present } from "../wireObject.ts";
import type { WireReader } from "../wireReader.ts";

type Schemas = components["schemas"];
type Shown = Schemas["OpenShiftCluster"];
type Asked = Schemas["OpenShiftClusterCreateOrUpdate"];

type DeepPartial<T> = T extends object
  ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
  : T;

/** What a caller can set. A member that couldn't be read, or that nothing supplies, is absent. */
export interface Goal extends EnvelopeGoal {
  readonly properties: DeepPartial<Omit<Asked["properties"], "workerProfiles">> & {
    readonly networkProfile: DeepPartial<Schemas["NetworkProfile"]>;
    readonly masterProfile: DeepPartial<Schemas["MasterProfile"]>;
    readonly workerProfiles: readonly DeepPartial<Schemas["WorkerProfile"]>[];
  };
}

/** States as this version shows them. One that a newer release wrote counts as running (ARM-89). */
const shownStates: Readonly<Record<ProvisioningState, string>> = {
  Creating: "Updating",
  Updating: "Updating",
  Deleting: "Deleting",
  Succeeded: "Succeeded",
  Failed: "Failed",
  Canceled: "Canceled",
};

/** The resource as GET, PUT, PATCH and the lists show it (ARM-05, ARM-42). Never a secret. */
export function showCluster(document: ListedCluster): Shown {
  const { cluster, provisioningState } = document;
  const { vnetCidr, podCidr, serviceCidr } = cluster.network;
  return {
    ...showEnvelope(document),
    properties: {
      networkProfile: present({ vnetCidr, podCidr, serviceCidr }),
      masterProfile: { vmSize: cluster.controlPlane.vmSize },
      workerProfiles: cluster.workers.map(({ name, vmSize, diskSizeGB, count }) => ({
        name,
        vmSize,
        diskSizeGB,
        count,
      })),
      ...(cluster.apiserverUrl === undefined ? {} : { apiserverURL: cluster.apiserverUrl }),
      ...(cluster.consoleUrl === undefined ? {} : { consoleURL: cluster.consoleUrl }),
      provisioningState: Object.hasOwn(shownStates, provisioningState)
        ? shownStates[provisioningState]
        : shownStates.Updating,
    },
  };
}

/** The cluster as a caller would have to write it, its settable secrets included: what a body is completed from. */
export function showWithSecrets(document: ClusterDocument): Asked {
  const shown = showCluster(document);
  const { pullSecret } = document.secrets;
  return {
    ...shown,
    properties: {
      ...shown.properties,
      ...(pullSecret === undefined ? {} : { pullSecret: encodePullSecret(pullSecret) }),
    },
  };
}

/** The answer of the credentials action; `undefined` when there is nothing to answer (decision 19). */
export function showCredentials(
  document: ClusterDocument,
): Schemas["OpenShiftClusterCredentials"] | undefined {
  const { kubeadminPassword } = document.secrets;
  if (kubeadminPassword === undefined || document.provisioningState === "Deleting")
    return undefined;
  return { kubeadminPassword };
}

/** Reads a completed body. */
export function readGoal(cluster: WireReader): Goal {
  const properties = cluster.object("properties");
  const network = properties.object("networkProfile");
  return {
    location: cluster.text("location"),
    tags: cluster.texts("tags"),
    properties: {
      pullSecret: properties.text("pullSecret"),
      networkProfile: {
        vnetCidr: network.text("vnetCidr"),
        podCidr: network.text("podCidr"),
        serviceCidr: network.text("serviceCidr"),
      },
      masterProfile: { vmSize: properties.object("masterProfile").text("vmSize") },
      workerProfiles: properties.items("workerProfiles").map((worker) => ({
        name: worker.text("name"),
        vmSize: worker.text("vmSize"),
        diskSizeGB: worker.wholeNumber("diskSizeGB"),
        count: worker.wholeNumber("count"),
      })),
    },
  };
}

/**
 * The stored form of a goal. What is set at creation stays as it is stored: it may be absent, or spelled otherwise. Where
 * the goal has a hole, which is a fault, so has the result an empty value.
 */
export function toCluster(
  goal: Goal,
  current: ClusterDocument | undefined,
): { readonly cluster: Cluster; readonly secrets: ClusterSecrets } {
  const { pullSecret, workerProfiles } = goal.properties;
  const stored = current?.cluster;
  const secret = pullSecret === undefined ? undefined : decodePullSecret(pullSecret);
  return {
    cluster: {
      ...withTags(stored ?? setAtCreation(goal), goal.tags),
      workers: workerProfiles.map((worker) => toWorker(worker, stored?.workers ?? [])),
    },
    secrets: { ...current?.secrets, ...(secret === undefined ? {} : { pullSecret: secret }) },
  };
}

function setAtCreation({ location = "", properties }: Goal): Omit<Cluster, "workers"> {
  const { vnetCidr = "", podCidr = "", serviceCidr = "" } = properties.networkProfile;
  return {
    location,
    network: { vnetCidr, podCidr, serviceCidr },
    controlPlane: { vmSize: properties.masterProfile.vmSize ?? "" },
  };
}

function toWorker(
  {
    name = "",
    vmSize = "",
    diskSizeGB = 0,
    count = 0,
  }: Goal["properties"]["workerProfiles"][number],
  stored: readonly WorkerProfile[],
): WorkerProfile {
  const known = stored.find((worker) => worker.name === name);
  return known === undefined ? { name, vmSize, diskSizeGB, count } : { ...known, count };
}

function encodePullSecret(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/**
 * The JSON text in a pull secret of the wire, without white space around it; `undefined` if it isn't base64 of UTF-8.
 * Line breaks are those of `base64` at the command line.
 */
export function decodePullSecret(wire: string): string | undefined {
  const base64 = wire.replaceAll(/\s/g, "");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64, "base64")).trim();
  } catch {
    return undefined;
  }
}
