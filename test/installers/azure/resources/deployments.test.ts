/** A deployment is begun once by whoever comes, attached to while it runs, and begun again only when that can help. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { deployStorage } from "../../../../src/installers/azure/resources/deployStorage.ts";
import { ScriptedAzure, type ScriptedAnswer } from "../scriptedAzure.ts";
import { names, stepContext, subscriptionId } from "../stepContext.ts";

const groupPath = `/subscriptions/${subscriptionId}/resourcegroups/aro-mycluster-abcdefgh`;
const path = `${groupPath}/providers/microsoft.resources/deployments/storage-abcdefgh`;
const minuteMs = 60_000;
let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

const name = "storage-abcdefgh";
interface Deployment {
  readonly name: string;
  readonly tags?: Record<string, string>;
  readonly properties?: { readonly provisioningState: string; readonly error?: unknown };
}
let deployment: Deployment | undefined;
let putAnswer: ScriptedAnswer | undefined;
beforeEach(() => {
  deployment = undefined;
  putAnswer = undefined;
  azure.calls.length = 0;
  azure.script = ({ method, path: called, body }) => {
    if (called !== path) return undefined;
    if (method === "GET") return deployment && { status: 200, body: deployment };
    if (putAnswer !== undefined) return putAnswer;
    deployment = { ...(body as Deployment), name, properties: { provisioningState: "Accepted" } };
    const operation = `${azure.url}${path}/operationstatuses/1?api-version=1`;
    return { status: 201, body: deployment, headers: { "azure-asyncoperation": operation } };
  };
});

const installation = { azure: { names } };
const run = async (options: Parameters<typeof stepContext>[0] = {}) =>
  asAzureStep(deployStorage(azure.effects()), azure.effects()).run(
    stepContext({ installation, ...options }),
  );
const again = { done: false, againAfterMs: 10_000 };
const put = `PUT ${path}`;
const becomes = (provisioningState: string, error?: unknown): void => {
  deployment = { ...deployment, name, properties: { provisioningState, error } };
};
const failure = (code: string, message: string) => ({
  code: "DeploymentFailed",
  message: "At least one resource deployment operation failed.",
  details: [{ code: "Conflict", message: JSON.stringify({ error: { code, message } }) }],
});

test("is begun once, followed by whoever comes, and done when it has succeeded", async () => {
  expect(await run()).toEqual(again);
  expect(azure.changes()).toEqual([put]);
  for (const state of ["Accepted", "Running", "Creating", "Updating"]) {
    becomes(state);
    expect(await run()).toEqual(again);
    expect(await run({ operationId: "another-operation" })).toEqual(again);
  }
  becomes("Succeeded");
  expect(await run()).toEqual({ done: true });
  expect(await run({ operationId: "another-operation" })).toEqual({ done: true });
  expect(azure.changes()).toEqual([]);
});

test("is done only if it was of the same template", async () => {
  await run();
  becomes("Succeeded");
  azure.changes();
  expect(await run({ cluster: { location: "westeurope" } })).toEqual(again);
  expect(azure.changes()).toEqual([put]);
});

test("that an earlier operation failed with says nothing about this one", async () => {
  await run({ operationId: "an-earlier-one" });
  becomes("Failed", failure("QuotaExceeded", "Too many cores."));
  azure.changes();
  expect(await run()).toEqual(again);
  expect(azure.changes()).toEqual([put]);
});

test("that has failed for what the user has to mend ends the operation", async () => {
  await run();
  becomes("Failed", failure("QuotaExceeded", "Too many cores."));
  azure.changes();
  await expect(run()).rejects.toMatchObject({
    code: "QuotaExceeded",
    message: expect.stringContaining("Too many cores.") as string,
  });
  expect(azure.changes()).toEqual([]);
});

test("that has failed for an unknown reason ends the operation as a deployment, whose words need not say that it was one", async () => {
  await run();
  becomes("Failed", { code: "Unheard", message: "Not like this." });
  await expect(run()).rejects.toMatchObject({
    code: "DeploymentFailed",
    message: expect.stringContaining("Unheard: Not like this.") as string,
  });
});

test.each([
  ["AllocationFailed", "CapacityUnavailable"],
  ["InternalServerError", "DeploymentFailed"],
  // what somebody has deleted in the meantime, such as the image, the template makes again
  ["NotFound", "DeploymentFailed"],
])("that has failed with %s is begun again for half an hour", async (code, ours) => {
  await run();
  becomes("Failed", failure(code, "Not now."));
  azure.changes();
  expect(await run()).toEqual({
    done: false,
    againAfterMs: minuteMs,
    because: expect.stringContaining(`${code}: Not now.`) as string,
  });
  expect(azure.changes()).toEqual([put]);
  becomes("Failed", failure(code, "Not now."));
  const { now } = stepContext();
  await expect(run({ startedAt: now - 31 * minuteMs })).rejects.toMatchObject({
    code: ours,
    message: expect.stringContaining(`${code}: Not now.`) as string,
  });
  expect(azure.changes()).toEqual([]);
});

test.each<Partial<Deployment>>([{}, { properties: { provisioningState: "NotSpecified" } }])(
  "whose state isn't told is not waited for, Azure refuses a second one: %j",
  async (state) => {
    await run();
    const { tags = {} } = deployment ?? {};
    deployment = { name, tags, ...state };
    azure.changes();
    expect(await run()).toEqual(again);
    expect(azure.changes()).toEqual([put]);
  },
);

test("is not begun while an answer tells nothing of it", async () => {
  deployment = {} as Deployment;
  expect(await run()).toMatchObject({ done: false });
  expect(azure.changes()).toEqual([]);
});

test("that somebody has canceled ends the operation", async () => {
  await run();
  becomes("Canceled");
  await expect(run()).rejects.toMatchObject({ code: "DeploymentFailed" });
});

test("waits when another was begun in between", async () => {
  putAnswer = {
    status: 409,
    body: { error: { code: "DeploymentActive", message: "It is active." } },
  };
  expect(await run()).toEqual({
    done: false,
    againAfterMs: 15_000,
    because: "Azure is busy with it: DeploymentActive: It is active.",
  });
});

test("is put off without waiting when Azure asks to come back much later", async () => {
  putAnswer = {
    status: 429,
    headers: { "retry-after": "300" },
    body: { error: { code: "SubscriptionRequestsThrottled", message: "Too many." } },
  };
  expect(await run()).toEqual({
    done: false,
    againAfterMs: 300_000,
    because: "Azure asks to come back later: SubscriptionRequestsThrottled: Too many.",
  });
  expect(azure.changes()).toEqual([put]);
});

test("that Azure's validation refuses tells what it found, not only that it found something", async () => {
  putAnswer = {
    status: 400,
    body: {
      error: {
        code: "InvalidTemplateDeployment",
        message: "The template deployment 'storage' is not valid. See inner errors for details.",
        details: [
          {
            code: "RequestDisallowedByPolicy",
            target: "clusterabcdefgh",
            message: "Resource 'clusterabcdefgh' was disallowed by policy 'No shared keys'.",
            additionalInfo: [{ type: "PolicyViolation", info: {} }],
          },
        ],
      },
    },
  };
  await expect(run()).rejects.toMatchObject({
    code: "RequestDisallowedByPolicy",
    message: expect.stringContaining("No shared keys") as string,
  });
});

test("asks whether it may act right before it begins, and not before it looks", async () => {
  const context = stepContext({ installation });
  const fenced = {
    ...context,
    snapshot: context.snapshot,
    guard: () => {
      throw new Error("fenced");
    },
  };
  const step = asAzureStep(deployStorage(azure.effects()), azure.effects());
  await expect(step.run(fenced)).rejects.toThrow("fenced");
  expect(azure.calls).toEqual([`GET ${path}`, `GET ${groupPath}`]);
});
