/** Hostile requests over real sockets: a few, always the same. `npm run fuzz` sends as many as one likes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { StartedRp } from "../frontend/startedRp.ts";
import { pinoLog } from "../../src/runtime/pinoLog.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { FuzzClient } from "./fuzzClient.ts";
import { canaryTexts, fuzzRequests } from "./fuzzRequest.ts";

test("whatever is sent, the answer is an ARM error below 500 or a success, and a refusal changes nothing", async () => {
  let isTold = false;
  const log = pinoLog({
    level: "debug",
    clock: systemClock,
    readable: false,
    sink: {
      write: (line) => {
        isTold ||= canaryTexts.some((text) => line.includes(text));
      },
    },
  });
  await using rp = await StartedRp.start({ workers: true, log });
  using client = new FuzzClient({
    url: rp.url,
    store: rp.store,
    subscription: (count) => `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`,
  });
  await fc.assert(
    fc.asyncProperty(fuzzRequests, async (requests) => client.send(requests)),
    { numRuns: 1_000, seed: 6 },
  );
  await client.checkAlive();
  expect(isTold).toBe(false);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  // what is sent gets far enough to be judged, and some of it is right
  for (const status of [200, 201, 202, 400, 404, 405, 409, 413, 415]) {
    expect([...client.statuses.keys()]).toContain(status);
  }
});
