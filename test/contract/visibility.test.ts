/**
 * The visibility table says of each member what the rules of the contract say: mutable are the tags, the count of
 * workers, the pull secret and the service principal; everything else that can be set is set once (decision 14).
 */
import { describe, expect, test } from "vitest";
import { secretNames } from "../../src/model/clusterSecrets.ts";
import type { VisibilityNode } from "../../generated/types/visibility.ts";
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import { swagger, versions, visibility } from "./generated.ts";

type Leaf = Exclude<VisibilityNode, { kind: "object" }>;

/** Every node but objects, with its path. */
function leaves(node: VisibilityNode, path = ""): readonly (readonly [string, Leaf])[] {
  if (node.kind === "object") {
    return Object.entries(node.members).flatMap(([name, member]) =>
      leaves(member, path === "" ? name : `${path}.${name}`),
    );
  }
  return node.kind === "array"
    ? [[path, node], ...leaves(node.items, `${path}[]`)]
    : [[path, node]];
}

/** Paths of the leaves that have a member, with its value. */
function having(
  version: ApiVersionName,
  member: "default" | "required" | "secret" | "identifiers",
): object {
  const all = leaves(visibility(version).resource);
  return Object.fromEntries(
    all.flatMap(([path, node]) =>
      member in node ? [[path, (node as unknown as Record<string, unknown>)[member]]] : [],
    ),
  );
}

describe("2019-12-31-preview", () => {
  test("every member has its access", () => {
    const rows = leaves(visibility("2019-12-31-preview").resource).map(
      ([path, { kind, access }]) => `${path}: ${kind} ${access}`,
    );
    expect(rows.toSorted()).toEqual(
      [
        "id: value readOnly",
        "name: value readOnly",
        "type: value readOnly",
        "etag: value readOnly",
        "systemData: value readOnly",
        "location: value createOnly",
        "tags: map mutable",
        "properties.pullSecret: value mutable",
        "properties.networkProfile.vnetCidr: value createOnly",
        "properties.networkProfile.podCidr: value createOnly",
        "properties.networkProfile.serviceCidr: value createOnly",
        "properties.masterProfile.vmSize: value createOnly",
        "properties.workerProfiles: array mutable",
        "properties.workerProfiles[].name: value createOnly",
        "properties.workerProfiles[].vmSize: value createOnly",
        "properties.workerProfiles[].diskSizeGB: value createOnly",
        "properties.workerProfiles[].count: value mutable",
        "properties.apiserverURL: value readOnly",
        "properties.consoleURL: value readOnly",
        "properties.provisioningState: value readOnly",
      ].toSorted(),
    );
  });

  test("ARM-119: the pull secret is the only secret of the resource", () => {
    expect(having("2019-12-31-preview", "secret")).toEqual({ "properties.pullSecret": true });
  });

  test("a PUT needs the location, and a pool its name", () => {
    expect(having("2019-12-31-preview", "required")).toEqual({
      location: true,
      "properties.workerProfiles[].name": true,
    });
  });

  test("pools are told apart by name", () => {
    expect(having("2019-12-31-preview", "identifiers")).toEqual({
      "properties.workerProfiles": ["name"],
    });
  });

  test("everything that can be set and isn't needed has the default of the first version", () => {
    expect(having("2019-12-31-preview", "default")).toEqual({
      "properties.networkProfile.vnetCidr": "10.0.0.0/16",
      "properties.networkProfile.podCidr": "10.128.0.0/14",
      "properties.networkProfile.serviceCidr": "172.30.0.0/16",
      "properties.masterProfile.vmSize": "Standard_D8s_v3",
      "properties.workerProfiles": [{ name: "worker" }],
      "properties.workerProfiles[].vmSize": "Standard_D2s_v3",
      "properties.workerProfiles[].diskSizeGB": 128,
      "properties.workerProfiles[].count": 3,
    });
  });

  test("the credentials actions are the only answers with a secret", () => {
    expect(visibility("2019-12-31-preview").secrets).toEqual({
      OpenShiftClusters_GetCredentials: ["kubeadminPassword"],
      OpenShiftClusters_ListCredentials: ["kubeadminPassword"],
    });
  });
});

describe("2020-04-30", () => {
  test("every member has its access", () => {
    const rows = leaves(visibility("2020-04-30").resource).map(
      ([path, { kind, access }]) => `${path}: ${kind} ${access}`,
    );
    expect(rows.toSorted()).toEqual(
      [
        "id: value readOnly",
        "name: value readOnly",
        "type: value readOnly",
        "etag: value readOnly",
        "systemData: value readOnly",
        "location: value createOnly",
        "tags: map mutable",
        "properties.clusterProfile.pullSecret: value mutable",
        "properties.clusterProfile.domain: value createOnly",
        "properties.clusterProfile.version: value createOnly",
        "properties.clusterProfile.resourceGroupId: value createOnly",
        "properties.consoleProfile.url: value readOnly",
        "properties.servicePrincipalProfile.clientId: value mutable",
        "properties.servicePrincipalProfile.clientSecret: value mutable",
        "properties.networkProfile.podCidr: value createOnly",
        "properties.networkProfile.serviceCidr: value createOnly",
        "properties.masterProfile.vmSize: value createOnly",
        "properties.masterProfile.subnetId: value createOnly",
        "properties.workerProfiles: array mutable",
        "properties.workerProfiles[].name: value createOnly",
        "properties.workerProfiles[].vmSize: value createOnly",
        "properties.workerProfiles[].diskSizeGB: value createOnly",
        "properties.workerProfiles[].subnetId: value createOnly",
        "properties.workerProfiles[].count: value mutable",
        "properties.apiserverProfile.visibility: value createOnly",
        "properties.apiserverProfile.url: value readOnly",
        "properties.apiserverProfile.ip: value readOnly",
        "properties.ingressProfiles: array createOnly",
        "properties.ingressProfiles[].name: value createOnly",
        "properties.ingressProfiles[].visibility: value createOnly",
        "properties.ingressProfiles[].ip: value readOnly",
        "properties.provisioningState: value readOnly",
      ].toSorted(),
    );
  });

  test("ARM-119: the pull secret and that of the service principal are secret", () => {
    expect(having("2020-04-30", "secret")).toEqual({
      "properties.clusterProfile.pullSecret": true,
      "properties.servicePrincipalProfile.clientSecret": true,
    });
    expect(visibility("2020-04-30").secrets).toEqual({
      OpenShiftClusters_ListCredentials: ["kubeadminPassword"],
    });
  });

  test("every PUT needs the location and the names of items; what a create needs is the version's rule", () => {
    expect(having("2020-04-30", "required")).toEqual({
      location: true,
      "properties.workerProfiles[].name": true,
      "properties.ingressProfiles[].name": true,
    });
    expect(having("2020-04-30", "identifiers")).toEqual({
      "properties.workerProfiles": ["name"],
      "properties.ingressProfiles": ["name"],
    });
  });

  test("what both versions know has the same default in both", () => {
    expect(having("2020-04-30", "default")).toEqual({
      "properties.networkProfile.podCidr": "10.128.0.0/14",
      "properties.networkProfile.serviceCidr": "172.30.0.0/16",
      "properties.masterProfile.vmSize": "Standard_D8s_v3",
      "properties.workerProfiles": [{ name: "worker" }],
      "properties.workerProfiles[].vmSize": "Standard_D2s_v3",
      "properties.workerProfiles[].diskSizeGB": 128,
      "properties.workerProfiles[].count": 3,
      "properties.apiserverProfile.visibility": "Public",
      "properties.ingressProfiles": [{ name: "default" }],
      "properties.ingressProfiles[].visibility": "Public",
    });
  });
});

describe.each(versions)("%s", (version) => {
  test("every secret is one that the documents keep sealed", () => {
    const table = visibility(version);
    const paths = [
      ...leaves(table.resource).flatMap(([path, node]) => ("secret" in node ? [path] : [])),
      ...Object.values(table.secrets).flat(),
    ];
    expect(paths.length).toBeGreaterThan(1);
    const names = paths.map((path) => path.slice(path.lastIndexOf(".") + 1));
    expect(names.filter((name) => !(secretNames as readonly string[]).includes(name))).toEqual([]);
  });

  test("the public PATCH names exactly what can be changed, and what tells items apart", () => {
    const { definitions } = swagger(version).document;
    const members = (name: string): readonly string[] =>
      Object.entries(definitions[name]?.properties ?? {}).flatMap(([member, schema]) => {
        const reference = schema.$ref ?? schema.items?.$ref;
        const inner = members(reference?.replace("#/definitions/", "") ?? "");
        if (inner.length === 0) return [member];
        return inner.map((path) => `${member}${schema.items ? "[]" : ""}.${path}`);
      });
    const all = leaves(visibility(version).resource);
    const identifiers = all.flatMap(([path, node]) =>
      node.kind === "array" && node.access === "mutable"
        ? node.identifiers.map((name) => `${path}[].${name}`)
        : [],
    );
    const mutable = all.flatMap(([path, node]) =>
      node.kind !== "array" && node.access === "mutable" ? [path] : [],
    );
    expect(members("OpenShiftClusterUpdate").toSorted()).toEqual(
      [...mutable, ...identifiers].toSorted(),
    );
  });
});
