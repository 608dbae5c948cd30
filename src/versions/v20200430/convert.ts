/**
 * 2020-04-30: between its wire form and the cluster as the program thinks of it. The only place, with `validate.ts`, that
 * knows this version's members. A conversion overwrites what it maps and nothing else: members of the stored cluster that
 * it doesn't know stay, at any depth, items being matched by name.
 *
 * Peculiar to this version: the pull secret is plain JSON text, and the cluster joins subnets that exist.
 */
import type { components } from "../../../generated/types/2020-04-30.ts";
import type { Cluster, Ingress, Visibility, WorkerProfile } from "../../model/cluster.ts";
import type { ClusterSecrets } from "../../model/clusterSecrets.ts";
import type { ClusterDocument, ListedCluster } from "../../model/document.ts";
import { provisioningStates } from "../../model/provisioningState.ts";
import { showEnvelope, withTags, type EnvelopeGoal } from "../envelope.ts";
import { isVisibility } from "../visibilityRules.ts";
import { present, presentOrNone } from "../wireObject.ts";
import type { WireReader } from "../wireReader.ts";

type Schemas = components["schemas"];
type Shown = Schemas["OpenShiftCluster"];
type Asked = Schemas["OpenShiftClusterCreateOrUpdate"];

/** A member that couldn't be read, or that nothing supplies, is absent. */
type Settable<T> = { readonly [K in keyof T]?: T[K] | undefined };

type AskedWorker = Settable<Schemas["WorkerProfile"]>;

/** What a caller can set. */
export interface Goal extends EnvelopeGoal {
  readonly properties: {
    readonly clusterProfile: Settable<Schemas["ClusterProfileCreateOrUpdate"]>;
    readonly servicePrincipalProfile: Settable<Schemas["ServicePrincipalProfileCreateOrUpdate"]>;
    readonly networkProfile: Settable<Schemas["NetworkProfile"]>;
    readonly masterProfile: Settable<Schemas["MasterProfile"]>;
    readonly workerProfiles: readonly AskedWorker[];
    readonly apiserverProfile: Settable<Pick<Schemas["ApiserverProfile"], "visibility">>;
    readonly ingressProfiles: readonly Settable<Omit<Schemas["IngressProfile"], "ip">>[];
  };
}

/** The resource as GET, PUT, PATCH and the lists show it (ARM-05, ARM-42). Never a secret. */
export function showCluster(document: ListedCluster): Shown {
  const { cluster, provisioningState } = document;
  const { domain, openshiftVersion: version, resourceGroupId, clientId } = cluster;
  const { podCidr, serviceCidr } = cluster.network;
  const { vmSize, subnetId } = cluster.controlPlane;
  return {
    ...showEnvelope(document),
    properties: present({
      clusterProfile: presentOrNone({ domain, version, resourceGroupId }),
      consoleProfile: presentOrNone({ url: cluster.consoleUrl }),
      servicePrincipalProfile: presentOrNone({ clientId }),
      networkProfile: { podCidr, serviceCidr },
      masterProfile: present({ vmSize, subnetId }),
      workerProfiles: cluster.workers.map(showWorker),
      apiserverProfile: presentOrNone({
        visibility: cluster.apiserverVisibility,
        url: cluster.apiserverUrl,
        ip: cluster.apiserverIp,
      }),
      ingressProfiles: cluster.ingresses?.map(showIngress),
      // one that a newer release wrote counts as running (ARM-89)
      provisioningState: provisioningStates.includes(provisioningState)
        ? provisioningState
        : "Updating",
    }),
  };
}

function showWorker(worker: WorkerProfile): Schemas["WorkerProfile"] {
  const { name, vmSize, diskSizeGB, subnetId, count } = worker;
  return { name, ...present({ vmSize, diskSizeGB, subnetId, count }) };
}

function showIngress({ name, visibility, ip }: Ingress): Schemas["IngressProfile"] {
  return { name, ...present({ visibility, ip }) };
}

/** The cluster as a caller would have to write it, its settable secrets included: what a body is completed from. */
export function showWithSecrets(document: ClusterDocument): Asked {
  const shown = showCluster(document);
  const { pullSecret, clientSecret } = document.secrets;
  const { clusterProfile, servicePrincipalProfile } = shown.properties;
  return {
    ...shown,
    properties: {
      ...shown.properties,
      clusterProfile: { ...clusterProfile, ...present({ pullSecret }) },
      servicePrincipalProfile: { ...servicePrincipalProfile, ...present({ clientSecret }) },
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
  return { kubeadminUsername: "kubeadmin", kubeadminPassword };
}

/** Reads a completed body. */
export function readGoal(cluster: WireReader): Goal {
  const properties = cluster.object("properties");
  const clusterProfile = properties.object("clusterProfile");
  const servicePrincipal = properties.object("servicePrincipalProfile");
  const network = properties.object("networkProfile");
  const master = properties.object("masterProfile");
  return {
    location: cluster.text("location"),
    tags: cluster.texts("tags"),
    properties: {
      clusterProfile: {
        pullSecret: clusterProfile.text("pullSecret"),
        domain: clusterProfile.text("domain"),
        version: clusterProfile.text("version"),
        resourceGroupId: clusterProfile.text("resourceGroupId"),
      },
      servicePrincipalProfile: {
        clientId: servicePrincipal.text("clientId"),
        clientSecret: servicePrincipal.text("clientSecret"),
      },
      networkProfile: {
        podCidr: network.text("podCidr"),
        serviceCidr: network.text("serviceCidr"),
      },
      masterProfile: { vmSize: master.text("vmSize"), subnetId: master.text("subnetId") },
      workerProfiles: properties.items("workerProfiles").map((worker) => ({
        name: worker.text("name"),
        vmSize: worker.text("vmSize"),
        diskSizeGB: worker.wholeNumber("diskSizeGB"),
        subnetId: worker.text("subnetId"),
        count: worker.wholeNumber("count"),
      })),
      apiserverProfile: { visibility: properties.object("apiserverProfile").text("visibility") },
      ingressProfiles: properties.items("ingressProfiles").map((ingress) => ({
        name: ingress.text("name"),
        visibility: ingress.text("visibility"),
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
  const { clusterProfile, servicePrincipalProfile, workerProfiles } = goal.properties;
  const { clientId, clientSecret } = servicePrincipalProfile;
  const stored = current?.cluster;
  return {
    cluster: {
      ...withTags(stored ?? setAtCreation(goal), goal.tags),
      ...present({ clientId }),
      workers: workerProfiles.map((worker) => toWorker(worker, stored?.workers ?? [])),
    },
    secrets: {
      ...current?.secrets,
      ...present({ pullSecret: clusterProfile.pullSecret?.trim(), clientSecret }),
    },
  };
}

function setAtCreation({ location = "", properties }: Goal): Omit<Cluster, "workers"> {
  const { clusterProfile, networkProfile, masterProfile } = properties;
  const { domain, version: openshiftVersion, resourceGroupId } = clusterProfile;
  const { vmSize = "", subnetId } = masterProfile;
  const { podCidr = "", serviceCidr = "" } = networkProfile;
  return {
    location,
    ...present({ domain, openshiftVersion, resourceGroupId }),
    network: { podCidr, serviceCidr },
    controlPlane: { vmSize, ...present({ subnetId }) },
    apiserverVisibility: toVisibility(properties.apiserverProfile.visibility),
    ingresses: properties.ingressProfiles.map(({ name = "", visibility }) => ({
      name,
      visibility: toVisibility(visibility),
    })),
  };
}

function toWorker(
  { name = "", vmSize = "", diskSizeGB = 0, subnetId, count = 0 }: AskedWorker,
  stored: readonly WorkerProfile[],
): WorkerProfile {
  const known = stored.find((worker) => worker.name === name);
  return known === undefined
    ? { name, vmSize, diskSizeGB, ...present({ subnetId }), count }
    : { ...known, count };
}

/** What is none is a fault; nothing may be open to everybody because of one. */
function toVisibility(text: string | undefined): Visibility {
  return isVisibility(text) ? text : "Private";
}
