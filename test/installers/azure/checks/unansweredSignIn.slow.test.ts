/** A sign-in by the SDK's credential, which tries again for seconds before it gives up. */
import { expect, test } from "vitest";
import {
  isSignInError,
  isSignInUnanswered,
} from "../../../../src/installers/azure/failures/azureErrors.ts";
import { checkServicePrincipal } from "../../../../src/installers/azure/checks/checkServicePrincipal.ts";
import { AzureAnswers, runCheck, subscriptionId, tenantId } from "./azureAnswers.ts";

test("a sign-in that nobody answers is left to the classification", async () => {
  await using azure = await AzureAnswers.start();
  const signIns = Object.keys(azure.signsIn());
  const down = { status: 503, body: { error: "temporarily_unavailable" } };
  azure.answers = {
    [`GET /subscriptions/${subscriptionId}`]: { body: { subscriptionId, tenantId } },
    ...azure.signsIn(),
    [signIns.find((call) => call.startsWith("POST ")) ?? ""]: down,
  };
  const failure = await runCheck(azure, checkServicePrincipal).catch((error: unknown) => error);
  expect(isSignInError(failure)).toBe(true);
  expect(isSignInUnanswered(failure)).toBe(true);
});
