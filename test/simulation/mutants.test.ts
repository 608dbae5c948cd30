/**
 * The simulation can fail: a handful of those ways to break the protocol that it finds soonest. `test/slow/mutants.test.ts` has
 * them all.
 */
import { expect, test } from "vitest";
import { mutants } from "./mutants.ts";
import { runMutant } from "./runMutant.ts";

const handful = [
  "a message is completed before the commit that ends its operation",
  "the record ends before its cluster",
  "nobody sweeps",
  "the sweep doesn't look at leases",
  "a process has one name for all its leases",
];

test.each(mutants.filter(({ name }) => handful.includes(name)))(
  "$name: found within $within schedules",
  async (mutant) => {
    const { found, output } = await runMutant(mutant);
    expect(found, output).toMatch(mutant.finds);
  },
);

test("each of the handful is there", () => {
  const names = mutants.map(({ name }) => name);
  expect(handful.filter((name) => !names.includes(name))).toEqual([]);
});
