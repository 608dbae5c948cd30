/** Template deployments as the SDK's client sees them. */
import { expect, test } from "vitest";
import { TestClock } from "../runtime/testClock.ts";
import { armClients, subscriptionId } from "./armClients.ts";
import { LocalAzure, type LocalAzureOptions } from "./localAzure.ts";

const schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const quick = { updateIntervalInMs: 10 };

function templateOf(members: Record<string, unknown>) {
  return { $schema: schema, contentVersion: "1.0.0.0", ...members };
}

async function startedGroup(options: LocalAzureOptions = {}) {
  const azure = await LocalAzure.start(options);
  const clients = armClients(azure);
  await clients.resources.resourceGroups.createOrUpdate("made", { location: "eastus" });
  const deploy = async (
    template: Record<string, unknown>,
    parameters: Record<string, { value: unknown }> = {},
  ) =>
    await clients.deployments.deployments
      .createOrUpdate(
        "made",
        "deploy",
        { properties: { mode: "Incremental", template: templateOf(template), parameters } },
        quick,
      )
      .pollUntilDone();
  const names = () =>
    azure
      .resources()
      .map(({ name }) => name)
      .slice(1);
  return { azure, ...clients, deploy, names };
}

const identity = {
  type: "Microsoft.ManagedIdentity/userAssignedIdentities",
  apiVersion: "2023-01-31",
  location: "[resourceGroup().location]",
};

test("makes loops in the order of what depends on what, and answers outputs but no secret", async () => {
  const { azure, deploy, names, deployments } = await startedGroup();
  await using _ = azure;
  const result = await deploy(
    {
      parameters: {
        count: { type: "int", defaultValue: 2 },
        password: { type: "secureString" },
        prefix: { type: "string" },
      },
      variables: { base: "[concat(parameters('prefix'), '-id')]" },
      resources: [
        {
          ...identity,
          name: "last",
          dependsOn: ["loop"],
          tags: { principal: "[reference(format('{0}0', variables('base'))).principalId]" },
        },
        {
          ...identity,
          name: "[concat(variables('base'), copyIndex())]",
          copy: { name: "loop", count: "[parameters('count')]" },
        },
        { ...identity, name: "absent", condition: "[equals(parameters('count'), 3)]" },
      ],
      outputs: {
        first: {
          type: "string",
          value: "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'x-id0')]",
        },
      },
    },
    { prefix: { value: "x" }, password: { value: "a password of the template" } },
  );
  expect(names()).toEqual(["x-id0", "x-id1", "last"]);
  const [, first, , last] = azure.resources();
  expect(last?.tags).toEqual({ principal: first?.properties["principalId"] });
  expect(result.properties?.outputs).toEqual({ first: { type: "string", value: first?.id } });
  const shown = await deployments.deployments.get("made", "deploy");
  expect(shown.properties?.parameters).toEqual({
    count: { type: "Int", value: 2 },
    prefix: { type: "String", value: "x" },
    password: { type: "SecureString" },
  });
});

test("a resource that fails makes the deployment fail with Azure's nested error, without undoing the rest", async () => {
  const { azure, deploy, names, deployments } = await startedGroup();
  await using _ = azure;
  const id = "[resourceId('Microsoft.Network/networkInterfaces', 'nowhere')]";
  const failing = deploy({
    resources: [
      { ...identity, name: "good" },
      {
        type: "Microsoft.Compute/virtualMachines",
        apiVersion: "2024-07-01",
        name: "machine",
        location: "eastus",
        properties: { networkProfile: { networkInterfaces: [{ id }] } },
      },
      { ...identity, name: "never", dependsOn: ["machine"] },
    ],
  });
  await expect(failing).rejects.toThrow(/resource deployment operation failed/);
  expect(names()).toEqual(["good"]);
  const { properties } = await deployments.deployments.get("made", "deploy");
  expect(properties?.provisioningState).toBe("Failed");
  expect(properties?.error?.code).toBe("DeploymentFailed");
  const [detail] = properties?.error?.details ?? [];
  expect(detail?.code).toBe("NotFound");
  expect(JSON.parse(detail?.message ?? "")).toMatchObject({ error: { code: "NotFound" } });
  const operations: unknown[] = [];
  for await (const { properties: one } of deployments.deploymentOperations.list("made", "deploy")) {
    operations.push([one?.targetResource?.resourceName, one?.provisioningState]);
  }
  expect(operations).toEqual([
    ["machine", "Failed"],
    ["good", "Succeeded"],
  ]);
});

test.each([
  [
    "an unknown function",
    { resources: [{ ...identity, name: "[frobnicate('a')]" }] },
    /frobnicate/,
  ],
  ["a missing parameter", { parameters: { a: { type: "string" } }, resources: [] }, /not provided/],
  [
    "a dependency outside of the template",
    { resources: [{ ...identity, name: "a", dependsOn: ["b"] }] },
    /'b' is not defined in the template/,
  ],
  [
    "a circle",
    {
      resources: [
        { ...identity, name: "a", dependsOn: ["b"] },
        { ...identity, name: "b", dependsOn: ["a"] },
      ],
    },
    /Circular dependency/,
  ],
  [
    "a name with too few parts",
    { resources: [{ ...identity, type: "Microsoft.Network/virtualNetworks/subnets", name: "a" }] },
    /incorrect segment lengths/,
  ],
  [
    "an unreadable expression",
    { resources: [{ ...identity, name: "[concat('a'" + "]" }] },
    /not valid/,
  ],
  [
    "two of one name",
    {
      resources: [
        { ...identity, name: "a" },
        { ...identity, name: "A" },
      ],
    },
    /multiple times/,
  ],
])("refuses %s before it makes anything", async (_name, template, message) => {
  const { azure, deploy, names } = await startedGroup();
  await using _ = azure;
  await expect(deploy(template)).rejects.toMatchObject({
    statusCode: 400,
    code: "InvalidTemplate",
    message: expect.stringMatching(message) as unknown,
  });
  expect(names()).toEqual([]);
});

test("one deployment of a name at a time; a second attaches by asking for its state", async () => {
  const { azure, deploy, deployments } = await startedGroup();
  await using _ = azure;
  const begun = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  azure.onBackground(async () => {
    begun.resolve();
    await refused.promise;
  });
  const first = deploy({ resources: [{ ...identity, name: "a" }] });
  await begun.promise;
  await expect(deploy({ resources: [] })).rejects.toMatchObject({
    statusCode: 409,
    code: "DeploymentActive",
  });
  refused.resolve();
  await first;
  const state = await deployments.deployments.get("made", "deploy");
  expect(state.properties?.provisioningState).toBe("Succeeded");
  expect(state.id).toBe(
    `/subscriptions/${subscriptionId}/resourceGroups/made/providers/Microsoft.Resources/deployments/deploy`,
  );
});

test("a deployment that is canceled, or whose group is deleted, makes nothing more", async () => {
  const clock = new TestClock();
  const { azure, resources, deployments, names } = await startedGroup({ clock });
  await using _ = azure;
  const template = templateOf({
    resources: [
      {
        type: "Microsoft.Network/routeTables",
        apiVersion: "2024-01-01",
        name: "first",
        location: "eastus",
      },
      { ...identity, name: "second", dependsOn: ["first"] },
    ],
  });
  const begin = async () => {
    const poller = deployments.deployments.createOrUpdate(
      "made",
      "deploy",
      { properties: { mode: "Incremental", template } },
      quick,
    );
    await poller.submitted();
    await clock.advance(20);
    // not by itself: it can be awaited, and would be
    return { poller };
  };
  const canceled = await begin();
  expect(names()).toEqual(["first"]);
  await deployments.deployments.cancel("made", "deploy");
  await clock.advance(1000);
  await expect(canceled.poller.pollUntilDone()).rejects.toThrow(/cancel/i);
  expect(names()).toEqual(["first"]);
  const { properties } = await deployments.deployments.get("made", "deploy");
  expect(properties?.provisioningState).toBe("Canceled");

  await begin();
  const deletion = resources.resourceGroups.delete("made", quick);
  await deletion.submitted();
  await clock.advance(1000);
  await deletion;
  expect(azure.resources()).toEqual([]);
  await expect(deployments.deployments.get("made", "deploy")).rejects.toMatchObject({
    code: "ResourceGroupNotFound",
  });
});
