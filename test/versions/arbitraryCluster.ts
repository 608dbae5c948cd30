/**
 * Generated clusters, bodies and noise for the laws that every api-version has to keep. What is generated as legal is
 * legal by the rules of 2019-12-31-preview.
 */
import fc from "fast-check";
import type { Cluster } from "../../src/model/cluster.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import { provisioningStates } from "../../src/model/provisioningState.ts";
import { storedCluster } from "./exampleCluster.ts";

const tagName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !/[<>%&\\?/\p{Cc}]/u.test(name)),
  fc.constantFrom("__proto__", "constructor", "toString", "0"),
);
const tags = fc.dictionary(tagName, fc.string({ maxLength: 12 }), { maxKeys: 5, minKeys: 1 });

const networks = fc.constantFrom(
  { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
  { vnetCidr: "192.168.7.0/24", podCidr: "10.0.0.0/18", serviceCidr: "10.0.64.0/22" },
  { vnetCidr: "10.0.0.0/8", podCidr: "11.0.0.0/8", serviceCidr: "12.0.0.0/8" },
);

const worker = fc.record({
  name: fc.constant("worker"),
  vmSize: fc.constantFrom("Standard_D2s_v3", "Standard_D4s_v3", "Standard_D8s_v3"),
  diskSizeGB: fc.integer({ min: 128, max: 32767 }),
  count: fc.integer({ min: 3, max: 20 }),
});

const cluster: fc.Arbitrary<Cluster> = fc.record(
  {
    location: fc.constantFrom("eastus", "East US", "EASTUS", "East us"),
    tags,
    network: networks,
    controlPlane: fc.constant({ vmSize: "Standard_D8s_v3" }),
    workers: worker.map((one) => [one]),
    apiserverUrl: fc.webUrl(),
    consoleUrl: fc.webUrl(),
    systemData: fc.record(
      { createdBy: fc.string(), createdByType: fc.string(), lastModifiedAt: fc.string() },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["location", "network", "controlPlane", "workers"] },
);

const pullSecretText = fc
  .dictionary(fc.string({ minLength: 1 }), fc.record({ auth: fc.base64String() }), { minKeys: 1 })
  .map((auths) => JSON.stringify({ auths }));

/** A stored cluster as this release writes it. */
export const documents: fc.Arbitrary<ClusterDocument> = fc
  .record({
    provisioningState: fc.constantFrom(...provisioningStates),
    revision: fc.uuid(),
    cluster,
    pullSecret: pullSecretText,
  })
  .map(({ pullSecret, ...rest }) => ({
    ...storedCluster,
    ...rest,
    secrets: { ...storedCluster.secrets, pullSecret },
  }));

/** What a newer release may have added. */
const added = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.constant(null),
  fc.constant({ deep: [{ a: 1 }] }),
);

/** The same value with a member `added` in every object of it, at any depth. */
function grown(value: unknown, noise: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => grown(item, noise));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, grown(member, noise)]);
  return { ...(Object.fromEntries(members) as object), addedByNewerRelease: noise };
}

/** A stored cluster that a newer release has written. Tags and secrets are maps of known shape. */
export const grownDocuments: fc.Arbitrary<ClusterDocument> = fc
  .tuple(documents, added)
  .map(([document, noise]) => {
    const { tags: stored, ...others } = document.cluster;
    const more = grown(others, noise) as Cluster;
    return {
      ...document,
      cluster: stored === undefined ? more : { ...more, tags: stored },
      secrets: { ...document.secrets, addedByNewerRelease: "kept" },
    };
  });

/** Legal bodies of a create. */
export const createBodies = fc.record(
  {
    location: fc.constantFrom("eastus", "East US", "EAST us"),
    tags,
    properties: fc.record(
      {
        pullSecret: pullSecretText.map((text) => Buffer.from(text).toString("base64")),
        networkProfile: networks,
        masterProfile: fc.constantFrom({}, { vmSize: "Standard_D8s_v3" }),
        workerProfiles: fc
          .record(
            {
              name: fc.constant("worker"),
              vmSize: fc.constantFrom("Standard_D2s_v3", "Standard_D4s_v3"),
              diskSizeGB: fc.integer({ min: 128, max: 4095 }),
              count: fc.integer({ min: 3, max: 20 }),
            },
            { requiredKeys: ["name"] },
          )
          .map((one) => [one]),
      },
      { requiredKeys: ["pullSecret"] },
    ),
  },
  { requiredKeys: ["location", "properties"] },
);

/** Any JSON at all, `__proto__` and deep nests included. */
const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(
    JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`),
    JSON.parse(`${'{"properties":'.repeat(500)}1${"}".repeat(500)}`),
    Number.POSITIVE_INFINITY,
    -0.5,
    "\ud800",
    "",
  ),
);

const memberNames = [
  "id",
  "name",
  "type",
  "location",
  "tags",
  "etag",
  "systemData",
  "provisioningState",
  "pullSecret",
  "networkProfile",
  "vnetCidr",
  "podCidr",
  "serviceCidr",
  "masterProfile",
  "vmSize",
  "workerProfiles",
  "diskSizeGB",
  "count",
  "apiserverURL",
  "__proto__",
  "constructor",
];

function objectsOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .array(fc.tuple(fc.constantFrom(...memberNames), values), { maxLength: 8 })
    .map((entries) => Object.fromEntries(entries) as unknown);
}

const nearValues = fc.oneof(
  anyJson,
  fc.constantFrom<unknown>(null, "worker", "10.0.0.0/16", "eastus", "Standard_D8s_v3", 3, {}, []),
);
const nearProfiles = fc.oneof(
  nearValues,
  objectsOf(nearValues),
  fc.array(fc.oneof(nearValues, objectsOf(nearValues)), { maxLength: 4 }),
);

/** Bodies that use the contract's names for values of any kind, at any place. */
export const nearBodies: fc.Arbitrary<unknown> = fc.oneof(
  anyJson,
  fc
    .tuple(objectsOf(nearProfiles), fc.oneof(nearValues, objectsOf(nearProfiles)))
    .map(([top, properties]) => ({ ...(top as object), properties })),
);
