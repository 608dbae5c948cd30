/** The cluster signs in with its own credentials; each way in which that fails says what to do, and none shows the secret. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { checkServicePrincipal } from "../../../../src/installers/azure/checks/checkServicePrincipal.ts";
import {
  AzureAnswers,
  clientId,
  clientSecret,
  objectId,
  pollMs,
  runCheck,
  subscriptionId,
  tenantId,
  tokenOf,
} from "./azureAnswers.ts";

const minuteMs = 60_000;
let azure: AzureAnswers;

beforeAll(async () => {
  azure = await AzureAnswers.start();
});

afterAll(async () => azure[Symbol.asyncDispose]());

const subscription = {
  [`GET /subscriptions/${subscriptionId}`]: { body: { subscriptionId, tenantId } },
};

beforeEach(() => {
  azure.answers = { ...subscription, ...azure.signsIn() };
});

test("notes the tenant, and the object id that its own token names", async () => {
  expect(await runCheck(azure, checkServicePrincipal, { notes: { tenantId: "another" } })).toEqual({
    done: true,
    notes: { tenantId, principalObjectId: objectId },
  });
});

test("takes the credentials of the cluster as they are now, not as they were when it last looked", async () => {
  azure.answers = { ...subscription, ...azure.refusesSignIn(7000222) };
  expect((await runCheck(azure, checkServicePrincipal)).code).toBe(
    "InvalidServicePrincipalCredentials",
  );
  azure.answers = { ...subscription, ...azure.signsIn() };
  expect((await runCheck(azure, checkServicePrincipal)).done).toBe(true);
});

test.each([
  ["no principal", { cluster: { clientId: undefined }, secrets: {} }],
  ["no secret", { secrets: {} }],
  ["no client id", { cluster: { clientId: undefined } }],
])("%s: says which api-version has one, and asks nobody", async (_name, given) => {
  azure.requests.length = 0;
  // as a document has it: absent
  const cluster = "cluster" in given ? { clientId: undefined as unknown as string } : {};
  const { code, message } = await runCheck(azure, checkServicePrincipal, { ...given, cluster });
  expect(code).toBe("InvalidServicePrincipalCredentials");
  expect(message).toContain("2020-04-30");
  expect(azure.requests).toEqual([]);
});

test.each([
  [7000215, "invalid_client", 401, /secret is wrong/, true],
  [7000222, "invalid_client", 401, /expired/, false],
  [700016, "unauthorized_client", 400, /in the tenant/, true],
  [90002, "invalid_request", 400, /tenant/, false],
] as const)("AADSTS%i says what to do", async (number, error, status, advice, maySpread) => {
  azure.answers = { ...subscription, ...azure.refusesSignIn(number, error, status) };
  const early = await runCheck(azure, checkServicePrincipal, { passedMs: minuteMs });
  const late = await runCheck(azure, checkServicePrincipal, { passedMs: 5 * minuteMs });
  expect(late.code).toBe("InvalidServicePrincipalCredentials");
  expect(late.message).toMatch(advice);
  expect(late.message).toContain(clientId);
  expect(late.message).toContain(`AADSTS${number}`);
  expect(late.message).not.toContain(clientSecret);
  // a new principal isn't known everywhere at once
  expect(early).toEqual(maySpread ? { done: false, againAfterMs: pollMs } : late);
});

test("what Entra says beyond that is tried again, without its words", async () => {
  azure.answers = { ...subscription, ...azure.refusesSignIn(90033, "temporarily_unavailable") };
  const failure = await runCheck(azure, checkServicePrincipal).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect((failure as Error).message).toContain("AADSTS90033");
  expect((failure as Error).message).not.toContain(clientSecret);
});

test.each([
  ["names nobody", tokenOf({ sub: "x" })],
  ["is no token", "opaque"],
  ["has no claims", "e30.!!.x"],
])("a token that %s is no reason to give up, and shown to nobody", async (_name, token) => {
  azure.answers = { ...subscription, ...azure.signsIn(token) };
  const failure = await runCheck(azure, checkServicePrincipal).catch((error: unknown) => error);
  expect((failure as Error).message).toMatch(/names no object id/);
  expect((failure as Error).message).not.toContain(token);
});

test("a subscription that the resource provider can't see is left to the classification", async () => {
  azure.answers = {};
  await expect(runCheck(azure, checkServicePrincipal)).rejects.toMatchObject({
    name: "RestError",
    statusCode: 404,
  });
});
