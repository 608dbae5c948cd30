/** A stored cluster and a context that the tests of the api-versions start from, and how they call one. */
import type { ClusterDocument } from "../../src/model/document.ts";
import type {
  ApiVersion,
  AskedCluster,
  WireObject,
  WriteContext,
} from "../../src/versions/apiVersion.ts";

export const pullSecretText = '{"auths":{"quay.io":{"auth":"c2VjcmV0LW1hcmtlcg=="}}}';

export const subscription = "/subscriptions/225e02bc-43d0-43d1-a01a-17e584a4ef69";
const resourceId = `${subscription}/resourceGroups/Grp-ü_(1).x/providers/RedHat.OpenShift/OpenShiftClusters/Demo`;

export const context: WriteContext = {
  identity: { id: resourceId, name: "Demo", type: "RedHat.OpenShift/OpenShiftClusters" },
  location: "eastus",
};

/** As a worker leaves it after a create with all defaults, through the first api-version. */
export const storedCluster: ClusterDocument = {
  kind: "cluster",
  id: "grp-ü_(1).x|demo",
  subscriptionId: "225e02bc-43d0-43d1-a01a-17e584a4ef69",
  schemaVersion: 1,
  resourceId,
  resourceGroup: "Grp-ü_(1).x",
  name: "Demo",
  incarnationId: "i1",
  provisioningState: "Succeeded",
  revision: "r1",
  cluster: {
    location: "East US",
    tags: { Team: "a", cost: "42" },
    network: { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
    controlPlane: { vmSize: "Standard_D8s_v3" },
    workers: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
    apiserverUrl: "https://api.demo.example.com:6443/",
    consoleUrl: "https://console.demo.example.com/",
    systemData: { createdBy: "x@example.com", createdByType: "Robot" },
  },
  secrets: {
    pullSecret: pullSecretText,
    sshPrivateKey: "ssh-marker",
    certificateAuthorityKey: "ca-marker",
    adminKubeconfig: "kubeconfig-marker",
    kubeadminPassword: "password-marker",
  },
  operation: { id: "o1", kind: "create", correlationId: "c1" },
  unqueued: false,
  sweepAfter: 0,
  sweeps: 0,
  nextAttemptAt: 0,
  work: { epoch: 1, attempts: 1 },
  installation: { infraId: "demo-x7f2k" },
};

/** The document after a write that had no fault. */
export function committed(
  asked: AskedCluster,
  current: ClusterDocument = storedCluster,
): ClusterDocument {
  return { ...current, cluster: asked.cluster, secrets: asked.secrets };
}

/** A value as it comes over the wire. */
export function sent(value: unknown): WireObject {
  return JSON.parse(JSON.stringify(value)) as WireObject;
}

/** Code and target of each fault. */
export function places({ faults }: AskedCluster): string[] {
  return faults.map(({ code, target }) => `${code} ${target ?? ""}`);
}

/** A version's two ways of writing, in the context of the stored cluster. */
export function writesOf(version: ApiVersion) {
  return {
    put: (body: unknown, current?: ClusterDocument): AskedCluster =>
      version.readPut(body as WireObject, current, context),
    patch: (body: unknown, current: ClusterDocument = storedCluster): AskedCluster =>
      version.readPatch(body as WireObject, current, context),
  };
}
