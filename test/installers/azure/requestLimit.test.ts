/** What is told of a request that got no answer in time: whom it asked, and no more of its address. */
import { createPipelineRequest } from "@azure/core-rest-pipeline";
import { expect, test } from "vitest";
import { judge } from "../../../src/installers/azure/failures/azureFailure.ts";
import {
  limitingBlobRequests,
  limitingRequests,
} from "../../../src/installers/azure/requestLimit.ts";
import { TestClock } from "../../runtime/testClock.ts";
import { stepContext } from "./stepContext.ts";

const limitMs = 1_000;
const url = "https://clusterabc.blob.core.windows.net/ignition/bootstrap.ign?sig=AbC";
const never = async (): Promise<never> => new Promise<never>(() => {});

test.each<[string, (clock: TestClock) => Promise<unknown>]>([
  [
    "of ARM",
    (clock) =>
      limitingRequests({ clock, limitMs }).sendRequest(createPipelineRequest({ url }), never),
  ],
  [
    "of blobs",
    (clock) =>
      limitingBlobRequests({ clock, limitMs })
        .create({ sendRequest: never } as never, {} as never)
        .sendRequest({ url } as never),
  ],
])("an outage names whom the request asked: %s", async (_whose, send) => {
  const clock = new TestClock();
  const late = send(clock).catch((error: unknown) => error);
  await clock.advance(limitMs);
  const circumstances = { ...stepContext(), random: { fraction: () => 0 } as never };
  expect(judge(await late, circumstances)).toMatchObject({
    is: "again",
    because:
      "Azure cannot be reached at https://clusterabc.blob.core.windows.net: REQUEST_SEND_ERROR: no answer came",
  });
});
