/**
 * The templates are what Microsoft's published types of their resources allow: no member that a type doesn't have or that only Azure
 * writes, none left out that it needs, no value that it doesn't name.
 */
import { expect, test } from "vitest";
import { resourcesTemplate } from "../../../../src/installers/azure/template/resourcesTemplate.ts";
import { storageTemplate } from "../../../../src/installers/azure/template/storageTemplate.ts";
import type { TemplateResource } from "../../../../src/installers/azure/template/azureTemplate.ts";
import { AzureTypes, storedTypes } from "../../../deploy/azureTypes.ts";
import { unpublishedTypes } from "../publishedTypes.ts";
import { resourcesInputs } from "../resourcesInput.ts";

const stored = storedTypes();
const types = new AzureTypes(stored);
const versions = new Map(
  stored.map(({ resource }) => resource.split("@") as [type: string, version: string]),
);

const storage = storageTemplate({
  storageAccount: "clusterab23cd45",
  location: "westeurope",
  incarnationId: "0d6f1f3e-9d0c-4b7e-8a53-2b7a4f1c9e10",
});

function faultsOf(resource: TemplateResource | object): readonly string[] {
  const { type } = resource as { readonly type: string };
  return types.faultsOf({ ...resource, apiVersion: versions.get(type) });
}

test.for([
  ...Object.entries(resourcesInputs).map(
    ([name, input]) => [name, resourcesTemplate(input)] as const,
  ),
  ["storage", storage] as const,
])("each resource of the template %s is what its published type allows", ([, { resources }]) => {
  const faults = resources
    .filter(({ type }) => !unpublishedTypes.includes(type))
    .flatMap((resource) => faultsOf(resource).map((fault) => `${resource.name}: ${fault}`));
  expect(faults).toEqual([]);
});

test("the stored versions are no newer than the templates'", () => {
  for (const { type, apiVersion } of [
    ...storage.resources,
    ...Object.values(resourcesInputs).flatMap((input) => resourcesTemplate(input).resources),
  ]) {
    if (unpublishedTypes.includes(type)) continue;
    expect((versions.get(type) ?? "none") <= apiVersion, type).toBe(true);
  }
});

test("a member that the type doesn't have is a fault, and so is a value that it doesn't name", () => {
  const [account] = storage.resources;
  expect(faultsOf({ ...account, propertys: {} })).not.toEqual([]);
  expect(faultsOf({ ...account, kind: "Storage3" })).not.toEqual([]);
  expect(faultsOf({ ...account, sku: undefined })).not.toEqual([]);
  expect(faultsOf({ ...account, properties: { enableHttpsTrafficOnly: true } })).not.toEqual([]);
});
