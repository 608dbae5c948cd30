/** A credential that doesn't work is told at the start, in one line that says what to do, and never with a secret. */
import {
  AggregateAuthenticationError,
  AuthenticationError,
  CredentialUnavailableError,
} from "@azure/identity";
import { expect, test } from "vitest";
import { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import { tellFailedSignIn } from "../../../src/installers/azure/tellFailedSignIn.ts";
import { TestClock } from "../../runtime/testClock.ts";

const secret = "very-secret-value";

async function told(signIn: () => Promise<void>): Promise<readonly string[]> {
  const lines: string[] = [];
  await tellFailedSignIn(
    { signIn },
    { warn: (fields, message) => lines.push(JSON.stringify([fields, message])) },
  );
  return lines;
}

const refused = (code: string): AuthenticationError =>
  new AuthenticationError(401, {
    error: "invalid_client",
    error_description: `${code}: Invalid client secret provided: ${secret}. Trace ID: x`,
  });

test("nothing is told of a sign-in that succeeds", async () => {
  expect(await told(async () => undefined)).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  [
    "a secret that is wrong",
    refused("AADSTS7000215"),
    /could not sign in .*\(AADSTS7000215\).*AZURE_CLIENT_SECRET/,
  ],
  [
    "one of several ways that is refused",
    new AggregateAuthenticationError(
      [new CredentialUnavailableError("no managed identity"), refused("AADSTS700016")],
      "ChainedTokenCredential authentication failed.",
    ),
    /\(AADSTS700016\).*AZURE_CLIENT_ID/,
  ],
  [
    "no credential at all",
    new CredentialUnavailableError("none"),
    /could not sign in to Azure: .*az login/,
  ],
  [
    "nobody who answers",
    new CredentialUnavailableError("network_error: nothing"),
    /Nothing answered.*AZURE_AUTHORITY_HOST/,
  ],
  ["what nobody has thought of", `thrown ${secret}`, /could not sign in/],
])("%s is told once, with what to do and no secret", async (_what, error, expected) => {
  const lines = await told(async () => Promise.reject(error as Error));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(expected);
  expect(lines[0]).not.toContain(secret);
});

test("a sign-in that never ends is told when its time is up, which is bounded", async () => {
  const clock = new TestClock();
  const never = new Promise<never>(() => undefined);
  const azure = new AzureConnection(
    { resourceManager: "https://localhost", authorityHost: "https://localhost" },
    { clock, credential: () => ({ getToken: async () => never }) },
  );
  const lines = told(async () => azure.signIn());
  await expect.poll(() => clock.sleeping).toBe(1);
  await clock.advance(30_000);
  expect((await lines)[0]).toMatch(/Nothing answered/);
});
