/**
 * The template of a cluster's machines: what it makes for each kind of cluster, and what must hold for each: nothing is used before it
 * exists, names fit Azure, nothing of a user's is evaluated. The files in `templates/` show the whole of it.
 */
import { expect, test } from "vitest";
import type {
  DeploymentTemplate,
  TemplateResource,
} from "../../../../src/installers/azure/template/azureTemplate.ts";
import { apiVersions } from "../../../../src/installers/azure/template/apiVersions.ts";
import { resourcesTemplate } from "../../../../src/installers/azure/template/resourcesTemplate.ts";
import { givenSubnetId, resourcesInput, resourcesInputs } from "../resourcesInput.ts";

const kinds = Object.entries(resourcesInputs);

test.for(kinds)("the template %s is as its file shows", async ([name, input]) => {
  const text = `${JSON.stringify(resourcesTemplate(input), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot(`templates/${name}.json`);
});

const networkResources = [
  "networkSecurityGroups prod-x7k2p-controlplane-nsg",
  "networkSecurityGroups prod-x7k2p-node-nsg",
  "privateDnsZones prod-ab23cd45.clusters.example.com",
  "privateDnsZones/virtualNetworkLinks prod-ab23cd45.clusters.example.com/prod-x7k2p-vnet-link",
  "privateDnsZones/A prod-ab23cd45.clusters.example.com/api-int",
  "privateDnsZones/A prod-ab23cd45.clusters.example.com/api",
  "privateDnsZones/SRV prod-ab23cd45.clusters.example.com/_etcd-server-ssl._tcp",
  "privateDnsZones/A prod-ab23cd45.clusters.example.com/etcd-0",
  "privateDnsZones/A prod-ab23cd45.clusters.example.com/etcd-1",
  "privateDnsZones/A prod-ab23cd45.clusters.example.com/etcd-2",
  "routeTables prod-x7k2p-node-routetable",
  "publicIPAddresses prod-x7k2p-pip",
  "loadBalancers prod-x7k2p",
  "loadBalancers prod-x7k2p-internal",
  "networkInterfaces prod-x7k2p-bootstrap-nic",
  "networkInterfaces prod-x7k2p-master0-nic",
  "networkInterfaces prod-x7k2p-master1-nic",
  "networkInterfaces prod-x7k2p-master2-nic",
];
const computeResources = [
  "images prod-x7k2p",
  "virtualMachines prod-x7k2p-bootstrap",
  "virtualMachines prod-x7k2p-master-0",
  "virtualMachines prod-x7k2p-master-1",
  "virtualMachines prod-x7k2p-master-2",
];
const network = "virtualNetworks prod-x7k2p-vnet";
const bootstrapAddress = "publicIPAddresses prod-x7k2p-bootstrap-pip";

test.for([
  ["public", [network, bootstrapAddress]],
  ["private", [network]],
  ["given-subnets", [bootstrapAddress]],
  ["private-given-subnets", []],
] as const)("a cluster of the kind %s has these resources", ([name, more]) => {
  const made = resourcesTemplate(resourcesInputs[name]!)
    .resources.filter(({ type }) => type !== "Microsoft.Authorization/roleAssignments")
    .map(({ type, name }) => `${type.replace(/^[^/]+\//, "")} ${name}`);
  expect(made.toSorted()).toEqual([...networkResources, ...computeResources, ...more].toSorted());
});

test.for(kinds)("in %s every resource has the api-version of the table", ([, input]) => {
  for (const { type, apiVersion } of resourcesTemplate(input).resources) {
    expect(apiVersion).toBe(apiVersions[type]);
  }
});

test.for(kinds)("in %s nothing has the name of another", ([, input]) => {
  const ids = resourcesTemplate(input).resources.map(idOf);
  expect(new Set(ids).size).toBe(ids.length);
});

test.for(kinds)("in %s everything waits for what it is made from", ([, input]) => {
  const { resources } = resourcesTemplate(input);
  const byId = new Map(resources.map((resource) => [idOf(resource), resource]));
  for (const resource of resources) {
    const awaited = dependenciesOf(resource, byId);
    const { dependsOn: _dependsOn, ...members } = resource;
    for (const id of mentionedIds(members)) {
      // made by an earlier step, or a part of its own
      if (id.includes("userAssignedIdentities") || id === idOf(resource)) continue;
      expect(awaited, `${resource.name} uses ${id}`).toContain(id);
    }
    const zone = /^([^/]+)\//.exec(resource.name)?.[1];
    if (zone !== undefined && resource.type.startsWith("Microsoft.Network/privateDnsZones/")) {
      expect(awaited).toContain(`resourceId('Microsoft.Network/privateDnsZones', '${zone}')`);
    }
  }
});

/** All that has to exist before, directly or not; fails for an unknown one and for a cycle. */
function dependenciesOf(
  resource: TemplateResource,
  byId: ReadonlyMap<string, TemplateResource>,
  way: readonly string[] = [],
): Set<string> {
  const id = idOf(resource);
  expect(way, "waits for itself").not.toContain(id);
  const all = new Set<string>();
  for (const dependency of resource.dependsOn ?? []) {
    const needed = dependency.slice(1, -1);
    const made = byId.get(needed);
    expect(made, `${resource.name} waits for ${needed}`).toBeDefined();
    all.add(needed);
    for (const further of dependenciesOf(made!, byId, [...way, id])) all.add(further);
  }
  return all;
}

function idOf({ type, name }: TemplateResource): string {
  const names = name.startsWith("[")
    ? [name.slice(1, -1)]
    : name.split("/").map((part) => `'${part}'`);
  return `resourceId('${type}', ${names.join(", ")})`;
}

function mentionedIds(value: unknown): string[] {
  return JSON.stringify(value).match(/resourceId\('Microsoft[^()]*\)/g) ?? [];
}

test("what is given isn't made, and what is in it gets addresses that Azure chooses", () => {
  const template = resourcesTemplate(resourcesInputs["given-subnets"]!);
  const text = JSON.stringify(template);
  expect(text).not.toContain("Microsoft.Network/virtualNetworks'");
  expect(text).not.toContain('"Static","privateIPAddress"');
  for (const nic of ofType(template, "Microsoft.Network/networkInterfaces")) {
    expect(nic.properties.ipConfigurations[0]?.properties.subnet.id).toBe(givenSubnetId);
  }
  const [link] = ofType(template, "Microsoft.Network/privateDnsZones/virtualNetworkLinks");
  expect(link?.properties.virtualNetwork).toEqual({
    id: givenSubnetId.replace("/subnets/control-plane", ""),
  });
});

test("the internal address is the one of the DNS records", () => {
  const template = resourcesTemplate(resourcesInput());
  const [, internal] = ofType(template, "Microsoft.Network/loadBalancers");
  expect(internal?.properties.frontendIPConfigurations[0]?.properties).toMatchObject({
    privateIPAllocationMethod: "Static",
    privateIPAddress: "10.0.31.253",
  });
  const records = ofType(template, "Microsoft.Network/privateDnsZones/A");
  for (const record of ["api", "api-int"]) {
    const made = records.find(({ name }) => name.endsWith(`/${record}`));
    expect(made?.properties.aRecords).toEqual([{ ipv4Address: "10.0.31.253" }]);
  }
});

test("a private API can't be reached from outside, while its machines get out", () => {
  const template = resourcesTemplate(resourcesInputs["private"]!);
  for (const { properties } of ofType(template, "Microsoft.Network/networkSecurityGroups")) {
    expect(properties.securityRules).toEqual([]);
  }
  for (const { properties } of ofType(template, "Microsoft.Network/networkInterfaces")) {
    expect(JSON.stringify(properties)).not.toContain("publicIPAddress");
  }
  const [balancer] = ofType(template, "Microsoft.Network/loadBalancers");
  expect(balancer?.name).toBe("prod-x7k2p");
  expect(balancer?.properties.loadBalancingRules).toBeUndefined();
  expect(balancer?.properties.outboundRules).toHaveLength(1);
  const [address] = ofType(template, "Microsoft.Network/publicIPAddresses");
  expect(address?.properties.dnsSettings).toBeUndefined();
});

test.for(kinds)("in %s nothing but the API is let in, least of all SSH", ([, input]) => {
  const ports = ofType(resourcesTemplate(input), "Microsoft.Network/networkSecurityGroups").flatMap(
    ({ properties }) =>
      properties.securityRules.map((rule) => rule.properties.destinationPortRange),
  );
  expect(ports).toEqual(input.apiserverVisibility === "Public" ? ["6443"] : []);
});

test.for([
  [
    ["1", "2", "3"],
    [undefined, ["1"], ["2"], ["3"]],
    ["1", "2", "3"],
  ],
  [["1", "3"], [undefined, ["1"], ["3"], ["1"]], undefined],
  [["2"], [undefined, ["2"], ["2"], ["2"]], undefined],
  [[], [undefined, undefined, undefined, undefined], undefined],
] as const)("zones %j: machines are in %j", ([zones, ofMachines, ofAddresses]) => {
  const template = resourcesTemplate(
    resourcesInput({ machines: { zones, hyperVGeneration: "V1" } }),
  );
  const machines = ofType(template, "Microsoft.Compute/virtualMachines");
  expect(machines.map((machine) => machine.zones)).toEqual(ofMachines);
  for (const address of ofType(template, "Microsoft.Network/publicIPAddresses")) {
    expect(address.zones).toEqual(ofAddresses);
  }
});

test("secrets are in secure parameters, each of which is a machine's", () => {
  const { parameters, resources } = resourcesTemplate(resourcesInput());
  expect(parameters).toEqual({
    bootstrapIgnition: { type: "secureString" },
    masterIgnition: { type: "secureString" },
  });
  const profiles = ofType({ resources }, "Microsoft.Compute/virtualMachines").map(
    ({ properties }) => properties.osProfile,
  );
  expect(profiles.map((profile) => profile?.customData)).toEqual([
    "[parameters('bootstrapIgnition')]",
    "[parameters('masterIgnition')]",
    "[parameters('masterIgnition')]",
    "[parameters('masterIgnition')]",
  ]);
  for (const profile of profiles) {
    expect(profile?.adminPassword).toMatch(/^\[concat\('Aa1!', guid\(parameters\('\w+'\)\)\)\]$/);
  }
});

test("what can be tagged carries the incarnation, and so do the records", () => {
  const { resources } = resourcesTemplate(resourcesInput());
  const incarnation = { "openshift-rp-incarnation": "0d6f1f3e-9d0c-4b7e-8a53-2b7a4f1c9e10" };
  for (const resource of resources) {
    if (resource.type === "Microsoft.Authorization/roleAssignments") continue;
    const marked = "tags" in resource ? resource.tags : metadataOf(resource);
    expect(marked, resource.name).toEqual(incarnation);
  }
});

function metadataOf(resource: TemplateResource): unknown {
  return (resource as { properties?: { metadata?: unknown } }).properties?.metadata;
}

/** Of Microsoft's page of naming rules. */
const nameLimits = {
  "Microsoft.Compute/images": [1, 80],
  "Microsoft.Compute/virtualMachines": [1, 64],
  "Microsoft.Network/loadBalancers": [1, 80],
  "Microsoft.Network/networkInterfaces": [1, 80],
  "Microsoft.Network/networkSecurityGroups": [1, 80],
  "Microsoft.Network/publicIPAddresses": [1, 80],
  "Microsoft.Network/routeTables": [1, 80],
  "Microsoft.Network/virtualNetworks": [2, 64],
} as const;

test("all names fit Azure with the longest prefix", () => {
  const infraId = "a2345678901234567890z-x7k2p";
  expect(infraId).toHaveLength(27);
  const template = resourcesTemplate(resourcesInput({ infraId }));
  for (const [type, [min, max]] of Object.entries(nameLimits)) {
    const named = template.resources.filter((resource) => resource.type === type);
    expect(named).not.toEqual([]);
    for (const { name } of named) {
      expect(name.length).toBeGreaterThanOrEqual(min);
      expect(name.length).toBeLessThanOrEqual(max);
      expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*[a-zA-Z0-9_]$/);
    }
  }
  const labels = ofType(template, "Microsoft.Network/publicIPAddresses").flatMap(
    ({ properties }) => properties.dnsSettings?.domainNameLabel ?? [],
  );
  expect(labels).toEqual([infraId]);
  expect(infraId).toMatch(/^[a-z][a-z0-9-]{1,61}[a-z0-9]$/);
  for (const { properties } of ofType(template, "Microsoft.Compute/virtualMachines")) {
    expect(properties.osProfile?.computerName?.length).toBeLessThanOrEqual(63);
    expect(properties.storageProfile?.osDisk?.name?.length).toBeLessThanOrEqual(80);
  }
  for (const { properties } of ofType(template, "Microsoft.Network/virtualNetworks")) {
    for (const subnet of properties.subnets) expect(subnet.name.length).toBeLessThanOrEqual(80);
  }
  for (const link of ofType(template, "Microsoft.Network/privateDnsZones/virtualNetworkLinks")) {
    expect(link.name.split("/")[1]!.length).toBeLessThanOrEqual(80);
  }
});

test("nothing that a user wrote is evaluated", () => {
  const evil = "[listKeys('x', '2020-01-01')]";
  const template = resourcesTemplate(
    resourcesInput({
      location: evil,
      machineSize: evil,
      clusterDomain: evil,
      imageBlobUrl: evil,
      principalObjectId: "a', listKeys('y')) ]",
      network: { controlPlaneSubnetId: evil },
    }),
  );
  const evaluated = stringsOf(template).filter((text) => /^\[(?!\[).*\]$/s.test(text));
  expect(evaluated).not.toEqual([]);
  for (const text of evaluated) {
    // what remains outside of quotes are our own functions
    expect(text.replaceAll(/'(?:[^']|'')*'/g, "")).not.toContain("listKeys");
  }
});

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...stringsOf(member)]);
}

function ofType<Type extends TemplateResource["type"]>(
  { resources }: Pick<DeploymentTemplate, "resources">,
  type: Type,
): (TemplateResource & { readonly type: Type })[] {
  const isOfType = (each: TemplateResource): each is TemplateResource & { readonly type: Type } =>
    each.type === type;
  return resources.filter(isOfType);
}
