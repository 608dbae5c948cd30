/**
 * The whole resource provider under sixteen hundred seeds: crashes, pauses, partitions, lost answers and late writes, and nothing is
 * lost or done twice. `npm run simulate` runs more.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, expect, test } from "vitest";
import type { Chunk } from "./chunk.ts";
import type { ChunkResult } from "./chunkResult.ts";
import { runSchedule } from "./schedule.ts";

// as the program runs them, where no stack traces are made
const thread = new Worker(new URL("processes/chunkWorker.ts", import.meta.url));
afterAll(async () => thread.terminate());

async function run(chunk: Chunk): Promise<ChunkResult> {
  thread.postMessage(chunk);
  const [result] = (await once(thread, "message")) as [ChunkResult];
  return result;
}

test.each([1, 401, 801, 1_201])(
  "400 schedules from seed %i on violate nothing and come to their end",
  async (first) => {
    const { findings, schedules, seen } = await run({ first, count: 400 });
    expect(findings).toEqual([]);
    expect(schedules).toBe(400);
    // a run in which nothing happens proves nothing
    for (const name of ["creates", "updates", "deletes", "claims", "takeovers", "failures"]) {
      expect(seen[name], name).toBeGreaterThan(0);
    }
  },
  // only for machines that are busy with other things
  300_000,
);

test("the same seed gives the same run, another one another", async () => {
  const [one, again, other] = [await runSchedule(7), await runSchedule(7), await runSchedule(8)];
  expect(again).toEqual(one);
  expect(other.digest).not.toBe(one.digest);
});
