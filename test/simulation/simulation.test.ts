/**
 * The whole resource provider under four hundred seeds: crashes, pauses, partitions, lost answers and late writes, and nothing is
 * lost or done twice. The slow tests have three times as many others, and `npm run simulate` runs more.
 */
import { expect, test } from "vitest";
import { runSchedule } from "./schedule.ts";
import { violatesNothing } from "./violatesNothing.ts";

violatesNothing([1]);

test("the same seed gives the same run, another one another", async () => {
  const [one, again, other] = [await runSchedule(7), await runSchedule(7), await runSchedule(8)];
  expect(again).toEqual(one);
  expect(other.digest).not.toBe(one.digest);
});
