/** The image is copied once, by Azure, followed by whoever comes, and begun again when the copy fails. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { copyImage, imageBlobUrl } from "../../../../src/installers/azure/resources/copyImage.ts";
import { createIdentity } from "../../../../src/installers/azure/resources/createIdentity.ts";
import { isSignedWith } from "../../../azure/sharedKey.ts";
import { ScriptedAzure } from "../scriptedAzure.ts";
import { names, stepContext, subscriptionId } from "../stepContext.ts";

const group = `/subscriptions/${subscriptionId}/resourcegroups/${names.managedGroup}/providers`;
const account = `${group}/microsoft.storage/storageaccounts/${names.storageAccount}`;
const blob = "/blobs/vhd/rhcos.vhd";
const imageUrl = "https://rhcos.blob.core.windows.net/imagebucket/rhcos-4.16.vhd";
let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

const keyOf = (name: string): string => Buffer.from(name).toString("base64");
let key: string;
let copyStatus: string | undefined;
let sources: unknown[];
beforeEach(() => {
  key = keyOf("first");
  copyStatus = undefined;
  sources = [];
  azure.calls.length = 0;
  azure.script = ({ method, path, query, headers }) => {
    if (path === account) {
      const properties = { primaryEndpoints: { blob: `${azure.url}/blobs/` } };
      return { status: 200, body: { properties } };
    }
    if (path === `${account}/listkeys`) {
      return { status: 200, body: { keys: [{ keyName: "key1", value: key }] } };
    }
    if (path !== blob) return undefined;
    const url = new URL(`${azure.url}${path}?${query.toString()}`.replace(/\?$/, ""));
    const signed = { method, url, headers, body: Buffer.alloc(0) };
    if (!isSignedWith(signed, names.storageAccount, key)) {
      return { status: 403, headers: { "x-ms-error-code": "AuthenticationFailed" } };
    }
    if (method === "HEAD") {
      return copyStatus === undefined
        ? { status: 404, headers: { "x-ms-error-code": "BlobNotFound" } }
        : {
            status: 200,
            headers: {
              "x-ms-copy-status": copyStatus,
              "x-ms-copy-status-description": '404 NotFound "no such image"',
            },
          };
    }
    sources.push(headers["x-ms-copy-source"]);
    copyStatus = "pending";
    return { status: 202, headers: { "x-ms-copy-status": "pending", "x-ms-copy-id": "1" } };
  };
});

const installation = { azure: { names, infraId: "infra", imageUrl } };
const run = async (passedMs = 0) => {
  const now = 1_700_000_000_000;
  const context = stepContext({ installation, now, startedAt: now - passedMs });
  return asAzureStep(copyImage(azure.effects()), azure.effects()).run(context);
};
const again = { done: false, againAfterMs: 10_000 };

test("is begun once and followed", async () => {
  expect(await run()).toEqual(again);
  expect(await run()).toEqual(again);
  copyStatus = "success";
  expect(await run()).toEqual({ done: true });
  expect(await run()).toEqual({ done: true });
  expect(sources).toEqual([imageUrl]);
});

test("is begun again when somebody deletes it while it is copied, and says so", async () => {
  expect(await run()).toEqual(again);
  copyStatus = undefined;
  expect(await run(10_000)).toEqual({
    ...again,
    because: expect.stringMatching(/not.*in.*storage account.*copied/) as string,
  });
  copyStatus = "success";
  expect(await run(20_000)).toEqual({ done: true });
  expect(sources).toEqual([imageUrl, imageUrl]);
});

test("is begun without a word, however long the end of the step before took to be stored", async () => {
  expect(await run(500)).toEqual(again);
});

test.each(["failed", "aborted"])("is begun again when it %s", async (status) => {
  copyStatus = status;
  expect(await run()).toEqual({ done: false, againAfterMs: 30_000 });
  expect(sources).toEqual([imageUrl]);
});

test("that fails again and again ends the operation with what Azure says of it", async () => {
  const hourMs = 60 * 60_000;
  copyStatus = "failed";
  expect(await run(hourMs - 1)).toMatchObject({ done: false });
  expect(await run(hourMs)).toEqual(again);
  copyStatus = "failed";
  await expect(run(hourMs)).rejects.toMatchObject({
    name: "TerminalError",
    code: "InstallationFailed",
    message: expect.stringContaining('404 NotFound "no such image"') as string,
  });
  expect(sources).toEqual([imageUrl]);
});

/** Called when the account's key has been handed out. */
function afterKey(then: () => void): void {
  const { script } = azure;
  azure.script = (request) => {
    const answer = script(request);
    if (request.path === `${account}/listkeys`) then();
    return answer;
  };
}

test("is copied by the key that the account has by then, when somebody changes it in between", async () => {
  const keys = ["second", "third"].map(keyOf);
  afterKey(() => {
    key = keys.shift() ?? key;
  });
  // a wait, which counts as no attempt
  for (let changes = 0; changes < 2; changes += 1) {
    expect(await run()).toEqual({
      done: false,
      againAfterMs: 5_000,
      // a clock that is wrong is refused in the same words
      because: expect.stringMatching(
        /key, which may .* changed.*AuthenticationFailed: Azure gave no reason\.$/,
      ) as string,
    });
    expect(sources).toEqual([]);
  }
  expect(await run()).toEqual(again);
  expect(sources).toEqual([imageUrl]);
});

test("a key that is refused for longer is a fault of the resource provider's, whose log says what to look at", async () => {
  let changes = 0;
  afterKey(() => {
    key = keyOf(`never told ${changes++}`);
  });
  const minuteMs = 60_000;
  expect(await run(10 * minuteMs - 1)).toMatchObject({ done: false });
  await expect(run(10 * minuteMs)).rejects.toMatchObject({
    name: "AzureCallError",
    message: expect.stringContaining("no fault of the cluster's") as string,
    cause: { message: expect.stringMatching(/clock.*keys/) as string },
  });
});

test("lies where the account says, and its address has no signature", async () => {
  const url = await imageBlobUrl(azure.effects(), stepContext({ installation }));
  expect(url).toBe(`${azure.url}/blobs/vhd/rhcos.vhd`);
});

test("an account that is not seen yet counts as a failed attempt", async () => {
  azure.script = () => undefined;
  await expect(run()).rejects.toThrow(/^Azure did not do it: ResourceNotFound/);
});

test("the machines' identity is made by name and its object noted", async () => {
  const identity = `${group}/microsoft.managedidentity/userassignedidentities/infra-identity`;
  const bodies: unknown[] = [];
  azure.script = ({ method, path, body }) => {
    if (method !== "PUT" || path !== identity) return undefined;
    bodies.push(body);
    return { status: 201, body: { ...(body as object), properties: { principalId: "p" } } };
  };
  const step = asAzureStep(createIdentity(azure.effects()), azure.effects());
  const context = stepContext({ installation });
  expect(await step.run(context)).toEqual({
    done: true,
    changes: { installation: { azure: { ...installation.azure, identityObjectId: "p" } } },
  });
  // by the step, and again when the call is sent
  expect(context.guarded()).toBe(2);
  expect(bodies).toHaveLength(1);
});
