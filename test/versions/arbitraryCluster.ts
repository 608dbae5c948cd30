/** Generated stored clusters, as made through any api-version, and noise, for the laws that every version has to keep. */
import fc from "fast-check";
import type { VisibilityNode } from "../../generated/types/visibility.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import { provisioningStates } from "../../src/model/provisioningState.ts";
import { versions, visibility } from "../contract/generated.ts";
import { sent, storedCluster, writesOf } from "./exampleCluster.ts";
import { versionCases, type VersionCase } from "./versionCases.ts";

/** What the service knows of a cluster besides. */
const known = fc.record(
  {
    apiserverUrl: fc.webUrl(),
    apiserverIp: fc.ipV4(),
    consoleUrl: fc.webUrl(),
    systemData: fc.record(
      { createdBy: fc.string(), createdByType: fc.string(), lastModifiedAt: fc.string() },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

/** A cluster that was made through a version, as this release stores it. */
export function madeThrough({
  version,
  createBodies,
}: Pick<VersionCase, "version" | "createBodies">): fc.Arbitrary<ClusterDocument> {
  return fc
    .record({
      body: createBodies,
      known,
      ingressIp: fc.option(fc.ipV4(), { nil: undefined }),
      provisioningState: fc.constantFrom(...provisioningStates),
      revision: fc.uuid(),
    })
    .map(({ body, known: more, ingressIp, ...rest }) => {
      const { cluster, secrets, faults } = writesOf(version).put(sent(body));
      if (faults.length > 0) throw new TypeError(`not legal: ${JSON.stringify(faults)}`);
      const ingresses = cluster.ingresses?.map((one) =>
        ingressIp === undefined ? one : { ...one, ip: ingressIp },
      );
      const { pullSecret: _, ...made } = storedCluster.secrets;
      return {
        ...storedCluster,
        ...rest,
        cluster: { ...cluster, ...more, ...(ingresses && { ingresses }) },
        secrets: { ...made, ...secrets },
      };
    });
}

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

/** The same clusters, written by a newer release. Tags and secrets are maps of known shape. */
export function grownFrom(documents: fc.Arbitrary<ClusterDocument>): fc.Arbitrary<ClusterDocument> {
  return fc.tuple(documents, added).map(([document, noise]) => {
    const { tags: stored, ...others } = document.cluster;
    const more = grown(others, noise) as Cluster;
    return {
      ...document,
      cluster: stored === undefined ? more : { ...more, tags: stored },
      secrets: { ...document.secrets, addedByNewerRelease: "kept" },
    };
  });
}

/** A stored cluster, made through any version. */
export const documents = fc.oneof(...versionCases.map(madeThrough));

/** A stored cluster that a newer release has written. */
export const grownDocuments = grownFrom(documents);

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

function namesIn(node: VisibilityNode): string[] {
  switch (node.kind) {
    case "value":
    case "map":
      return [];
    case "object":
      return Object.entries(node.members).flatMap(([name, one]) => [name, ...namesIn(one)]);
    case "array":
      return namesIn(node.items);
  }
}

/** Of all members of all versions. */
const memberNames = [
  ...new Set(versions.flatMap((version) => namesIn(visibility(version).resource))),
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
  fc.constantFrom<unknown>(
    "default",
    "Public",
    "4.3.27",
    "demo.example.com",
    storedCluster.resourceId,
  ),
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
