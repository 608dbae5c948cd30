/** What becomes of a step for each of Azure's failures, in the forms in which its services and SDKs tell them. */
import { createHttpHeaders, RestError } from "@azure/core-rest-pipeline";
import { AuthenticationError, ClientSecretCredential } from "@azure/identity";
import { describe, expect, test } from "vitest";
import { StateKeyUnknownError } from "../../../../src/installers/azure/azureEffects.ts";
import { asAzureStep, judge } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { OperationError } from "../../../../src/installers/azure/failures/operationError.ts";
import { shownText } from "../../../../src/installers/azure/failures/shownErrors.ts";
import type { Step, StepContext, StepResult } from "../../../../src/installers/installer.ts";
import { TerminalError } from "../../../../src/model/rpError.ts";
import { threadMs } from "../../../runtime/threadTime.ts";
import { stepContext, subscriptionId, type TestContext } from "../stepContext.ts";

const minuteMs = 60_000;
const anotherSubscription = "11111111-2222-4333-8444-555555555555";

/** How a step ended. */
type Outcome =
  | { readonly code: string; readonly message: string }
  | { readonly again: number; readonly because: string | undefined }
  | { readonly transient: string };

async function outcome(error: unknown, context: Partial<StepContext> = {}): Promise<Outcome> {
  const step = asAzureStep(
    {
      name: "DeployResources",
      deadlineMs: 60 * minuteMs,
      run: async (): Promise<StepResult> => {
        throw error;
      },
    },
    { random: { fraction: () => 0 } as never },
  );
  try {
    const result = await step.run({ ...stepContext(), ...context });
    if (result.done) throw new Error("a step that throws is not done");
    return { again: result.againAfterMs, because: result.because };
  } catch (thrown) {
    if (thrown instanceof TerminalError) return { code: thrown.code, message: thrown.message };
    return { transient: (thrown as Error).message };
  }
}

/** As the SDKs throw it. */
function answered(options: {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}): RestError {
  const body = options.body as { error?: { code?: string; message?: string } };
  const error = new RestError(body.error?.message ?? "failed", {
    statusCode: options.status,
    ...(body.error?.code === undefined ? {} : { code: body.error.code }),
    response: {
      status: options.status,
      headers: createHttpHeaders(options.headers),
      request: undefined as never,
      bodyAsText: JSON.stringify(options.body),
    },
  });
  return error;
}

const quota =
  "Operation could not be completed as it results in exceeding approved Total Regional Cores quota. " +
  "Additional details - Deployment Model: Resource Manager, Location: eastus2, Current Limit: 4, Current Usage: 4, " +
  "Additional Required: 2, (Minimum) New Limit Required: 6.";

function failedDeployment(body: unknown): OperationError {
  return new OperationError(body, { isDeployment: true });
}

/** A resource's error, as a deployment quotes it. */
function quoted(status: string, code: string, message: string): OperationError {
  return failedDeployment({
    code: "DeploymentFailed",
    message:
      "At least one resource deployment operation failed. Please list deployment operations for details.",
    details: [{ code: status, message: JSON.stringify({ error: { code, message } }, null, 2) }],
  });
}

describe("ends the operation", () => {
  test("on a quota that a nested deployment tells of, two texts deep", async () => {
    const inner = JSON.stringify({ error: { code: "OperationNotAllowed", message: quota } });
    const middle = JSON.stringify({
      status: "Failed",
      error: {
        code: "ResourceDeploymentFailure",
        message: "The resource operation completed with terminal provisioning state 'Failed'.",
        details: [
          {
            code: "DeploymentFailed",
            message: "At least one resource deployment operation failed.",
            details: [{ code: "Conflict", message: inner }],
          },
        ],
      },
    });
    const ended = await outcome(
      failedDeployment({
        code: "DeploymentFailed",
        message: "At least one resource deployment operation failed.",
        details: [{ code: "Conflict", message: middle }],
      }),
    );
    expect(ended).toMatchObject({ code: "QuotaExceeded" });
    expect((ended as { message: string }).message).toContain("New Limit Required: 6");
  });

  const preflight = (details: readonly unknown[]): RestError =>
    answered({
      status: 400,
      body: {
        error: {
          code: "InvalidTemplateDeployment",
          message:
            "The template deployment 'resources-x' is not valid according to the validation procedure.",
          details,
        },
      },
    });

  test("on a quota that the validation of a template finds", async () => {
    const error = preflight([{ code: "QuotaExceeded", message: quota }]);
    expect(await outcome(error)).toMatchObject({ code: "QuotaExceeded" });
  });

  test("on a policy, whose name it passes on", async () => {
    const ended = await outcome(
      preflight([
        {
          code: "RequestDisallowedByPolicy",
          target: "cluster1",
          message:
            'Resource \'cluster1\' was disallowed by policy. Policy identifiers: \'[{"policyAssignment":{"name":"Allowed locations"}}]\'.',
          additionalInfo: [{ type: "PolicyViolation", info: {} }],
        },
      ]),
    );
    expect(ended).toMatchObject({ code: "RequestDisallowedByPolicy" });
    expect((ended as { message: string }).message).toContain("Allowed locations");
  });

  test.each([
    [
      "SkuNotAvailable",
      "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: Standard_D8s_v3' is currently not available in location 'eastus'.",
      "SkuNotAvailable",
    ],
    [
      "MissingSubscriptionRegistration",
      "The subscription is not registered to use namespace 'Microsoft.Compute'.",
      "ResourceProviderNotRegistered",
    ],
    [
      "ReadOnlyDisabledSubscription",
      "The subscription is disabled and therefore marked as read only.",
      "InvalidSubscriptionState",
    ],
    [
      "ScopeLocked",
      "The scope cannot perform delete operation because following scope(s) are locked.",
      "InstallationFailed",
    ],
    [
      "PublicIPCountLimitReached",
      "Cannot create more than 10 public IP addresses for this subscription in this region.",
      "QuotaExceeded",
    ],
  ])("on %s", async (code, message, ours) => {
    const ended = await outcome(answered({ status: 409, body: { error: { code, message } } }));
    expect(ended).toMatchObject({ code: ours });
    expect((ended as { message: string }).message).toContain(message);
  });

  test("on a 400 that nobody knows, with what Azure said", async () => {
    const body = { error: { code: "SubnetIsTooOdd", message: "The subnet is too odd." } };
    expect(await outcome(answered({ status: 400, body }))).toEqual({
      code: "InstallationFailed",
      message: "Azure refused a request. Azure says: SubnetIsTooOdd: The subnet is too odd.",
    });
  });

  test("on an unknown fault of a deployment's resource as a failed deployment", async () => {
    const error = quoted("BadRequest", "SubnetIsTooOdd", "The subnet is too odd.");
    expect(await outcome(error)).toMatchObject({ code: "DeploymentFailed" });
  });

  test("when one resource lacks quota and others room", async () => {
    const error = failedDeployment({
      code: "DeploymentFailed",
      message: "At least one resource deployment operation failed.",
      details: [
        { code: "AllocationFailed", message: "Allocation failed." },
        { code: "InternalServerError", message: "Oops." },
        { code: "QuotaExceeded", message: quota },
      ],
    });
    expect(await outcome(error)).toMatchObject({ code: "QuotaExceeded" });
  });
});

describe("waits", () => {
  const zonal = quoted(
    "Conflict",
    "ZonalAllocationFailed",
    "Allocation failed. We do not have sufficient capacity for the requested VM size in this zone.",
  );

  test("for room for half an hour, then says that there is none", async () => {
    expect(await outcome(zonal)).toMatchObject({ again: 60_000 });
    const { now } = stepContext();
    expect(await outcome(zonal, { startedAt: now - 31 * minuteMs })).toMatchObject({
      code: "CapacityUnavailable",
    });
  });

  test("for a principal to be known everywhere, not for ever", async () => {
    const error = quoted(
      "BadRequest",
      "PrincipalNotFound",
      "Principal 0f14a80d42e54d57afe046acf9dfae05 does not exist in the directory c7cb8e56-3c8d-431c-a94c-866e27a25b45.",
    );
    expect(await outcome(error)).toMatchObject({ again: 60_000 });
    const { now } = stepContext();
    expect(await outcome(error, { startedAt: now - 11 * minuteMs })).toMatchObject({
      code: "DeploymentFailed",
    });
  });

  test("for a permission in the cluster's subscription, then names it", async () => {
    const message =
      "The client 'rp' with object id 'rp' does not have authorization to perform action " +
      `'Microsoft.Network/virtualNetworks/subnets/join/action' over scope '/subscriptions/${subscriptionId}/resourceGroups/n'.`;
    const error = answered({
      status: 403,
      body: { error: { code: "LinkedAuthorizationFailed", message } },
    });
    expect(await outcome(error)).toMatchObject({ again: 60_000 });
    const { now } = stepContext();
    const ended = await outcome(error, { startedAt: now - 11 * minuteMs });
    expect(ended).toMatchObject({ code: "AuthorizationFailed" });
    expect((ended as { message: string }).message).toContain("subnets/join/action");
  });

  test.each([
    ["as seconds", { "retry-after": "17" }, 17_000],
    [
      "as a date",
      { date: "Sun, 29 Nov 2026 03:00:00 GMT", "retry-after": "Sun, 29 Nov 2026 03:01:30 GMT" },
      90_000,
    ],
    ["in milliseconds", { "x-ms-retry-after-ms": "2500" }, 2_500],
    ["of a day, but not so long", { "retry-after": "86400" }, 600_000],
    ["of nothing, but a moment", { "retry-after": "0" }, 1_000],
    ["that is not given", {}, 30_000],
    ["that makes no sense", { "retry-after": "soon" }, 30_000],
  ])("after a 429 for the time %s", async (_what, headers, againAfterMs) => {
    const body = { error: { code: "TooManyRequests", message: "The request is being throttled." } };
    expect(await outcome(answered({ status: 429, body, headers }))).toMatchObject({
      again: againAfterMs,
    });
  });

  test("after a 429 by the services' other forms, and a 503 that says when", async () => {
    const compute = answered({
      status: 429,
      body: {
        error: {
          code: "OperationNotAllowed",
          message:
            "The server rejected the request because too many requests have been received for this subscription.",
          details: [
            {
              code: "TooManyRequests",
              target: "HighCostGet3Min",
              message: '{"allowedRequestCount":162}',
            },
          ],
        },
      },
    });
    expect(await outcome(compute)).toMatchObject({ again: 30_000 });
    const plain = answered({ status: 429, body: "Too Many Requests" });
    expect(await outcome(plain)).toMatchObject({ again: 30_000 });
    const busy = answered({
      status: 503,
      body: { error: { code: "ServerBusy", message: "The server is busy." } },
      headers: { "retry-after": "5" },
    });
    expect(await outcome(busy)).toMatchObject({ again: 5_000 });
  });

  test.each([
    ["RetryableErrorDueToAnotherOperation", 429],
    ["AnotherOperationInProgress", 409],
    ["DeploymentActive", 409],
    ["ResourceGroupBeingDeleted", 409],
  ])("for what else is under way: %s", async (code, status) => {
    const body = { error: { code, message: "Wait." } };
    expect(await outcome(answered({ status, body }))).toMatchObject({ again: 15_000 });
  });

  test.each([
    [429, "TooManyRequests", "Azure asks to come back later: TooManyRequests: Wait."],
    [409, "DeploymentActive", "Azure is busy with it: DeploymentActive: Wait."],
    [
      409,
      "AllocationFailed",
      "Azure has no room for machines of this size in the region at present: try again later, " +
        "or delete the cluster and create it with another size or in another region. Azure says: AllocationFailed: Wait.",
    ],
  ])("and says for what: %i %s", async (status, code, because) => {
    const error = answered({ status, body: { error: { code, message: "Wait." } } });
    expect(await outcome(error)).toMatchObject({ because });
  });

  test("longer by chance, so that those who wait don't come back together", async () => {
    const step = asAzureStep(
      {
        name: "S",
        deadlineMs: 1,
        run: async () => {
          throw answered({ status: 429, body: {}, headers: { "retry-after": "100" } });
        },
      },
      { random: { fraction: () => 0.5 } as never },
    );
    expect(await step.run(stepContext())).toMatchObject({ done: false, againAfterMs: 112_500 });
  });
});

describe("a key that is not there", () => {
  const { startedAt: began } = stepContext();

  test("is given the time in which every process learns of a new one, then ends the operation and says what to do", async () => {
    const error = new StateKeyUnknownError("2025-01-01");
    const step = asAzureStep(
      { name: "S", deadlineMs: 1, run: async () => Promise.reject(error) },
      { random: { fraction: () => 0 } as never },
    );
    expect(await step.run(stepContext())).toEqual({
      done: false,
      againAfterMs: 60_000,
      because: expect.stringContaining('"2025-01-01"') as string,
    });
    expect(await outcome(error, { startedAt: began - 9 * minuteMs })).toMatchObject({
      again: 60_000,
    });
    const ended = await outcome(error, { startedAt: began - 10 * minuteMs });
    expect(ended).toMatchObject({
      code: "SealingKeyUnknown",
      message: expect.stringMatching(/"2025-01-01".*put that key back.*PUT.*or delete/s) as string,
    });
  });

  test("is named as far as a name goes: the cluster's user may have written it", async () => {
    const error = new StateKeyUnknownError(`\u001b[31m${"x".repeat(5_000)}`);
    const { message } = (await outcome(error, { startedAt: began - 11 * minuteMs })) as {
      readonly message: string;
    };
    expect(message.length).toBeLessThan(700);
    expect(message).not.toContain("\u001b");
  });
});

describe("an outage", () => {
  const request = {
    url: "https://clusterabc.blob.core.windows.net/ignition/bootstrap.ign?sig=AbC",
  } as never;
  const broken = (code: string): RestError => new RestError(`failed ${code}`, { code, request });
  const { startedAt: began } = stepContext();
  const signInError = (name: string, message: string, more: object = {}): Error =>
    Object.assign(new Error(message), { name, ...more });
  const oops = { error: { code: "InternalServerError", message: "Oops." } };
  const outages: [string, unknown, RegExp][] = [
    ...["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EPIPE", "ENOTFOUND", "EAI_AGAIN"].map(
      (code): [string, unknown, RegExp] => [
        code,
        broken(code),
        new RegExp(
          `cannot be reached at https://clusterabc\\.blob\\.core\\.windows\\.net: ${code}`,
        ),
      ],
    ),
    ["a broken connection of which nothing more is known", new RestError("x"), /^Azure cannot be/],
    ["a 500", answered({ status: 500, body: oops }), /did not answer: InternalServerError: Oops/],
    ["a page of a proxy", answered({ status: 502, body: "<html>" }), /did not answer: /],
    ["a 503 that does not say when", answered({ status: 503, body: {} }), /did not answer: /],
    ["a 504", answered({ status: 504, body: {} }), /did not answer: /],
    ["a 408", answered({ status: 408, body: {} }), /did not answer: /],
    // as the SDK wraps what MSAL throws
    [
      "a sign-in whose directory is not found",
      signInError("CredentialUnavailableError", "endpoints_resolution_error: See https://x"),
      /sign-in did not answer/,
    ],
    [
      "a sign-in whose connection breaks",
      signInError("AuthenticationRequiredError", "network_error: See https://x"),
      /sign-in did not answer/,
    ],
    [
      "a sign-in that is answered with a 503",
      signInError("AuthenticationRequiredError", "server_error: x", { cause: answered503() }),
      /sign-in did not answer/,
    ],
    [
      "one of several ways to sign in",
      signInError("AggregateAuthenticationError", "x", {
        errors: [
          signInError("CredentialUnavailableError", "EnvironmentCredential is unavailable."),
          signInError("CredentialUnavailableError", "network_error: See https://x"),
        ],
      }),
      /sign-in did not answer/,
    ],
  ];
  function answered503(): Error {
    return signInError("ServerError", "server_error", { status: 503 });
  }

  const { operationId } = stepContext().snapshot;
  const outage = { operationId, step: "DeployResources", since: began };
  /** As the step has noted it, which was begun long before. */
  const going: Partial<StepContext> = {
    startedAt: began - 40 * minuteMs,
    snapshot: stepContext({ installation: { azure: { outage } } }).snapshot,
  };

  test.each(outages)("%s is waited for, then counts as an attempt", async (_what, error, told) => {
    const after = async (ms: number) => outcome(error, { ...going, now: began + ms });
    const { because } = (await after(0)) as { because?: string };
    expect(because).toMatch(told);
    expect(because).not.toMatch(/sig=|ignition|bootstrap/);
    expect(await after(0)).toMatchObject({ again: 1_000 });
    expect(await after(20_000)).toMatchObject({ again: 20_000 });
    expect(await after(30 * minuteMs - 1)).toMatchObject({ again: 45_000 });
    const { transient } = (await after(30 * minuteMs)) as { transient: string };
    expect(transient).toMatch(told);
    expect(transient).toBe(because);
  });

  test("is told as such by the SDK's own credential when nobody listens", async () => {
    const authorityHost = "https://127.0.0.1:1";
    const options = {
      authorityHost,
      disableInstanceDiscovery: true,
      retryOptions: { maxRetries: 0 },
    };
    const credential = new ClientSecretCredential(subscriptionId, "client", "secret", options);
    const error: unknown = await credential.getToken("https://x/.default").catch((e: unknown) => e);
    expect(await outcome(error)).toMatchObject({ again: 1_000 });
  });

  test("is waited for as long as Azure says", async () => {
    const error = answered({ status: 500, body: oops, headers: { "retry-after": "40" } });
    expect(await outcome(error)).toMatchObject({ again: 40_000 });
  });

  test("of half a minute takes few tries", async () => {
    let passedMs = 0;
    let tries = 0;
    while (passedMs < 30_000) {
      const { again } = (await outcome(broken("ECONNREFUSED"), {
        ...going,
        now: began + passedMs,
      })) as { again: number };
      passedMs += again;
      tries += 1;
    }
    expect(tries).toBe(6);
  });
});

describe("an outage begins", () => {
  const operationId = "8a3e2f7e-5a0c-4c55-9d7e-3f4f5b1d0c12";
  const hourMs = 60 * minuteMs;
  const unanswered = new RestError("x", { code: "ECONNREFUSED" });
  /** A step that was begun an hour ago; what each run brings is noted. */
  function long(results: readonly (StepResult | Error)[], name = "WaitForClusterVersion") {
    const left = [...results];
    const inner: Step = {
      name,
      deadlineMs: 4 * hourMs,
      run: async () => {
        const result = left.shift() ?? { done: true };
        if (result instanceof Error) throw result;
        return result;
      },
    };
    return asAzureStep(inner, { random: { fraction: () => 0 } as never });
  }
  async function run(step: Step, context: TestContext, afterMs: number): Promise<StepResult> {
    const now = context.now + afterMs;
    const startedAt = context.now - hourMs;
    const { snapshot } = context;
    const result = await step.run({ ...context, snapshot, startedAt, now });
    await context.save(result.changes ?? {});
    return result;
  }

  test("when nothing answers for the first time, however long the step has run", async () => {
    const context = stepContext({ operationId });
    const step = long(Array.from({ length: 4 }, () => unanswered));
    expect(await run(step, context, 0)).toMatchObject({ againAfterMs: 1_000 });
    expect(await run(step, context, 20_000)).toMatchObject({ againAfterMs: 20_000 });
    expect(await run(step, context, 29 * minuteMs)).toMatchObject({ againAfterMs: 45_000 });
    await expect(run(step, context, 30 * minuteMs)).rejects.toThrow("cannot be reached");
  });

  test.each<[string, StepResult | Error]>([
    ["goes on", { done: false, againAfterMs: 1 }],
    ["goes on with notes", { done: false, againAfterMs: 1, changes: {} }],
    ["is throttled", answered({ status: 429, body: {} })],
  ])("anew after the step %s", async (_what, between) => {
    const context = stepContext({ operationId, installation: { azure: { infraId: "mine" } } });
    const step = long([unanswered, between, unanswered]);
    await run(step, context, 0);
    await run(step, context, 20_000);
    expect(context.snapshot.installation).toEqual({ azure: { infraId: "mine" } });
    expect(await run(step, context, 29 * minuteMs)).toMatchObject({ againAfterMs: 1_000 });
  });

  test("and ends without taking along what the step has changed", async () => {
    const context = stepContext({ operationId, installation: { azure: { infraId: "mine" } } });
    const changes = {
      consoleUrl: "https://console",
      installation: { azure: { infraId: "mine", imageUrl: "image" } },
    };
    const step = long([unanswered, { done: true, changes }]);
    await run(step, context, 0);
    expect(await run(step, context, 1_000)).toEqual({ done: true, changes });
    expect(context.snapshot.installation).toEqual(changes.installation);
  });

  test("anew in another step, and in another operation", async () => {
    const context = stepContext({ operationId });
    await run(long([unanswered]), context, 0);
    const other = long([unanswered], "CreateIngressRecord");
    expect(await run(other, context, hourMs)).toMatchObject({ againAfterMs: 1_000 });
    const { installation } = context.snapshot;
    const next = stepContext({ installation, operationId: "another" });
    expect(await run(long([unanswered]), next, hourMs)).toMatchObject({ againAfterMs: 1_000 });
  });
});

describe("counts as a failed attempt", () => {
  test.each([
    [
      "something of ours that is not there yet",
      answered({
        status: 404,
        body: { error: { code: "ResourceNotFound", message: "Not found." } },
      }),
    ],
    [
      "an unknown conflict",
      answered({ status: 409, body: { error: { code: "Odd", message: "Odd." } } }),
    ],
    [
      "an image that Azure can't read",
      quoted(
        "BadRequest",
        "InvalidParameter",
        "The source blob https://x/vhd/rhcos.vhd is not accessible.",
      ),
    ],
    [
      "a failure of a deployment within Azure",
      quoted("InternalServerError", "InternalOperationError", "Oops."),
    ],
  ])("%s", async (_what, error) => {
    const result = await outcome(error);
    expect(result).toHaveProperty("transient");
    expect((result as { transient: string }).transient).toMatch(/^Azure did not do it: /);
  });

  test("the resource provider's own credential, without a word of the user or of itself", async () => {
    const signIn = new AuthenticationError(401, {
      error: "invalid_client",
      error_description: "AADSTS7000215: Invalid client secret provided for app 'rp-app'.",
    });
    expect(await outcome(signIn)).toEqual({
      transient:
        "The resource provider itself could not sign in to Azure; its operator has to look: this is no fault of the cluster's.",
    });
    const expired = {
      error: { code: "ExpiredAuthenticationToken", message: "The token of rp-app has expired." },
    };
    const notLetIn =
      "Azure does not let the resource provider in; its operator has to look: this is no fault of the cluster's.";
    expect(await outcome(answered({ status: 401, body: expired }))).toEqual({
      transient: notLetIn,
    });
    // what storage says of a key that was changed, ARM says of a token
    const token = { error: { code: "AuthenticationFailed", message: "Authentication failed." } };
    expect(await outcome(answered({ status: 401, body: token }))).toEqual({ transient: notLetIn });
    const message = `The client 'rp-app' does not have authorization over scope '/subscriptions/${anotherSubscription}/resourceGroups/dns'.`;
    const zone = { error: { code: "AuthorizationFailed", message } };
    expect(await outcome(answered({ status: 403, body: zone }))).toEqual({ transient: notLetIn });
    const judged = judge(
      answered({
        status: 403,
        body: {
          error: {
            code: "AuthorizationFailed",
            message: `The client 'rp-app' with object id 'x' does not have authorization to perform action 'Microsoft.Network/dnsZones/read' over scope '/subscriptions/${anotherSubscription}/resourceGroups/dns' or the scope is invalid.`,
          },
        },
      }),
      { ...stepContext(), random: { fraction: () => 0 } as never },
    );
    const { cause } = (judged as { readonly error: Error }).error;
    expect((cause as Error).message).toContain(
      `refuses the resource provider Microsoft.Network/dnsZones/read on /subscriptions/${anotherSubscription}/resourceGroups/dns: `,
    );
    expect((cause as Error).message).toContain("'Install real clusters', 'Who may do what'");
  });
});

test("what isn't Azure's passes through, and so does everything once the step was told to stop", async () => {
  const fault = new TypeError("no step has noted infraId");
  expect(await outcome(fault)).toEqual({ transient: fault.message });
  const terminal = new TerminalError({ code: "InvalidParameter", message: "Mine." });
  expect(await outcome(terminal)).toEqual({ code: "InvalidParameter", message: "Mine." });
  const throttled = answered({ status: 429, body: {} });
  const stopped = await outcome(throttled, { signal: AbortSignal.abort(new Error("stop")) });
  expect(stopped).toEqual({ transient: throttled.message });
});

test("texts show no signature, no foreign subscription, no line break, and end", async () => {
  const message =
    `Cannot read https://x.blob.core.windows.net/ignition/bootstrap.ign?sv=2026&sig=AbC%3D for\n` +
    `'/subscriptions/${anotherSubscription}/resourceGroups/rp' and '/subscriptions/${subscriptionId}/x' ${"long ".repeat(500)}`;
  const ended = await outcome(answered({ status: 400, body: { error: { code: "Bad", message } } }));
  const text = (ended as { message: string }).message;
  expect(text).not.toMatch(/sig=A|sv=2026|\n/);
  expect(text).not.toContain(anotherSubscription);
  expect(text).toContain(`/subscriptions/${subscriptionId}/x`);
  expect(text.length).toBeLessThan(900);
});

test("a hostile body neither throws nor takes long", async () => {
  let nested: unknown = { code: "BadRequest", message: "end" };
  for (let depth = 0; depth < 5_000; depth += 1)
    nested = { code: "BadRequest", message: "m", details: [nested] };
  const wide = {
    code: "DeploymentFailed",
    message: "m",
    details: Array.from({ length: 10_000 }, () => ({ code: "BadRequest", message: "no" })),
  };
  const odd = { code: 7, message: { a: 1 }, details: [null, 3, "x", []] };
  for (const body of [nested, wide, odd, null, "", []]) {
    expect(await outcome(failedDeployment(body))).toMatchObject({ code: "DeploymentFailed" });
  }
});

test.each([
  ["Sent: Authorization: Bearer eyJhbGciOi.eyJvaWQi.hunter2-x_y here", "here"],
  ["refused bearer abcdefghijklmnopqrst+hunter2== here", "here"],
  ["token eyJhbGciOi.hunter2.c here", "here"],
  ["password: hunter2 is weak", "is weak"],
  ["adminPassword = hunter2 is weak", "is weak"],
  ["password=hunter2&x=1", "&x=1"],
  ['{"clientSecret": "so hunter2 it is", "a": 1}', '"a": 1'],
  ['within {\\"password\\":\\"hunter2\\",\\"a\\":1}', '\\"a\\":1'],
  ['password: "hunter2', "password"],
  ["AccountKey:hunter2; next", "next"],
])("a secret is left out of what is shown, and nothing else: %s", (message, stays) => {
  const text = shownText(message, subscriptionId);
  expect(text).not.toMatch(/hunter2|eyJ/);
  expect(text).toContain("(secret)");
  expect(text).toContain(stays);
});

test("huge texts are read in a moment, and what is shown of them is the same", async () => {
  const endless = "https://a".repeat(2_500);
  const details = Array.from({ length: 50 }, (_, index) => ({
    code: `Odd${index}`,
    message: `${endless}${index}`,
  }));
  const began = threadMs();
  const ended = await outcome(failedDeployment({ code: "DeploymentFailed", details }));
  // a worker's lease is six seconds
  expect(threadMs() - began).toBeLessThan(1_000);
  const { message } = ended as { message: string };
  expect(message).toMatch(/Odd0: https.*Odd1: https.*Odd2: https.*\(and 47 more\)$/);
  expect(message.length).toBeLessThan(900);
});

test.each([
  "Bearer HUNTER2abcdefghijHUNTER2klmnopqrstHUNTER2",
  'password: "it is HUNTER2 it is HUNTER2 it is HUNTER2"',
  "password: 'it is HUNTER2 it is HUNTER2 it is HUNTER2'",
  "AccountKey=HUNTER2HUNTER2HUNTER2",
  "eyJhbGciOi.HUNTER2.HUNTER2",
  "https://a.example/b?sv=1&sig=HUNTER2HUNTER2",
])("a long text shows no part of a secret wherever it is cut: %s", (secret) => {
  // what is left out of a text brings its end forward
  const long = `https://a.example/b?${"q".repeat(1_700)} `;
  for (let length = 650; length < 850; length += 1) {
    const text = shownText(`${long}${"x".repeat(length)} ${secret} ${"end ".repeat(1_000)}`, "s");
    expect(text).not.toContain("HUN");
    expect(text).toMatch(/^https:..a.example.b/);
  }
});

test("words about secrets are shown", () => {
  const text = "Bearer authentication is required; the password is too short.";
  expect(shownText(text, subscriptionId)).toBe(text);
});
