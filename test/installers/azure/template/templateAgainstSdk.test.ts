/**
 * The templates say in ARM's words what the SDK would send: each resource goes through the SDK's own method and serialiser, which
 * leaves out whatever it doesn't know and moves the rest to where ARM has it.
 */
import { KnownPrincipalType } from "@azure/arm-authorization";
import {
  KnownDiskCreateOptionTypes,
  KnownHyperVGenerationTypes,
  KnownStorageAccountTypes,
} from "@azure/arm-compute";
import {
  KnownIPAllocationMethod,
  KnownLoadDistribution,
  KnownLoadBalancerOutboundRuleProtocol,
  KnownSecurityRuleAccess,
  KnownSecurityRuleDirection,
} from "@azure/arm-network";
import { KnownKind, KnownMinimumTlsVersion, KnownPublicNetworkAccess } from "@azure/arm-storage";
import { expect, test } from "vitest";
import { apiVersions } from "../../../../src/installers/azure/template/apiVersions.ts";
import type { ResourceType } from "../../../../src/installers/azure/template/apiVersions.ts";
import type { TemplateResource } from "../../../../src/installers/azure/template/azureTemplate.ts";
import { resourcesTemplate } from "../../../../src/installers/azure/template/resourcesTemplate.ts";
import { storageTemplate } from "../../../../src/installers/azure/template/storageTemplate.ts";
import { resourcesInputs } from "../resourcesInput.ts";
import { sdkRequest } from "../sdkRequests.ts";

const storage = storageTemplate({
  storageAccount: "clusterab23cd45",
  location: "westeurope",
  incarnationId: "0d6f1f3e-9d0c-4b7e-8a53-2b7a4f1c9e10",
});

test.for([
  ...Object.entries(resourcesInputs).map(
    ([name, input]) => [name, resourcesTemplate(input)] as const,
  ),
  ["storage", storage] as const,
])("each resource of the template %s is what the SDK would send", async ([, { resources }]) => {
  expect(resources).not.toEqual([]);
  for (const resource of resources) {
    const { type, apiVersion, name, dependsOn: _dependsOn, ...members } = resource;
    expect(await sdkRequest(type, namesOf(resource), flattened(members)), name).toEqual({
      resource: pathOf(type, namesOf(resource)),
      apiVersion,
      body: members,
    });
  }
});

test("a member that the SDK doesn't know would be seen", async () => {
  const request = await sdkRequest("Microsoft.Network/routeTables", ["table"], {
    location: "westeurope",
    disableBgpRoutes: true,
  });
  expect(request.body).toEqual({ location: "westeurope" });
});

/** Members whose values the SDK's types leave open, with those it knows. */
const knownValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  access: KnownSecurityRuleAccess,
  createOption: KnownDiskCreateOptionTypes,
  direction: KnownSecurityRuleDirection,
  hyperVGeneration: KnownHyperVGenerationTypes,
  kind: KnownKind,
  loadDistribution: KnownLoadDistribution,
  minimumTlsVersion: KnownMinimumTlsVersion,
  principalType: KnownPrincipalType,
  privateIPAllocationMethod: KnownIPAllocationMethod,
  // of rules and probes too, whose sets are larger but hold these
  protocol: KnownLoadBalancerOutboundRuleProtocol,
  publicIPAllocationMethod: KnownIPAllocationMethod,
  publicNetworkAccess: KnownPublicNetworkAccess,
  storageAccountType: KnownStorageAccountTypes,
};

test("each value of an open set is one that the SDK knows", () => {
  const templates = [...Object.values(resourcesInputs).map(resourcesTemplate), storage];
  const members = templates.flatMap(({ resources }) => resources.flatMap(textMembers));
  for (const [name, known] of Object.entries(knownValues)) {
    const values = members.filter((member) => member.name === name).map(({ text }) => text);
    expect(values, name).not.toEqual([]);
    for (const value of values) expect(Object.values(known), name).toContain(value);
  }
});

function textMembers(value: unknown): { readonly name: string; readonly text: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    typeof member === "string" ? [{ name, text: member }] : textMembers(member),
  );
}

test("each api-version is the one by which the SDK calls", async () => {
  const types = Object.keys(apiVersions) as ResourceType[];
  const called: Record<string, string | null> = {};
  for (const type of types) {
    called[type] = (await sdkRequest(type, ["a", "b", "c"], minimalModel)).apiVersion;
  }
  expect(called).toEqual(apiVersions);
});

/** What all methods accept. */
const minimalModel = {
  location: "westeurope",
  sku: { name: "Standard_LRS" },
  kind: "StorageV2",
  creationData: { createOption: "Empty" },
  roleDefinitionId: "r",
  principalId: "p",
};

/** An expression as a name can't be taken apart. */
function namesOf({ name }: TemplateResource): string[] {
  return name.startsWith("[") ? ["computed"] : name.split("/");
}

function pathOf(type: ResourceType, names: readonly string[]): string {
  const [provider, ...kinds] = type.split("/");
  return [provider, ...kinds.flatMap((kind, place) => [kind, names[place]])].join("/");
}

/** The SDK's form of what ARM reads: `properties` dissolved, and the names that the SDK has changed. */
function flattened(value: object): object {
  const dissolved = (member: unknown): unknown => {
    if (Array.isArray(member)) return member.map(dissolved);
    return typeof member === "object" && member !== null ? flattened(member) : member;
  };
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]): [string, unknown][] =>
      name === "properties"
        ? Object.entries(flattened(member as object))
        : [[sdkNames[name] ?? name, dissolved(member)]],
    ),
  );
}

const sdkNames: Readonly<Record<string, string>> = {
  supportsHttpsTrafficOnly: "enableHttpsTrafficOnly",
};
