/** The managed group: made once, never taken from anybody, deleted only when it is this incarnation's. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { azureInstaller } from "../../../../src/installers/azure/azureInstaller.ts";
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
      group = {
        ...(body as object),
        name: names.managedGroup,
        properties: { provisioningState: "Succeeded" },
      };
      return { status: 201, body: group };
    }
    return group === undefined ? undefined : { status: 200, body: group };
  };
});

const ours = {
  name: names.managedGroup.toUpperCase(),
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
  // by the step, and again when the call is sent
  expect(context.guarded()).toBe(2);
  expect(await step(createResourceGroup).run(context)).toMatchObject({ done: true });
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
    message: expect.stringMatching(/Delete the cluster and create it /) as string,
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
    message: expect.stringMatching(
      new RegExp(`${names.managedGroup} .* another cluster .*, then delete this cluster again\\.$`),
    ) as string,
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

const waiting = {
  ...again,
  because: `The resource group ${names.managedGroup} is being deleted; it is made anew once it is gone.`,
};

test.each([
  ["an earlier incarnation's", { tags: {} }],
  ["another cluster's", { managedBy: `${clusterId}2` }],
  ["nobody's", { managedBy: undefined, tags: undefined }],
])("%s is waited for while it is being deleted", async (_whose, other) => {
  group = { ...ours, ...other, properties: { provisioningState: "Deleting" } };
  expect(await step(createResourceGroup).run(stepContext({ installation }))).toEqual(waiting);
  expect(azure.changes()).toEqual([]);
});

test("is waited for when no look shows it, but Azure is still deleting it", async () => {
  const error = {
    code: "ResourceGroupBeingDeleted",
    message: "The resource group is in deprovisioning state and cannot perform this operation.",
  };
  more[`PUT ${path}`] = { status: 409, body: { error } };
  const context = stepContext({ installation });
  expect(await step(createResourceGroup).run(context)).toEqual(waiting);
  more = {};
  expect(await step(createResourceGroup).run(context)).toEqual(again);
  expect(group).toMatchObject({ managedBy: clusterId, tags: ours.tags });
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
  const because =
    `The deletion of the resource group ${names.managedGroup} in Azure failed and is begun again. Azure says: ` +
    "InUseSubnetCannotBeDeleted: Subnet s is in use by /subscriptions/x/other and cannot be deleted.";
  expect(await step(deleteResourceGroup).run(context)).toEqual({
    done: false,
    againAfterMs: 60_000,
    because,
  });
  // still the reason while it is under way once more
  expect(await step(deleteResourceGroup).run(context)).toEqual({ ...again, because });
  expect(azure.changes()).toEqual([`DELETE ${path}`, `DELETE ${path}`]);
  const late = { ...context, snapshot: context.snapshot, startedAt: context.now - 31 * minuteMs };
  await expect(step(deleteResourceGroup).run(late)).rejects.toMatchObject({
    code: "InstallationFailed",
    message: expect.stringContaining("InUseSubnetCannotBeDeleted: Subnet s is in use") as string,
  });
});

/** The answer of an operation that was taken and ended badly. */
function endingIn(error: unknown, status = "Failed"): void {
  group = ours;
  const operation = `/subscriptions/${subscriptionId}/operations/1`;
  const headers = { "azure-asyncoperation": `${azure.url}${operation}?api-version=1` };
  more[`DELETE ${path}`] = { status: 202, headers };
  more[`GET ${operation}`] = { status: 200, body: { status, error } };
}
const anotherSubscription = "11111111-2222-4333-8444-555555555555";
const locked = {
  code: "ScopeLocked",
  message: `The scope /subscriptions/${anotherSubscription}/x is locked: see https://x.example/?sig=abc`,
};

test("whose deletion ends in a lock ends with Azure's reason, cleaned", async () => {
  endingIn(locked);
  const context = stepContext({ installation });
  await step(deleteResourceGroup).run(context);
  await expect(step(deleteResourceGroup).run(context)).rejects.toMatchObject({
    code: "InstallationFailed",
    message:
      "A lock forbids it: remove the lock, then try again. Azure says: " +
      "ScopeLocked: The scope /subscriptions/(another)/x is locked: see https://x.example/",
  });
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
});

test("whose deletion an earlier operation began isn't failed by that", async () => {
  endingIn(locked);
  const before = stepContext({ installation });
  await step(deleteResourceGroup).run(before);
  const { installation: noted } = before.snapshot;
  const context = stepContext({ installation: noted, operationId: "another" });
  expect(await step(deleteResourceGroup).run(context)).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`, `DELETE ${path}`]);
});

test.each([
  ["a fault of Azure's", { code: "InternalServerError", message: "Oops." }, "Oops."],
  ["something blocking it", { code: "ResourceGroupDeletionBlocked", message: "b" }, "Blocked: b"],
  ["no reason", undefined, "Azure gave no reason."],
])("whose deletion ends in %s is begun again, not for ever", async (_what, error, told) => {
  endingIn(error, error === undefined ? "Canceled" : "Failed");
  const context = stepContext({ installation });
  await step(deleteResourceGroup).run(context);
  const result = await step(deleteResourceGroup).run(context);
  expect(result).toMatchObject({ done: false, againAfterMs: 60_000 });
  const because = expect.stringContaining(told) as string;
  expect(result).toMatchObject({ because });
  expect(await step(deleteResourceGroup).run(context)).toMatchObject({ ...again, because });
  const late = { ...context, snapshot: context.snapshot, startedAt: context.now - 120 * minuteMs };
  await expect(step(deleteResourceGroup).run(late)).rejects.toMatchObject({
    code: "InstallationFailed",
    message: because,
  });
  expect(azure.changes()).toEqual([`DELETE ${path}`, `DELETE ${path}`]);
});

test("whose deletion can't be asked for now isn't deleted again", async () => {
  endingIn(locked);
  const context = stepContext({ installation });
  await step(deleteResourceGroup).run(context);
  const asked = `GET /subscriptions/${subscriptionId}/operations/1`;
  more[asked] = {
    status: 429,
    headers: { "retry-after": "17" },
    body: { error: { code: "TooManyRequests", message: "m" } },
  };
  expect(await step(deleteResourceGroup).run(context)).toEqual({
    done: false,
    againAfterMs: 17_000,
    because: "Azure asks to come back later: TooManyRequests: m",
  });
  more[asked] = { status: 200, body: { status: "Running" } };
  expect(await step(deleteResourceGroup).run(context)).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
});

test("is deleted only when no deployment goes on to make something in it", async () => {
  group = ours;
  const deployment = `${path}/providers/microsoft.resources/deployments/resources-abcdefgh`;
  more[`GET ${deployment}`] = {
    status: 200,
    body: { name: "resources-abcdefgh", properties: { provisioningState: "Running" } },
  };
  more[`POST ${deployment}/cancel`] = { status: 204 };
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
  expect(azure.changes()).toEqual([`POST ${deployment}/cancel`]);
});

test.each([409, 404])(
  "isn't failed by a deployment that runs and whose cancellation is answered %i",
  async (status) => {
    group = ours;
    const deployment = `${path}/providers/microsoft.resources/deployments/resources-abcdefgh`;
    const running = { name: "resources-abcdefgh", properties: { provisioningState: "Accepted" } };
    more[`GET ${deployment}`] = { status: 200, body: running };
    // a code that no table knows
    const error = { code: "DeploymentCannotBeCancelled", message: "It can't be." };
    more[`POST ${deployment}/cancel`] = { status, body: { error } };
    expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
    expect(azure.changes()).toEqual([`POST ${deployment}/cancel`]);
  },
);

test("is deleted in the end whatever a deployment does that can't be canceled", async () => {
  group = ours;
  const deployment = `${path}/providers/microsoft.resources/deployments/resources-abcdefgh`;
  const running = { name: "resources-abcdefgh", properties: { provisioningState: "Running" } };
  more[`GET ${deployment}`] = { status: 200, body: running };
  more[`POST ${deployment}/cancel`] = { status: 204 };
  const { now } = stepContext();
  const context = stepContext({ installation, startedAt: now - 11 * minuteMs });
  expect(await step(deleteResourceGroup).run(context)).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
});

test("is deleted at once when a deployment in it doesn't tell its state", async () => {
  group = ours;
  const deployment = `${path}/providers/microsoft.resources/deployments/resources-abcdefgh`;
  more[`GET ${deployment}`] = { status: 200, body: { name: "resources-abcdefgh" } };
  expect(await step(deleteResourceGroup).run(stepContext({ installation }))).toEqual(again);
  expect(azure.changes()).toEqual([`DELETE ${path}`]);
});

const error = { code: "Odd", message: "m" };
test.each<[string, ScriptedAnswer]>([
  ["nothing", { status: 200, body: {} }],
  ["an error that says that it is none", { status: 200, body: { error } }],
  ["another group", { status: 200, body: { ...ours, name: "another" } }],
  ["a page of a proxy", { status: 404, headers: { "content-type": "text/html" }, body: "<html>" }],
  ["no body", { status: 404 }],
  ["what ARM doesn't say of a group", { status: 404, body: { error } }],
])("that an odd answer tells nothing of isn't gone: %s", async (_what, answer) => {
  more[`GET ${path}`] = answer;
  const outcomes = [createResourceGroup, deleteResourceGroup].map(async (which) =>
    step(which)
      .run(stepContext({ installation }))
      .then(
        ({ done }) => done,
        (thrown: unknown) => (thrown as Error).name,
      ),
  );
  for (const outcome of await Promise.all(outcomes)) {
    expect([false, "AzureCallError"]).toContain(outcome);
  }
  expect(azure.changes()).toEqual([]);
});

test("in a subscription that Azure doesn't know is waited for, then the reason is told", async () => {
  const unknown = { code: "SubscriptionNotFound", message: "The subscription could not be found." };
  more[`GET ${path}`] = { status: 404, body: { error: unknown } };
  const { phases } = azureInstaller(azure.effects());
  const [deletion] = phases.delete
    .flatMap(({ steps }) => steps)
    .filter(({ name }) => name === "DeleteResourceGroup");
  const context = stepContext({ installation });
  expect(await deletion?.run(context)).toMatchObject({
    done: false,
    because: expect.stringContaining("does not know the subscription") as string,
  });
  const late = stepContext({ installation, startedAt: context.now - 31 * minuteMs });
  await expect(deletion?.run(late)).rejects.toMatchObject({ code: "InvalidSubscriptionState" });
  expect(azure.changes()).toEqual([]);
});
