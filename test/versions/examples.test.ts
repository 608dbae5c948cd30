/** The contract's examples of a create and of changes are requests that the rules accept, too. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { committed, storedCluster } from "./exampleCluster.ts";
import { eachVersion } from "./versionCases.ts";
import type { WireObject, WriteContext } from "../../src/versions/apiVersion.ts";

interface Example {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<Record<string, { readonly body?: WireObject }>>;
}

describe.each(eachVersion)("%s", (name, { version }) => {
  const folder = new URL(`../../spec/examples/${name}/`, import.meta.url);
  const example = (file: string): Example =>
    JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Example;
  const creation = example("OpenShiftClusters_CreateOrUpdate.json");
  const created = creation.responses["201"]?.body ?? {};
  const context: WriteContext = {
    identity: {
      id: String(created["id"]),
      name: String(created["name"]),
      type: String(created["type"]),
    },
    location: "eastus",
  };
  const asked = version.readPut(creation.parameters["resource"] as WireObject, undefined, context);
  const document = { ...committed(asked, storedCluster), resourceId: context.identity.id };

  test("the create is accepted, and shows what the example says", () => {
    expect(asked.faults).toEqual([]);
    const { provisioningState: _, ...properties } = created["properties"] as WireObject;
    expect(version.show(document)).toMatchObject({ tags: created["tags"], properties });
  });

  const changes = readdirSync(folder).filter((file) => file.startsWith("OpenShiftClusters_Update"));
  test.each(changes)("%s is accepted", (file) => {
    const patch = example(file).parameters["properties"] as WireObject;
    expect(version.readPatch(patch, document, context).faults).toEqual([]);
  });
});
