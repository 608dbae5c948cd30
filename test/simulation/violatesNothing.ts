/** Tests that so many schedules violate nothing, in a thread of their own: as the program runs them, where no stack traces are made. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, expect, test } from "vitest";
import type { Chunk } from "./chunk.ts";
import type { ChunkResult } from "./chunkResult.ts";

/** Seeds of one test. */
const schedulesEach = 400;

/** @param firstSeeds of each test. */
export function violatesNothing(firstSeeds: readonly number[]): void {
  const thread = new Worker(new URL("processes/chunkWorker.ts", import.meta.url));
  afterAll(async () => thread.terminate());

  const run = async (chunk: Chunk): Promise<ChunkResult> => {
    thread.postMessage(chunk);
    const [result] = (await once(thread, "message")) as [ChunkResult];
    return result;
  };

  test.each(firstSeeds)(
    `${schedulesEach} schedules from seed %i on violate nothing and come to their end`,
    async (first) => {
      const { findings, schedules, seen } = await run({ first, count: schedulesEach });
      expect(findings).toEqual([]);
      expect(schedules).toBe(schedulesEach);
      // a run in which nothing happens proves nothing
      for (const name of ["creates", "updates", "deletes", "claims", "takeovers", "failures"]) {
        expect(seen[name], name).toBeGreaterThan(0);
      }
    },
    // only for machines that are busy with other things
    300_000,
  );
}
