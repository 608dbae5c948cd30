/** What becomes of calls that Azure never answers: each ends, as an outage, and the next begins anew. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  AzureConnection,
  type AzureConnectionOptions,
} from "../../../src/installers/azure/azureConnection.ts";
import type { AzureEffects } from "../../../src/installers/azure/azureEffects.ts";
import { SealedState } from "../../../src/installers/azure/assets/sealedState.ts";
import { judge } from "../../../src/installers/azure/failures/azureFailure.ts";
import { blobServiceOf } from "../../../src/installers/azure/resources/storageAccount.ts";
import { credentialFor, subscriptionId } from "../../azure/armClients.ts";
import { storageAccountKey } from "../../azure/storageAccountKeys.ts";
import { LocalAzure } from "../../azure/localAzure.ts";
import { TestClock } from "../../runtime/testClock.ts";
import { azureSnapshot } from "./azureSnapshot.ts";
import { stepContext } from "./stepContext.ts";

let azure: LocalAzure;
let clock: TestClock;
beforeEach(async () => {
  clock = new TestClock();
  azure = await LocalAzure.start({ operationMs: 5 });
  azure.trust();
});
afterEach(async () => azure[Symbol.asyncDispose]());

const hang = { hang: true, times: 1 } as const;
const signIn = /oauth2|openid/;

function connection(options: Partial<AzureConnectionOptions> = {}): AzureConnection {
  return new AzureConnection(
    { resourceManager: azure.url, authorityHost: azure.url },
    { clock, credential: () => credentialFor(azure), ...options },
  );
}

async function list(of: AzureConnection, signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { abortSignal: signal };
  for await (const _ of of.of(subscriptionId).resources.resourceGroups.list(options));
}

/** Once the stand-in holds a request of this path back. */
async function held(path: RegExp): Promise<void> {
  await expect
    .poll(() => azure.calls.some((call) => path.test(call.path) && call.status === undefined))
    .toBe(true);
}

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function verdictOn(error: unknown): string | undefined {
  return judge(error, { ...stepContext(), random: { fraction: () => 0 } as never })?.is;
}

describe.each([/openid-configuration/, /oauth2\/v2\.0\/token/])(
  "a sign-in that hangs: %s",
  (path) => {
    test("ends in time for all who wait, as an outage, and the next succeeds", async () => {
      const own = connection();
      azure.fail({ ...hang, path });
      const both = [thrownBy(list(own)), thrownBy(list(own))];
      await held(path);
      await clock.advance(29_999);
      expect(clock.sleeping).toBeGreaterThan(0);
      await clock.advance(1);
      for (const error of await Promise.all(both)) expect(verdictOn(error)).toBe("again");
      await list(own);
    });

    test("ends with its caller, and not with another one", async () => {
      const own = connection();
      azure.fail({ ...hang, path });
      const caller = new AbortController();
      const first = thrownBy(list(own, caller.signal));
      await held(path);
      const second = thrownBy(list(own));
      const reason = new Error("the step was told to stop");
      caller.abort(reason);
      expect(await first).toBe(reason);
      await clock.advance(30_000);
      expect(verdictOn(await second)).toBe("again");
    });

    test("of somebody else ends with its caller, or in time", async () => {
      const { tenantId } = azure;
      const credential = connection().as({ tenantId, ...azure.clusterApplication });
      const scope = `${azure.url}/.default`;
      azure.fail({ ...hang, path });
      const caller = new AbortController();
      const stopped = thrownBy(credential.getToken(scope, { abortSignal: caller.signal }));
      await held(path);
      const reason = new Error("stop");
      caller.abort(reason);
      expect(await stopped).toBe(reason);
      azure.fail({ ...hang, path: signIn });
      const before = azure.calls.length;
      const late = thrownBy(credential.getToken(scope));
      await expect.poll(() => azure.calls.length).toBeGreaterThan(before);
      await clock.advance(30_000);
      expect(verdictOn(await late)).toBe("again");
      expect(await credential.getToken(scope)).not.toBeNull();
    });
  },
);

test("a request to ARM that hangs ends in time, as an outage, and is not sent again", async () => {
  const own = connection({ requestLimitMs: 1_000 });
  await list(own);
  azure.fail({ ...hang, path: /resourcegroups$/i });
  const before = azure.calls.length;
  const late = thrownBy(list(own));
  await held(/resourcegroups$/i);
  await clock.advance(999);
  expect(clock.sleeping).toBe(1);
  await clock.advance(1);
  expect(verdictOn(await late)).toBe("again");
  expect(azure.calls.length).toBe(before + 1);
  await list(own);
  expect(clock.sleeping).toBe(0);
});

/** The way to an account's blobs, limited to a second. */
function blobEffects(): Pick<AzureEffects, "azure" | "sealing"> {
  const { blobLimit } = connection({ blobLimitMs: 1_000 });
  const storageAccounts = {
    getProperties: async () => ({ primaryEndpoints: { blob: `${azure.url}/${account}/` } }),
    listKeys: async () => ({ keys: [{ value: storageAccountKey(account) }] }),
  };
  return {
    azure: { blobLimit, of: () => ({ storage: { storageAccounts } }) } as never,
    sealing: { seal: async (state) => state, open: async (sealed) => sealed },
  };
}

const account = "clusterabcdefgh";

/** The account as the stand-in knows it, with one container. */
function makeAccount(): void {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/shop`;
  const id = `${group}/providers/Microsoft.Storage/storageAccounts/${account}`;
  const type = "Microsoft.Storage/storageAccounts";
  azure.state.put({ id, name: account, type, location: "eastus", properties: {} });
  azure.state.put({
    id: `${id}/blobServices/default/containers/aro`,
    name: "aro",
    type: `${type}/blobServices/containers`,
    properties: { publicAccess: "None" },
  });
}

test("a call of the blob service that hangs ends in time, as an outage", async () => {
  const { signal } = new AbortController();
  const service = await blobServiceOf(blobEffects(), azureSnapshot(), signal);
  azure.fail({ hang: true });
  const blob = service.getContainerClient("ignition").getBlockBlobClient("a");
  const late = thrownBy(blob.upload("text", 4, { abortSignal: signal }));
  await expect.poll(() => azure.calls.length).toBe(1);
  await clock.advance(1_000);
  expect(verdictOn(await late)).toBe("again");
});

describe("in the middle of a transfer nothing comes any more", () => {
  // more than any buffer on the way takes
  const content = Buffer.alloc(15 * 1024 * 1024, "cluster");
  const stateOf = async (signal: AbortSignal): Promise<SealedState> =>
    await SealedState.of({ snapshot: azureSnapshot(), signal }, blobEffects());

  test("an upload ends in time, as an outage, and so closes its connection; the next succeeds", async () => {
    makeAccount();
    const { signal } = new AbortController();
    const state = await stateOf(signal);
    azure.fail({ method: "PUT", path: /graph$/, stall: "request" });
    const late = thrownBy(state.keep(content, () => undefined));
    await expect.poll(() => azure.calls.length).toBe(1);
    await clock.advance(1_000);
    expect(verdictOn(await late)).toBe("again");
    azure.readStalled();
    await expect.poll(async () => await azure.connections()).toBe(0);
    expect(clock.sleeping).toBe(0);
    await state.keep(content, () => undefined);
    expect(content.equals((await state.read()) ?? Buffer.alloc(0))).toBe(true);
  });

  test("a download ends in time, as an outage, and so closes its connection; the next succeeds", async () => {
    makeAccount();
    const { signal } = new AbortController();
    const state = await stateOf(signal);
    await state.keep(content, () => undefined);
    azure.fail({ method: "GET", path: /graph$/, stall: "answer" });
    const late = thrownBy(state.read());
    await expect.poll(() => azure.calls.filter(({ method }) => method === "GET").length).toBe(1);
    await expect.poll(() => clock.sleeping).toBe(1);
    await clock.advance(1_000);
    expect(verdictOn(await late)).toBe("again");
    await expect.poll(async () => await azure.connections()).toBe(0);
    expect(clock.sleeping).toBe(0);
    expect(content.equals((await state.read()) ?? Buffer.alloc(0))).toBe(true);
  });

  test("a download ends with its step, for the reason that the step was told to stop for", async () => {
    makeAccount();
    const step = new AbortController();
    const state = await stateOf(step.signal);
    await state.keep(content, () => undefined);
    azure.fail({ method: "GET", path: /graph$/, stall: "answer" });
    const late = thrownBy(state.read());
    await expect.poll(() => azure.calls.filter(({ method }) => method === "GET").length).toBe(1);
    const reason = new Error("the step's time is up");
    step.abort(reason);
    expect(await late).toBe(reason);
    await expect.poll(async () => await azure.connections()).toBe(0);
    expect(clock.sleeping).toBe(0);
  });
});
