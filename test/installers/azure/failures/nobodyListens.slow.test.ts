/** An outage as the SDK's clients meet it, which try again for seconds before they give up. */
import { expect, test } from "vitest";
import { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { stepContext, subscriptionId } from "../stepContext.ts";

test("is told soon, and by its address, when nobody listens", async () => {
  const nowhere = "https://127.0.0.1:1";
  const credential = { getToken: async () => ({ token: "t", expiresOnTimestamp: Infinity }) };
  const azure = new AzureConnection(
    { resourceManager: nowhere, authorityHost: nowhere },
    { clock: systemClock, credential: () => credential },
  );
  const step = asAzureStep(
    {
      name: "Look",
      deadlineMs: 60_000,
      run: async () => {
        await azure.of(subscriptionId).resources.resourceGroups.get("mine");
        return { done: true };
      },
    },
    { random: { fraction: () => 0, integer: () => 0, bytes: (count) => new Uint8Array(count) } },
  );
  expect(await step.run(stepContext())).toMatchObject({
    done: false,
    because: "Azure cannot be reached at https://127.0.0.1:1: ECONNREFUSED: no answer came",
  });
});
