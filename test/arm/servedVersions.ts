/**
 * Every api-version served, with bodies in its own form: the tests of ARM's rules run over all of them. A version that is
 * generated and not here fails the type check; one entry is all that a new one needs.
 */
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import { clientSecret, pullSecret, pullSecretValue } from "../frontend/startedRp.ts";

/** Whatever a version's settings are. */
export type Properties = Readonly<Record<string, unknown>>;

/** A cluster as a caller writes it. */
export interface Body {
  readonly location: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: Properties;
}

/** A part of the settings, under the JSON path that a fault in it is reported at. */
type Place = readonly [target: string, properties: Properties];

interface VersionTable {
  /** The least that a create needs. */
  readonly smallest: Body;
  /** Everything that can be set, as much as possible of it not as by default. */
  readonly full: Body;
  /** What is shown of `full` while its create runs. */
  readonly fullShown: Properties;
  readonly creating: string;
  /** Every member that can only be set at creation, with another value than in `full`. */
  readonly createOnly: readonly Place[];
  /** Values that break a rule of their own at a create. */
  readonly illegal: readonly Place[];
  /** Values of a wrong JSON type. */
  readonly mistyped: readonly Place[];
  /** Members that nobody knows, inside the settings. */
  readonly unknown: readonly Place[];
  /** Members that only the service sets. */
  readonly planted: Properties;
  /** What names a secret, with another value than in `full`. */
  readonly secrets: readonly Place[];
  /** The answer of `listCredentials` that goes with a password. */
  readonly credentials: (kubeadminPassword: string) => object;
}

const subscription = "/subscriptions/00000000-0000-4000-8000-000000000001";
const subnets = `${subscription}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets`;
const otherPullSecretText = JSON.stringify({
  auths: { "other.example": { auth: "b3RoZXI6c2VjcmV0" } },
});
const pullSecretText = Buffer.from(pullSecret, "base64").toString("utf8");

const addresses = { podCidr: "10.0.0.0/18", serviceCidr: "10.0.64.0/22" };
const pool = { name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 256, count: 5 };

const createOnlyInAll: readonly Place[] = [
  ["properties.networkProfile.podCidr", { networkProfile: { podCidr: "10.1.0.0/18" } }],
  ["properties.networkProfile.serviceCidr", { networkProfile: { serviceCidr: "10.1.64.0/22" } }],
  [
    "properties.workerProfiles[0].vmSize",
    { workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3" }] },
  ],
  [
    "properties.workerProfiles[0].diskSizeGB",
    { workerProfiles: [{ name: "worker", diskSizeGB: 128 }] },
  ],
  ["properties.masterProfile.vmSize", { masterProfile: { vmSize: "Standard_D4s_v3" } }],
];

const illegalInAll: readonly Place[] = [
  ["properties.networkProfile.podCidr", { networkProfile: { podCidr: "nonsense" } }],
  ["properties.networkProfile.serviceCidr", { networkProfile: { serviceCidr: "172.30.0.0/30" } }],
  ["properties.masterProfile.vmSize", { masterProfile: { vmSize: "Enormous" } }],
  ["properties.workerProfiles[0].vmSize", { workerProfiles: [{ name: "worker", vmSize: "Tiny" }] }],
  ["properties.workerProfiles[0].count", { workerProfiles: [{ name: "worker", count: 2 }] }],
  [
    "properties.workerProfiles[0].diskSizeGB",
    { workerProfiles: [{ name: "worker", diskSizeGB: 127 }] },
  ],
];

const mistypedInAll: readonly Place[] = [
  ["properties.workerProfiles[0].count", { workerProfiles: [{ name: "worker", count: "3" }] }],
  ["properties.networkProfile", { networkProfile: "10.0.0.0/16" }],
  ["properties.networkProfile.podCidr", { networkProfile: { podCidr: 10 } }],
  ["properties.workerProfiles", { workerProfiles: { worker: {} } }],
];

const unknownInAll: readonly Place[] = [
  ["properties.nope", { nope: 1 }],
  ["properties.networkProfile.nope", { networkProfile: { nope: null } }],
  ["properties.workerProfiles[0].nope", { workerProfiles: [{ name: "worker", nope: {} }] }],
];

const preview: VersionTable = {
  smallest: { location: "eastus", properties: { pullSecret } },
  full: {
    location: "East US",
    tags: { Team: "Red", cost: "42" },
    properties: {
      pullSecret,
      networkProfile: { vnetCidr: "192.168.0.0/24", ...addresses },
      masterProfile: { vmSize: "Standard_D8s_v3" },
      workerProfiles: [pool],
    },
  },
  fullShown: {
    networkProfile: { vnetCidr: "192.168.0.0/24", ...addresses },
    masterProfile: { vmSize: "Standard_D8s_v3" },
    workerProfiles: [pool],
    provisioningState: "Updating",
  },
  creating: "Updating",
  createOnly: [
    ...createOnlyInAll,
    ["properties.networkProfile.vnetCidr", { networkProfile: { vnetCidr: "192.168.1.0/24" } }],
  ],
  illegal: [...illegalInAll, ["properties.pullSecret", { pullSecret: "bm8gSlNPTg==" }]],
  mistyped: [...mistypedInAll, ["properties.pullSecret", { pullSecret: {} }]],
  unknown: [...unknownInAll, ["properties.clusterProfile", { clusterProfile: {} }]],
  planted: { apiserverURL: "https://planted.example/", consoleURL: 5 },
  secrets: [
    ["properties.pullSecret", { pullSecret: Buffer.from(otherPullSecretText).toString("base64") }],
  ],
  credentials: (kubeadminPassword) => ({ kubeadminPassword }),
};

const clusterProfile = {
  domain: "Clusters.example.com",
  resourceGroupId: `${subscription}/resourceGroups/machines`,
};
const clientId = "6f3bc0d2-8f0e-4f7a-9a57-2f6f3a3c9d10";
const masterSubnet = { subnetId: `${subnets}/master` };
const workerSubnet = { subnetId: `${subnets}/worker` };
const stableFull = {
  clusterProfile: { ...clusterProfile, version: "4.3.27" },
  servicePrincipalProfile: { clientId },
  networkProfile: addresses,
  masterProfile: { vmSize: "Standard_D8s_v3", ...masterSubnet },
  workerProfiles: [{ ...pool, ...workerSubnet }],
  apiserverProfile: { visibility: "Private" },
  ingressProfiles: [{ name: "default", visibility: "Private" }],
};

const stable: VersionTable = {
  smallest: {
    location: "eastus",
    properties: {
      clusterProfile,
      servicePrincipalProfile: { clientId, clientSecret },
      masterProfile: masterSubnet,
      workerProfiles: [{ name: "worker", ...workerSubnet }],
    },
  },
  full: {
    location: "East US",
    tags: { Team: "Red", cost: "42" },
    properties: {
      ...stableFull,
      clusterProfile: { ...stableFull.clusterProfile, pullSecret: pullSecretText },
      servicePrincipalProfile: { clientId, clientSecret },
    },
  },
  fullShown: { ...stableFull, provisioningState: "Creating" },
  creating: "Creating",
  createOnly: [
    ...createOnlyInAll,
    ["properties.clusterProfile.domain", { clusterProfile: { domain: "other" } }],
    ["properties.clusterProfile.version", { clusterProfile: { version: "4.3.28" } }],
    [
      "properties.clusterProfile.resourceGroupId",
      { clusterProfile: { resourceGroupId: `${subscription}/resourceGroups/others` } },
    ],
    ["properties.masterProfile.subnetId", { masterProfile: workerSubnet }],
    [
      "properties.workerProfiles[0].subnetId",
      { workerProfiles: [{ name: "worker", ...masterSubnet }] },
    ],
    ["properties.apiserverProfile.visibility", { apiserverProfile: { visibility: "Public" } }],
    [
      "properties.ingressProfiles[0].visibility",
      { ingressProfiles: [{ name: "default", visibility: "Public" }] },
    ],
  ],
  illegal: [
    ...illegalInAll,
    ["properties.clusterProfile.domain", { clusterProfile: { domain: "a_b" } }],
    ["properties.servicePrincipalProfile.clientId", { servicePrincipalProfile: { clientId: "x" } }],
    ["properties.masterProfile.subnetId", { masterProfile: { subnetId: "x" } }],
  ],
  mistyped: [
    ...mistypedInAll,
    ["properties.clusterProfile.pullSecret", { clusterProfile: { pullSecret: {} } }],
    [
      "properties.servicePrincipalProfile.clientSecret",
      { servicePrincipalProfile: { clientSecret: 5 } },
    ],
  ],
  unknown: [...unknownInAll, ["properties.pullSecret", { pullSecret: "x" }]],
  planted: {
    consoleProfile: { url: "https://planted.example/" },
    apiserverProfile: { url: 5, ip: "192.0.2.1" },
  },
  secrets: [
    [
      "properties.clusterProfile.pullSecret",
      { clusterProfile: { pullSecret: otherPullSecretText } },
    ],
    [
      "properties.servicePrincipalProfile.clientSecret",
      { servicePrincipalProfile: { clientSecret: "another-client-secret" } },
    ],
  ],
  credentials: (kubeadminPassword) => ({ kubeadminUsername: "kubeadmin", kubeadminPassword }),
};

const tables: Readonly<Record<ApiVersionName, VersionTable>> = {
  "2019-12-31-preview": preview,
  "2020-04-30": stable,
};

/** One api-version with its bodies. */
export interface ServedVersion extends VersionTable {
  readonly name: string;
}

/** All that are served, for `describe.each`. */
export const servedVersions: readonly ServedVersion[] = apiVersions.map(({ name }) => ({
  name,
  ...tables[name as ApiVersionName],
}));

/** Each with each other: who has made a cluster, and who handles it. */
export const versionPairs = servedVersions.flatMap((maker) =>
  servedVersions.filter((other) => other !== maker).map((other) => ({ maker, other })),
);

/** What no answer and no line of the log may hold, in any encoding that a caller uses. */
export const secretValues: readonly string[] = [
  pullSecretValue,
  pullSecret.slice(0, 40),
  clientSecret,
  "b3RoZXI6c2VjcmV0",
  Buffer.from(otherPullSecretText).toString("base64").slice(0, 40),
  "another-client-secret",
  "PRIVATE KEY",
];

/** A body with other settings: objects are joined, and so are items of the same name; all else is replaced. */
export function having(body: Body, properties: Properties): Body {
  return { ...body, properties: joined(body.properties, properties) as Properties };
}

function joined(before: unknown, after: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(after)) {
    return after.map((item: unknown) =>
      joined(
        before.find((known: unknown) => nameOf(known) === nameOf(item)),
        item,
      ),
    );
  }
  if (!isObject(before) || !isObject(after)) return after;
  const members = Object.entries(after).map(([name, value]) => [name, joined(before[name], value)]);
  return { ...before, ...(Object.fromEntries(members) as object) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(item: unknown): unknown {
  return isObject(item) ? item["name"] : undefined;
}
