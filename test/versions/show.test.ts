/** What every api-version shows, and never shows (ARM-17, ARM-72, ARM-119). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { operationIds, type ApiVersionName } from "../../generated/types/operationIds.ts";
import type { VisibilityNode } from "../../generated/types/visibility.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import type { ProvisioningState } from "../../src/model/provisioningState.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import { visibility } from "../contract/generated.ts";
import { grownDocuments } from "./arbitraryCluster.ts";
import { storedCluster } from "./exampleCluster.ts";
import { fullCluster } from "./v20200430/example.ts";
import { eachVersion } from "./versionCases.ts";

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

/** The same of a value: what the table takes for one value is one path. */
function pathsOf(value: unknown, leaves: ReadonlySet<string>, path = ""): string[] {
  if (leaves.has(path) || typeof value !== "object" || value === null) return [path];
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, leaves, `${path}[]`));
  return Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, leaves, path === "" ? name : `${path}.${name}`),
  );
}

/** It has every member that any version knows. */
const everything: ClusterDocument = {
  ...fullCluster,
  cluster: {
    ...fullCluster.cluster,
    network: { ...fullCluster.cluster.network, ...storedCluster.cluster.network },
  },
};

describe.each(eachVersion)("%s", (name, { version }) => {
  const table = visibility(name as ApiVersionName);

  test("shows every member of its contract that isn't secret, and no other (ARM-17)", () => {
    const paths = new Set(shownPaths(table.resource, ""));
    expect(new Set(pathsOf(version.show(everything), paths))).toEqual(paths);
    fc.assert(
      fc.property(grownDocuments, (document) => {
        const unknown = pathsOf(version.show(document), paths).filter((path) => !paths.has(path));
        expect(unknown).toEqual([]);
      }),
    );
  });

  test("a state of a newer release counts as running (ARM-89)", () => {
    for (const state of ["Updating", "Upgrading", "constructor", "__proto__"]) {
      expect(version.show(inState(state))).toMatchObject({
        properties: { provisioningState: "Updating" },
      });
    }
    for (const state of ["Deleting", "Succeeded", "Failed", "Canceled"]) {
      expect(version.show(inState(state))).toMatchObject({
        properties: { provisioningState: state },
      });
    }
  });

  test("never shows a secret (ARM-119)", () => {
    expect(JSON.stringify(version.show(everything))).not.toMatch(/marker|pullSecret|c2Vjc/);
  });

  test("has no credentials before they are stored, nor of a cluster that is being deleted", () => {
    expect(version.showCredentials({ ...storedCluster, secrets: {} })).toBeUndefined();
    expect(version.showCredentials(inState("Deleting"))).toBeUndefined();
    expect(version.showCredentials(inState("Failed"))).toBeDefined();
  });
});

test("every version of the contract is served, oldest first", () => {
  const names = apiVersions.map(({ name }) => name);
  expect(names).toEqual(Object.keys(operationIds).toSorted());
});
