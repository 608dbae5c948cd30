/** Security groups on subnets that a user gave: set where there is none, taken off where they are the cluster's, and nothing else. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { attachSecurityGroups } from "../../../../src/installers/azure/resources/attachSecurityGroups.ts";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { detachSecurityGroups } from "../../../../src/installers/azure/resources/detachSecurityGroups.ts";
import type { StepContext, StepResult } from "../../../../src/installers/installer.ts";
import { ScriptedAzure } from "../scriptedAzure.ts";
import { names, stepContext, subscriptionId } from "../stepContext.ts";

const network = `/subscriptions/${subscriptionId}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet`;
const control = `${network}/subnets/control`;
const workers = `${network}/subnets/workers`;
const groups = `/subscriptions/${subscriptionId}/resourceGroups/${names.managedGroup}/providers/Microsoft.Network/networkSecurityGroups`;
const ours = {
  control: `${groups}/infra-controlplane-nsg`,
  workers: `${groups}/infra-node-nsg`,
};
const foreign = `/subscriptions/${subscriptionId}/resourceGroups/net/providers/Microsoft.Network/networkSecurityGroups/corporate`;

let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

interface Resource {
  readonly etag?: string;
  readonly tags?: Record<string, string>;
  readonly properties: Record<string, unknown>;
}
let resources: Map<string, Resource>;
let beforeSubnetWrite: () => void;
beforeEach(() => {
  let etags = 0;
  beforeSubnetWrite = () => undefined;
  const subnet = (addressPrefix: string): Resource => ({
    etag: "first",
    properties: {
      addressPrefix,
      provisioningState: "Succeeded",
      serviceEndpoints: [{ service: "Microsoft.Storage" }],
    },
  });
  resources = new Map([
    [control.toLowerCase(), subnet("10.0.0.0/24")],
    [workers.toLowerCase(), subnet("10.0.1.0/24")],
  ]);
  azure.calls.length = 0;
  azure.script = ({ method, path, body, headers }) => {
    if (method !== "GET" && path.includes("/subnets/")) beforeSubnetWrite();
    const present = resources.get(path);
    if (method === "GET") return present && { status: 200, body: named(path, present) };
    if (headers["if-match"] !== undefined && headers["if-match"] !== present?.etag) {
      return { status: 412, body: { error: { code: "PreconditionFailed", message: "m" } } };
    }
    const { properties } = body as Resource;
    const written = {
      ...(body as Resource),
      etag: `e${(etags += 1)}`,
      properties: { ...properties, provisioningState: "Succeeded" },
    };
    resources.set(path, written);
    return { status: 200, body: written };
  };
});

/** As Azure answers: with the name in the case in which it was made. */
function named(path: string, present: Resource): object {
  return "odd" in present ? {} : { name: path.split("/").at(-1), ...present };
}

const given = (more: Record<string, unknown> = {}) =>
  stepContext({
    installation: { azure: { names, infraId: "infra" } },
    cluster: {
      controlPlane: { vmSize: "v", subnetId: control },
      workers: [
        { name: "worker", subnetId: workers },
        { name: "more", subnetId: workers.toUpperCase() },
      ],
      ...more,
    },
  });
const groupOf = (subnet: string): unknown =>
  (resources.get(subnet.toLowerCase())?.properties["networkSecurityGroup"] as { id?: string })?.id;

async function untilDone(
  which: typeof attachSecurityGroups | typeof detachSecurityGroups,
  context: StepContext,
): Promise<number> {
  const step = asAzureStep(which(azure.effects()), azure.effects());
  for (let runs = 1; runs < 10; runs += 1) {
    const result: StepResult = await step.run(context);
    if (result.done) return runs;
  }
  throw new Error("the step comes to no end");
}

test("are made and set, leave all else of the subnet as it is, and are taken off again", async () => {
  const context = given();
  await untilDone(attachSecurityGroups, context);
  expect(groupOf(control)).toBe(ours.control);
  expect(groupOf(workers)).toBe(ours.workers);
  expect(resources.get(control.toLowerCase())?.properties).toMatchObject({
    addressPrefix: "10.0.0.0/24",
    serviceEndpoints: [{ service: "Microsoft.Storage" }],
  });
  expect(azure.changes()).toHaveLength(4);
  expect(await untilDone(attachSecurityGroups, context)).toBe(1);
  expect(azure.changes()).toEqual([]);
  await untilDone(detachSecurityGroups, context);
  expect([groupOf(control), groupOf(workers)]).toEqual([undefined, undefined]);
  expect(resources.get(workers.toLowerCase())?.properties).toMatchObject({
    serviceEndpoints: [{ service: "Microsoft.Storage" }],
  });
  expect(azure.changes()).toHaveLength(2);
  expect(await untilDone(detachSecurityGroups, context)).toBe(1);
});

test.each([
  ["a subnet", control],
  ["a security group", ours.control],
])(
  "what tells nothing of %s says neither that it is guarded nor that it isn't",
  async (what, id) => {
    const context = given();
    await untilDone(attachSecurityGroups, context);
    azure.changes();
    const odd: Resource & { readonly odd: true } = { odd: true, properties: {} };
    resources.set(id.toLowerCase(), odd);
    const steps =
      what === "a subnet" ? [attachSecurityGroups, detachSecurityGroups] : [attachSecurityGroups];
    for (const step of steps) {
      await expect(step(azure.effects()).run(context)).rejects.toMatchObject({
        name: "RestError",
        code: "PARSE_ERROR",
      });
    }
    expect(azure.changes()).toEqual([]);
  },
);

test("a subnet for both kinds of machines gets the control plane's", async () => {
  await untilDone(
    attachSecurityGroups,
    given({ workers: [{ name: "worker", subnetId: control.toUpperCase() }] }),
  );
  expect(groupOf(control)).toBe(ours.control);
});

test("a group that is there already is neither replaced nor taken off", async () => {
  resources.set(workers.toLowerCase(), {
    etag: "x",
    properties: { provisioningState: "Succeeded", networkSecurityGroup: { id: foreign } },
  });
  const context = given();
  await expect(untilDone(attachSecurityGroups, context)).rejects.toMatchObject({
    code: "InvalidSubnet",
    message: expect.stringContaining(workers) as string,
  });
  await untilDone(detachSecurityGroups, context);
  expect(groupOf(workers)).toBe(foreign);
  expect(groupOf(control)).toBeUndefined();
});

test("a subnet of another cluster is told as such, and left guarded", async () => {
  resources.set(workers.toLowerCase(), {
    etag: "x",
    properties: { provisioningState: "Succeeded", networkSecurityGroup: { id: foreign } },
  });
  const tags = { "openshift-rp-incarnation": "another" };
  resources.set(foreign.toLowerCase(), { properties: {}, tags });
  await expect(untilDone(attachSecurityGroups, given())).rejects.toMatchObject({
    code: "InvalidSubnet",
    message: `The subnet ${workers} is used by another cluster: delete this cluster and create it anew with another subnet.`,
  });
  expect(groupOf(workers)).toBe(foreign);
});

test("a change in between is neither undone nor overwritten", async () => {
  const context = given();
  let changes = 0;
  beforeSubnetWrite = () => {
    if ((changes += 1) > 1) return;
    const present = resources.get(control.toLowerCase());
    resources.set(control.toLowerCase(), {
      etag: "changed",
      properties: { ...present?.properties, addressPrefix: "10.0.8.0/24" },
    });
  };
  await untilDone(attachSecurityGroups, context);
  expect(resources.get(control.toLowerCase())?.properties).toMatchObject({
    addressPrefix: "10.0.8.0/24",
    networkSecurityGroup: { id: ours.control },
  });
});

/** Leaves what it writes in a state that only another write changes, as often as is said; then a write is well. */
function failing(paths: readonly string[], { state, times }: { state: string; times: number }) {
  const well = azure.script;
  const left = new Map(paths.map((path) => [path.toLowerCase(), times]));
  azure.script = (request) => {
    const answer = well(request);
    const failures = left.get(request.path) ?? 0;
    const written = resources.get(request.path);
    if (request.method !== "PUT" || written === undefined || failures === 0) return answer;
    left.set(request.path, failures - 1);
    written.properties["provisioningState"] = state;
    return answer;
  };
}

test.each(["Failed", "Canceled"])(
  "what is %s is written again as it is, and told",
  async (state) => {
    failing([ours.control, control], { state, times: 2 });
    const context = given();
    const step = asAzureStep(attachSecurityGroups(azure.effects()), azure.effects());
    await step.run(context);
    const rules = [{ name: "api", properties: { priority: 101 } }];
    Object.assign(resources.get(ours.control.toLowerCase())?.properties ?? {}, {
      securityRules: rules,
    });
    azure.changes();
    expect(await step.run(context)).toEqual({
      done: false,
      againAfterMs: 10_000,
      because: `The security group infra-controlplane-nsg was '${state}' in Azure and is written again.`,
    });
    expect(azure.changes()).toEqual([`PUT ${ours.control.toLowerCase()}`]);
    expect(resources.get(ours.control.toLowerCase())).toMatchObject({
      tags: { "openshift-rp-incarnation": context.snapshot.incarnationId },
      properties: { securityRules: [{ name: "api" }] },
    });
    await untilDone(attachSecurityGroups, context);
    expect(groupOf(control)).toBe(ours.control);
    expect(resources.get(control.toLowerCase())?.properties["provisioningState"]).toBe("Succeeded");
  },
);

test("what stays failed ends the step with its name, not with the step's time", async () => {
  const context = given();
  await untilDone(attachSecurityGroups, context);
  resources.get(control.toLowerCase())!.properties["provisioningState"] = "Failed";
  failing([control], { state: "Failed", times: 99 });
  const minutesLater = (minutes: number): StepContext =>
    Object.assign(Object.create(context) as StepContext, {
      startedAt: context.now - minutes * 60_000,
    });
  const step = asAzureStep(attachSecurityGroups(azure.effects()), azure.effects());
  expect(await step.run(minutesLater(29))).toMatchObject({
    because: `The subnet ${control} was 'Failed' in Azure and is written again.`,
  });
  azure.changes();
  await expect(step.run(minutesLater(30))).rejects.toMatchObject({
    code: "InstallationFailed",
    message: expect.stringContaining(control) as string,
  });
  expect(azure.changes()).toEqual([]);
});

test.each(["Updating", "Creating"])("what is %s is waited for, and told", async (state) => {
  const context = given();
  await untilDone(attachSecurityGroups, context);
  azure.changes();
  resources.get(control.toLowerCase())!.properties["provisioningState"] = state;
  const because = `The subnet ${control} is '${state}' in Azure.`;
  for (const which of [attachSecurityGroups, detachSecurityGroups]) {
    resources.get(workers.toLowerCase())!.properties["networkSecurityGroup"] = { id: ours.workers };
    const step = asAzureStep(which(azure.effects()), azure.effects());
    expect(await step.run(context)).toEqual({ done: false, againAfterMs: 10_000, because });
  }
  expect(azure.changes()).toEqual([`PUT ${workers.toLowerCase()}`]);
  expect(groupOf(control)).toBe(ours.control);
});

test("a failed subnet has its group taken off, with the reason told, and not for ever", async () => {
  const context = given();
  await untilDone(attachSecurityGroups, context);
  resources.get(control.toLowerCase())!.properties["provisioningState"] = "Failed";
  const step = asAzureStep(detachSecurityGroups(azure.effects()), azure.effects());
  const late = Object.assign(Object.create(context) as StepContext, {
    startedAt: context.now - 30 * 60_000,
  });
  await expect(step.run(late)).rejects.toMatchObject({
    code: "InstallationFailed",
    message: expect.stringContaining(control) as string,
  });
  expect(await step.run(context)).toMatchObject({
    because: `The subnet ${control} was 'Failed' in Azure and is written again.`,
  });
  expect([groupOf(control), groupOf(workers)]).toEqual([undefined, undefined]);
  expect(await untilDone(detachSecurityGroups, context)).toBe(1);
});

test("a subnet is noted before it is changed", async () => {
  const context = given();
  const noted: string[] = [];
  beforeSubnetWrite = () => noted.push(JSON.stringify(context.saved.at(-1)));
  await untilDone(attachSecurityGroups, context);
  expect(noted[0]).toContain(control);
  expect(noted[1]).toContain(workers);
});

test("a missing subnet ends the creation, and does not stop the deletion", async () => {
  resources.delete(workers.toLowerCase());
  const context = given();
  await expect(untilDone(attachSecurityGroups, context)).rejects.toMatchObject({
    code: "InvalidSubnet",
  });
  resources.clear();
  expect(await untilDone(detachSecurityGroups, context)).toBe(1);
});

test("without given subnets there is nothing to do", async () => {
  const none = given({ controlPlane: { vmSize: "v" }, workers: [{ name: "worker" }] });
  expect(await untilDone(attachSecurityGroups, none)).toBe(1);
  expect(await untilDone(detachSecurityGroups, stepContext())).toBe(1);
  expect(azure.calls).toEqual([]);
});
