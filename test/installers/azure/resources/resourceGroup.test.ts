/** The managed group: made once, never taken from anybody, deleted only when it is this incarnation's. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { createResourceGroup } from "../../../../src/installers/azure/resources/createResourceGroup.ts";
import { deleteResourceGroup } from "../../../../src/installers/azure/resources/deleteResourceGroup.ts";
import { ScriptedAzure, type ScriptedAnswer } from "../scriptedAzure.ts";
import { clusterId, incarnationId, names, stepContext, subscriptionId } from "../stepContext.ts";

const path = `/subscriptions/${subscriptionId}/resourcegroups/aro-mycluster-abcdefgh`;
const minuteMs = 60_000;
let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

let group: Record<string, unknown> | undefined;
let more: Record<string, ScriptedAnswer>;
beforeEach(() => {
  group = undefined;
  more = {};
  azure.calls.length = 0;
  azure.script = ({ method, path: called, body }) => {
    const scripted = more[`${method} ${called}`];
    if (scripted !== undefined) return scripted;
    if (called !== path) return undefined;
    if (method === "PUT") {
      group = { ...(body as object), properties: { provisioningState: "Succeeded" } };
      return { status: 201, body: group };
    }
    return group === undefined ? undefined : { status: 200, body: group };
  };
});

const ours = {
  location: "eastus",
  managedBy: clusterId.toUpperCase(),
  tags: { "openshift-rp-incarnation": incarnationId },
  properties: { provisioningState: "Succeeded" },
};
const installation = { azure: { names } };
const step = (which: typeof createResourceGroup | typeof deleteResourceGroup) =>
  asAzureStep(which(azure.effects()), azure.effects());
const again = { done: false, againAfterMs: 10_000 };

test("is made with both marks, and not twice", async () => {
  const context = stepContext({ installation });
  expect(await step(createResourceGroup).run(context)).toEqual(again);
  expect(group).toMatchObject({ managedBy: clusterId, tags: ours.tags, location: "eastus" });
  expect(azure.changes()).toEqual([`PUT ${path}`]);
  expect(context.guarded()).toBe(1);
  expect(await step(createResourceGroup).run(context)).toEqual({ done: true });
  expect(azure.changes()).toEqual([]);
});

test("carries the cluster's tags, never two marks nor more tags than Azure takes", async () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`tag${index}`, "x"]));
  const tags = { "OpenShift-RP-Incarnation": "mine", ...many };
  await step(createResourceGroup).run(stepContext({ installation, cluster: { tags } }));
  const made = group?.["tags"] as Record<string, string>;
  expect(made).toMatchObject({ tag0: "x", ...ours.tags });
  expect(made).not.toHaveProperty("OpenShift-RP-Incarnation");
  expect(Object.keys(made)).toHaveLength(50);
});

test.each([
  ["nobody's", { managedBy: undefined, tags: undefined }],
  ["another cluster's", { managedBy: `${clusterId}2` }],
  ["another cluster's, untagged,", { managedBy: `${clusterId}2`, tags: {} }],
])("%s is neither taken nor deleted", async (_whose, other) => {
  group = { ...ours, ...other };
  await expect(step(createResourceGroup).run(stepContext({ installation }))).rejects.toMatchObject({
    code: "ClusterResourceGroupAlreadyExists",
  });
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual({
    done: true,
  });
  expect(azure.changes()).toEqual([]);
});

test("of an earlier cluster of the same name is not taken, and no deletion says that it is gone", async () => {
  group = { ...ours, tags: { "openshift-rp-incarnation": "other" } };
  await expect(step(createResourceGroup).run(stepContext({ installation }))).rejects.toMatchObject({
    code: "ClusterResourceGroupAlreadyExists",
  });
  await expect(step(deleteResourceGroup).run(stepContext({ installation }))).rejects.toMatchObject({
    code: "InstallationFailed",
    message: expect.stringContaining(names.managedGroup) as string,
  });
  expect(azure.changes()).toEqual([]);
  // its ways out
  group = { ...ours, tags: {} };
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
  group = undefined;
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual({
    done: true,
  });
});

test.each([undefined, {}, { cost: "x" }])("whose tags are now %o is deleted", async (tags) => {
  group = { ...ours, tags };
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
});

test("of an earlier cluster is waited for while it is being deleted", async () => {
  group = { ...ours, tags: {}, properties: { provisioningState: "Deleting" } };
  expect(await step(createResourceGroup).run(stepContext({ installation }))).toEqual(again);
});

test("needs no deletion when nothing was begun, or it is gone", async () => {
  expect(await step(deleteResourceGroup).run(stepContext())).toEqual({ done: true });
  expect(azure.calls).toEqual([]);
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual({
    done: true,
  });
});

test("is deleted once, by whoever comes, until it is gone", async () => {
  group = ours;
  const operation = `${azure.url}/subscriptions/${subscriptionId}/operationresults/1?api-version=1`;
  more[`DELETE ${path}`] = { status: 202, headers: { location: operation } };
  more[`GET /subscriptions/${subscriptionId}/operationresults/1`] = { status: 202 };
  const context = stepContext({ installation });
  expect(await step(deleteResourceGroup).run(context)).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
  group = { ...ours, properties: { provisioningState: "Deleting" } };
  expect(await step(deleteResourceGroup).run(context)).toEqual(again);
  // a worker that never heard that it was begun
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
  expect(azure.changes()).toEqual([]);
  group = undefined;
  expect(await step(deleteResourceGroup).run(context)).toEqual({ done: true });
});

test("that can't be deleted is tried again for a while, then the reason is told", async () => {
  group = ours;
  const operation = `${azure.url}/subscriptions/${subscriptionId}/operationresults/1?api-version=1`;
  more[`DELETE ${path}`] = { status: 202, headers: { location: operation } };
  const inner = {
    error: {
      code: "InUseSubnetCannotBeDeleted",
      message: "Subnet s is in use by /subscriptions/x/other and cannot be deleted.",
    },
  };
  more[`GET /subscriptions/${subscriptionId}/operationresults/1`] = {
    status: 409,
    body: {
      error: {
        code: "ResourceGroupDeletionBlocked",
        message: "Deletion of resource group failed as resources could not be deleted.",
        details: [{ code: null, target: "x", message: JSON.stringify(inner) }],
      },
    },
  };
  const context = stepContext({ installation });
  await step(deleteResourceGroup).run(context);
  expect(await step(deleteResourceGroup).run(context)).toEqual({
    done: false,
    againAfterMs: 60_000,
  });
  await step(deleteResourceGroup).run(context);
  expect(azure.changes()).toEqual([`DELETE ${path}`, `DELETE ${path}`]);
  const late = { ...context, snapshot: context.snapshot, startedAt: context.now - 31 * minuteMs };
  await expect(step(deleteResourceGroup).run(late)).rejects.toMatchObject({
    code: "InstallationFailed",
    message: expect.stringContaining("InUseSubnetCannotBeDeleted: Subnet s is in use") as string,
  });
});

test("is deleted only when no deployment goes on to make something in it", async () => {
  group = ours;
  const deployment = `${path}/providers/microsoft.resources/deployments/resources-abcdefgh`;
  more[`GET ${deployment}`] = {
    status: 200,
    body: { properties: { provisioningState: "Running" } },
  };
  more[`POST ${deployment}/cancel`] = { status: 204 };
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
  expect(azure.changes()).toEqual([`POST ${deployment}/cancel`]);
});
