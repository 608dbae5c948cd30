/**
 * Every member of the internal model, with the api-versions that show it; the others keep it without knowing it. A new
 * member that has no row here fails the type check, and a row that doesn't tell the truth fails the test.
 */
import { describe, expect, test } from "vitest";
import { operationIds, type ApiVersionName } from "../../generated/types/operationIds.ts";
import type { VisibilityNode } from "../../generated/types/visibility.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import { secretNames, type ClusterSecrets } from "../../src/model/clusterSecrets.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import { visibility } from "../contract/generated.ts";
import { sent, storedCluster, writesOf } from "./exampleCluster.ts";
import { fullCluster } from "./v20200430/example.ts";
import { eachVersion } from "./versionCases.ts";

/** The paths of a type's values: `network.podCidr`, `workers[].count`. A map is one value. */
type Paths<T> = { [K in keyof T & string]-?: PathsAt<K, NonNullable<T[K]>> }[keyof T & string];
type PathsAt<Name extends string, T> = T extends string | number | boolean
  ? Name
  : T extends readonly (infer Item)[]
    ? `${Name}[].${Paths<Item>}`
    : string extends keyof T
      ? Name
      : `${Name}.${Paths<T>}`;

const every = Object.keys(operationIds) as readonly ApiVersionName[];
const none: readonly ApiVersionName[] = [];

const shownBy = {
  location: every,
  tags: every,
  domain: ["2020-04-30"],
  openshiftVersion: ["2020-04-30"],
  resourceGroupId: ["2020-04-30"],
  clientId: ["2020-04-30"],
  "network.vnetCidr": ["2019-12-31-preview"],
  "network.podCidr": every,
  "network.serviceCidr": every,
  "controlPlane.vmSize": every,
  "controlPlane.subnetId": ["2020-04-30"],
  "workers[].name": every,
  "workers[].vmSize": every,
  "workers[].diskSizeGB": every,
  "workers[].count": every,
  "workers[].subnetId": ["2020-04-30"],
  apiserverVisibility: ["2020-04-30"],
  "ingresses[].name": ["2020-04-30"],
  "ingresses[].visibility": ["2020-04-30"],
  "ingresses[].ip": ["2020-04-30"],
  apiserverUrl: every,
  apiserverIp: ["2020-04-30"],
  consoleUrl: every,
  "systemData.createdBy": every,
  "systemData.createdByType": every,
  "systemData.createdAt": every,
  "systemData.lastModifiedBy": every,
  "systemData.lastModifiedByType": every,
  "systemData.lastModifiedAt": every,
} as const satisfies Readonly<Record<Paths<Cluster>, readonly ApiVersionName[]>>;

/** Of each secret, by which versions a caller can set it, and which answer with it when they are asked for credentials. */
const secretRows = {
  pullSecret: { set: every, answered: none },
  clientSecret: { set: ["2020-04-30"], answered: none },
  appliedPullSecret: { set: none, answered: none },
  appliedClientSecret: { set: none, answered: none },
  sshPrivateKey: { set: none, answered: none },
  certificateAuthorityKey: { set: none, answered: none },
  adminKubeconfig: { set: none, answered: none },
  kubeadminPassword: { set: none, answered: every },
} as const satisfies Readonly<
  Record<keyof ClusterSecrets, Readonly<Record<"set" | "answered", readonly ApiVersionName[]>>>
>;

/** A cluster that has every member. */
const everything: ClusterDocument = {
  ...fullCluster,
  cluster: {
    ...fullCluster.cluster,
    network: { ...fullCluster.cluster.network, ...storedCluster.cluster.network },
    systemData: {
      createdBy: "a",
      createdByType: "b",
      createdAt: "c",
      lastModifiedBy: "d",
      lastModifiedByType: "e",
      lastModifiedAt: "f",
    },
  },
};

const isMap = (path: string): boolean => path === "tags";

function pathsOf(value: unknown, path: string): string[] {
  if (isMap(path) || typeof value !== "object" || value === null) return [path];
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}[]`));
  return Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, path === "" ? name : `${path}.${name}`),
  );
}

/** The same with another value at a path. */
function changedAt(value: unknown, path: string): unknown {
  if (path === "") {
    if (typeof value === "number") return value + 1;
    return typeof value === "string" ? `${value}-changed` : { changed: "yes" };
  }
  if (path.startsWith("[].")) {
    return (value as unknown[]).map((item) => changedAt(item, path.slice(3)));
  }
  const [, name = "", rest = ""] = /^(\w+)\.?(.*)$/.exec(path) ?? [];
  return {
    ...(value as object),
    [name]: changedAt((value as Record<string, unknown>)[name], rest),
  };
}

function secretLeaves(node: VisibilityNode, name = ""): string[] {
  switch (node.kind) {
    case "value":
    case "map":
      return node.secret === true ? [name] : [];
    case "object":
      return Object.entries(node.members).flatMap(([member, one]) => secretLeaves(one, member));
    case "array":
      return secretLeaves(node.items, name);
  }
}

function namesWhere(isMeant: (row: (typeof secretRows)[keyof ClusterSecrets]) => boolean) {
  return secretNames.filter((name) => isMeant(secretRows[name]));
}

test("the tables have a row for each member", () => {
  expect(pathsOf(everything.cluster, "").toSorted()).toEqual(Object.keys(shownBy).toSorted());
  expect(Object.keys(everything.secrets).toSorted()).toEqual(secretNames.toSorted());
  expect(Object.keys(secretRows).toSorted()).toEqual(secretNames.toSorted());
});

describe.each(eachVersion)("%s", (name, { version }) => {
  const { put, patch } = writesOf(version);
  const isBy = (versions: readonly string[]): boolean => versions.includes(name);

  test.each(Object.entries(shownBy))("%s is shown or not as its row says", (path, versions) => {
    const cluster = changedAt(everything.cluster, path) as Cluster;
    const changed = { ...everything, cluster };
    const isShown =
      JSON.stringify(version.show(changed)) !== JSON.stringify(version.show(everything));
    expect(isShown).toBe(isBy(versions));
  });

  test.each(Object.keys(shownBy))(
    "%s stays through a PUT of what is shown, and a PATCH",
    (path) => {
      const cluster = changedAt(everything.cluster, path) as Cluster;
      const changed = { ...everything, cluster };
      for (const asked of [put(sent(version.show(changed)), changed), patch({}, changed)]) {
        expect(asked.faults).toEqual([]);
        expect(asked.cluster).toEqual(cluster);
        expect(asked.secrets).toEqual(everything.secrets);
      }
    },
  );

  test("secrets are set and answered as their rows say, and never shown", () => {
    const table = visibility(name as ApiVersionName);
    expect(secretLeaves(table.resource).toSorted()).toEqual(
      namesWhere(({ set }) => isBy(set)).toSorted(),
    );
    const credentials = JSON.stringify(version.showCredentials(everything));
    expect(
      secretNames.filter((one) => credentials.includes(everything.secrets[one] ?? "?")),
    ).toEqual(namesWhere(({ answered }) => isBy(answered)));
    const shown = JSON.stringify(version.show(everything));
    for (const one of secretNames) {
      expect(shown).not.toContain(JSON.stringify(everything.secrets[one]).slice(1, -1));
    }
  });
});
