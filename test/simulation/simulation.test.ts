/**
 * The whole resource provider under two thousand seeds: crashes, pauses, partitions, lost answers and late writes, and nothing is
 * lost or done twice. `npm run simulate` runs more.
 */
import { expect, test } from "vitest";
import { runChunk } from "./chunk.ts";
import { runSchedule } from "./schedule.ts";

test.each([1, 501, 1_001, 1_501])(
  "500 schedules from seed %i on violate nothing and come to their end",
  async (first) => {
    const { findings, schedules, seen } = await runChunk({
      first,
      count: 500,
    });
    expect(findings).toEqual([]);
    expect(schedules).toBe(500);
    // a run in which nothing happens proves nothing
    for (const name of ["creates", "updates", "deletes", "claims", "takeovers", "failures"]) {
      expect(seen[name], name).toBeGreaterThan(0);
    }
  },
);

test("the same seed gives the same run, another one another", async () => {
  const [one, again, other] = [await runSchedule(7), await runSchedule(7), await runSchedule(8)];
  expect(again).toEqual(one);
  expect(other.digest).not.toBe(one.digest);
});
