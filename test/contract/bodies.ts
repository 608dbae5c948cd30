/** Bodies with every member that a version's contract has. A version that is generated and not here fails the type check. */
import type { ApiVersionName } from "../../generated/types/operationIds.ts";

export type Json = Readonly<Record<string, unknown>>;

interface VersionBodies {
  /** Everything that a caller can set. */
  readonly asked: Json;
  /** The properties that are shown, all of them. */
  readonly shown: Json;
  /** The answer of the credentials actions. */
  readonly credentials: Json;
}

const location = { location: "eastus", tags: { env: "test" } };
const addresses = { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" };
const worker = { name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 };
const subnet =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n";

const preview = {
  networkProfile: { vnetCidr: "10.0.0.0/16", ...addresses },
  masterProfile: { vmSize: "Standard_D8s_v3" },
  workerProfiles: [worker],
};

const clusterProfile = {
  domain: "example.com",
  version: "4.3.27",
  resourceGroupId: "/subscriptions/s/resourceGroups/g",
};
const clientId = "6f3bc0d2-8f0e-4f7a-9a57-2f6f3a3c9d10";
const stable = {
  networkProfile: addresses,
  masterProfile: { vmSize: "Standard_D8s_v3", subnetId: subnet },
  workerProfiles: [{ ...worker, subnetId: subnet }],
};

export const bodies: Readonly<Record<ApiVersionName, VersionBodies>> = {
  "2019-12-31-preview": {
    asked: { ...location, properties: { pullSecret: "eyJhdXRocyI6e319", ...preview } },
    shown: {
      ...preview,
      apiserverURL: "https://api.example.com:6443/",
      consoleURL: "https://console.example.com/",
      provisioningState: "Succeeded",
    },
    credentials: { kubeadminPassword: "p" },
  },
  "2020-04-30": {
    asked: {
      ...location,
      properties: {
        clusterProfile: { ...clusterProfile, pullSecret: '{"auths":{}}' },
        servicePrincipalProfile: { clientId, clientSecret: "secret" },
        ...stable,
        apiserverProfile: { visibility: "Public" },
        ingressProfiles: [{ name: "default", visibility: "Private" }],
      },
    },
    shown: {
      clusterProfile,
      consoleProfile: { url: "https://console.example.com/" },
      servicePrincipalProfile: { clientId },
      ...stable,
      apiserverProfile: {
        visibility: "Public",
        url: "https://api.example.com:6443/",
        ip: "203.0.113.10",
      },
      ingressProfiles: [{ name: "default", visibility: "Private", ip: "203.0.113.11" }],
      provisioningState: "Creating",
    },
    credentials: { kubeadminUsername: "kubeadmin", kubeadminPassword: "p" },
  },
};

/** A place in a body: `["properties", "workerProfiles", 0]`. */
type Place = readonly (string | number)[];

export interface Spot {
  readonly place: Place;
  /** As a validator writes it: `/properties/workerProfiles/0`. */
  readonly path: string;
  readonly value: unknown;
}

/** Every value in a body, the body itself first. */
export function spotsIn(value: unknown, place: Place = []): readonly Spot[] {
  const own: Spot = { place, path: place.map((part) => `/${part}`).join(""), value };
  if (typeof value !== "object" || value === null) return [own];
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => spotsIn(item, [...place, index]))
    : Object.entries(value).flatMap(([name, member]) => spotsIn(member, [...place, name]));
  return [own, ...inner];
}

/** The body with another value at a place. */
export function withAt(body: unknown, place: Place, value: unknown): unknown {
  const [first, ...rest] = place;
  if (first === undefined) return value;
  if (Array.isArray(body)) {
    return body.map((item: unknown, index) => (index === first ? withAt(item, rest, value) : item));
  }
  const object = body as Json | undefined;
  return { ...object, [first]: withAt(object?.[first], rest, value) };
}
