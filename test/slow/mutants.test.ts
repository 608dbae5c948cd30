/** The simulation can fail: it finds each way in which the protocol is broken on purpose, and nothing where nothing is broken. */
import { expect, test } from "vitest";
import { mutants, onlySweepOff } from "../simulation/mutants.ts";
import { runMutant } from "../simulation/runMutant.ts";

test("without the sweep, and with no message lost by itself, nothing is lost", async () => {
  const { exitCode, output } = await runMutant(onlySweepOff);
  expect(exitCode, output).toBe(0);
});

test.each(mutants)("$name: found within $within schedules", async (mutant) => {
  const { exitCode, found, output } = await runMutant(mutant);
  expect(found, output).toMatch(mutant.finds);
  expect(exitCode, output).toBe(1);
});
