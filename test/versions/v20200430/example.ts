/** What the tests of 2020-04-30 start from. */
import fc from "fast-check";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { v20200430 } from "../../../src/versions/v20200430/version.ts";
import { pools, pullSecretTexts, tags, type CreateBody } from "../arbitraryBody.ts";
import { pullSecretText, storedCluster, subscription, writesOf } from "../exampleCluster.ts";

export const version = v20200430;
export const { put, patch } = writesOf(version);

const network = `${subscription}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/Vnet`;
export const masterSubnet = `${network}/subnets/Master`;
export const workerSubnet = `${network}/subnets/Worker`;
export const clientId = "6f3bc0d2-8f0e-4f7a-9a57-2f6f3a3c9d10";
export const clientSecret = "principal-marker";

export const clusterProfile = {
  domain: "Demo",
  resourceGroupId: `${subscription}/resourceGroups/machines`,
};
export const servicePrincipalProfile = { clientId, clientSecret };

/** The least that a create needs. */
export const smallestBody = {
  location: "eastus",
  properties: {
    clusterProfile,
    servicePrincipalProfile,
    masterProfile: { subnetId: masterSubnet },
    workerProfiles: [{ name: "worker", subnetId: workerSubnet }],
  },
};

/** A create that is legal but for what the change of its properties makes of it. */
export function create(change: Readonly<Record<string, unknown>>, more: object = {}) {
  return put({ ...smallestBody, ...more, properties: { ...smallestBody.properties, ...change } });
}

/** As a worker leaves it after a create with everything that can be asked for. */
export const fullCluster: ClusterDocument = {
  ...storedCluster,
  cluster: {
    location: "East US",
    tags: { Team: "a", cost: "42" },
    domain: "Demo",
    openshiftVersion: "4.3.27",
    resourceGroupId: clusterProfile.resourceGroupId,
    clientId,
    network: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
    controlPlane: { vmSize: "Standard_D8s_v3", subnetId: masterSubnet },
    workers: [
      {
        name: "worker",
        vmSize: "Standard_D2s_v3",
        diskSizeGB: 128,
        subnetId: workerSubnet,
        count: 3,
      },
    ],
    apiserverVisibility: "Private",
    ingresses: [{ name: "default", visibility: "Public", ip: "203.0.113.11" }],
    apiserverUrl: "https://api.demo.example.com:6443/",
    apiserverIp: "203.0.113.10",
    consoleUrl: "https://console.demo.example.com/",
    systemData: { createdBy: "x@example.com", createdByType: "Robot" },
  },
  secrets: {
    ...storedCluster.secrets,
    pullSecret: pullSecretText,
    clientSecret,
    appliedPullSecret: pullSecretText,
    appliedClientSecret: clientSecret,
  },
};

const visibilities = fc.constantFrom("Private", "Public");

/** Legal bodies of a create. */
export const createBodies: fc.Arbitrary<CreateBody> = fc.record(
  {
    location: fc.constantFrom("eastus", "East US", "EAST us"),
    tags,
    properties: fc.record(
      {
        clusterProfile: fc.record(
          {
            pullSecret: pullSecretTexts,
            domain: fc.constantFrom("demo", "Demo.Example.com", "x".repeat(54), "a.1a"),
            version: fc.constantFrom("4.3.27", "4.4.0"),
            resourceGroupId: fc.constantFrom(
              `${subscription}/resourceGroups/machines`,
              `${subscription.toUpperCase()}/resourcegroups/Other-ü_(2).x`,
            ),
          },
          { requiredKeys: ["domain", "resourceGroupId"] },
        ),
        servicePrincipalProfile: fc.record({
          clientId: fc.uuid(),
          clientSecret: fc.string({ minLength: 1 }),
        }),
        networkProfile: fc.constantFrom(
          {},
          { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
          { podCidr: "10.0.0.0/18", serviceCidr: "10.0.64.0/22" },
        ),
        masterProfile: fc.constantFrom(
          { subnetId: masterSubnet },
          { vmSize: "Standard_D8s_v3", subnetId: masterSubnet },
        ),
        workerProfiles: pools({ subnetId: fc.constant(workerSubnet) }),
        apiserverProfile: fc.record({ visibility: visibilities }, { requiredKeys: [] }),
        ingressProfiles: fc
          .record(
            { name: fc.constant("default"), visibility: visibilities },
            { requiredKeys: ["name"] },
          )
          .map((ingress) => [ingress]),
      },
      {
        requiredKeys: [
          "clusterProfile",
          "servicePrincipalProfile",
          "masterProfile",
          "workerProfiles",
        ],
      },
    ),
  },
  { requiredKeys: ["location", "properties"] },
);
