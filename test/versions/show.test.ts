/** What a GET shows, and never shows (ARM-05, ARM-17, ARM-89, ARM-97, ARM-119). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import visibility from "../../generated/runtime/2019-12-31-preview/visibility.json" with { type: "json" };
import type { VisibilityNode, VisibilityTable } from "../../generated/types/visibility.ts";
import { secretNames } from "../../src/model/clusterSecrets.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import type { ProvisioningState } from "../../src/model/provisioningState.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import { grownDocuments } from "./arbitraryCluster.ts";
import { context, storedCluster, version } from "./exampleCluster.ts";

const table: VisibilityTable = visibility as VisibilityTable;

function inState(provisioningState: string): ClusterDocument {
  return { ...storedCluster, provisioningState: provisioningState as ProvisioningState };
}

/** Paths of all members that aren't secret, as `properties.workerProfiles[].name`. */
function shownPaths(node: VisibilityNode, path: string): string[] {
  switch (node.kind) {
    case "value":
    case "map":
      return node.secret === true ? [] : [path];
    case "object":
      return Object.entries(node.members).flatMap(([name, member]) =>
        shownPaths(member, path === "" ? name : `${path}.${name}`),
      );
    case "array":
      return shownPaths(node.items, `${path}[]`);
  }
}

function secretPaths(node: VisibilityNode, name: string): string[] {
  switch (node.kind) {
    case "value":
    case "map":
      return node.secret === true ? [name] : [];
    case "object":
      return Object.entries(node.members).flatMap(([member, one]) => secretPaths(one, member));
    case "array":
      return secretPaths(node.items, name);
  }
}

/** The same of a value: what the table takes for one value is one path. */
function pathsOf(value: unknown, leaves: ReadonlySet<string>, path = ""): string[] {
  if (leaves.has(path) || typeof value !== "object" || value === null) return [path];
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, leaves, `${path}[]`));
  return Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, leaves, path === "" ? name : `${path}.${name}`),
  );
}

describe("the resource", () => {
  test("is the whole envelope, with the casing of its creation (ARM-05, decision 1)", () => {
    expect(version.show(storedCluster)).toEqual({
      ...context.identity,
      location: "East US",
      tags: { Team: "a", cost: "42" },
      etag: '"r1"',
      systemData: { createdBy: "x@example.com", createdByType: "Robot" },
      properties: {
        networkProfile: {
          vnetCidr: "10.0.0.0/16",
          podCidr: "10.128.0.0/14",
          serviceCidr: "172.30.0.0/16",
        },
        masterProfile: { vmSize: "Standard_D8s_v3" },
        workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
        apiserverURL: "https://api.demo.example.com:6443/",
        consoleURL: "https://console.demo.example.com/",
        provisioningState: "Succeeded",
      },
    });
  });

  test("shows every member of the contract that isn't secret, and no other (ARM-17)", () => {
    const paths = new Set(shownPaths(table.resource, ""));
    expect(new Set(pathsOf(version.show(storedCluster), paths))).toEqual(paths);
    fc.assert(
      fc.property(grownDocuments, (document) => {
        const unknown = pathsOf(version.show(document), paths).filter((path) => !paths.has(path));
        expect(unknown).toEqual([]);
      }),
    );
  });

  test("has no member without a value", () => {
    const {
      apiserverUrl: _a,
      consoleUrl: _c,
      tags: _t,
      systemData: _s,
      ...bare
    } = storedCluster.cluster;
    const shown = version.show({ ...storedCluster, cluster: bare });
    for (const name of ["tags", "systemData"]) expect(shown).not.toHaveProperty(name);
    for (const name of ["apiserverURL", "consoleURL"]) {
      expect(shown["properties"]).not.toHaveProperty(name);
    }
  });

  test("a cluster being created shows as Updating; a state of a newer release counts as running", () => {
    const shownState = (state: string) =>
      (version.show(inState(state))["properties"] as Record<string, unknown>)["provisioningState"];
    for (const state of ["Creating", "Updating", "Upgrading", "constructor", "__proto__"]) {
      expect(shownState(state)).toBe("Updating");
    }
    for (const state of ["Deleting", "Succeeded", "Failed", "Canceled"]) {
      expect(shownState(state)).toBe(state);
    }
  });

  test("never holds a secret (ARM-119)", () => {
    expect(JSON.stringify(version.show(storedCluster))).not.toMatch(/marker|pullSecret|c2Vjc/);
  });
});

describe("credentials (decision 19)", () => {
  test("are the password alone", () => {
    expect(version.showCredentials(storedCluster)).toEqual({
      kubeadminPassword: "password-marker",
    });
  });

  test("there are none before they are stored, nor of a cluster that is being deleted", () => {
    expect(version.showCredentials({ ...storedCluster, secrets: {} })).toBeUndefined();
    expect(version.showCredentials(inState("Deleting"))).toBeUndefined();
    expect(version.showCredentials(inState("Failed"))).toBeDefined();
  });
});

test("each secret of the contract is one that is sealed", () => {
  const ofActions = Object.values(table.secrets).flat();
  const all = [...secretPaths(table.resource, ""), ...ofActions];
  expect(all).toContain("pullSecret");
  expect(all.filter((name) => !(secretNames as readonly string[]).includes(name))).toEqual([]);
});

test("versions have names of their own, oldest first", () => {
  const names = apiVersions.map(({ name }) => name);
  expect(names).toContain("2019-12-31-preview");
  expect(names).toEqual([...new Set(names)].toSorted());
});
