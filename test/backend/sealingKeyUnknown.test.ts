/** A cluster that is sealed by a key which a process doesn't have: it waits, others don't, and nothing of it is used up. */
import { expect, test } from "vitest";
import { withoutKey } from "./missingKey.ts";
import { Simulation, timing } from "./simulation.ts";

test("work on it waits without spinning, takes no attempt, and goes on once the key is back", async () => {
  await using simulation = await Simulation.open();
  let isAway = true;
  const process = simulation.start({ store: withoutKey(() => isAway) });
  const asked = await simulation.create("lost");
  const other = await simulation.create("other");
  expect((await simulation.untilEnded(other)).status).toBe("Succeeded");
  await simulation.clock.advance(10 * timing.visibilityMs);
  expect(await simulation.cluster("lost")).toMatchObject({ work: { attempts: 0 } });
  expect(await simulation.record(asked)).toMatchObject({ status: "InProgress" });
  const told = process.lines("warn").filter((line) => line.includes('the key "key-1"'));
  expect(told.length).toBeGreaterThanOrEqual(5);
  expect(told.length).toBeLessThanOrEqual(30);
  expect(process.lines("error")).toEqual([]);
  isAway = false;
  expect((await simulation.untilEnded(asked)).status).toBe("Succeeded");
});

test("another process that has the key does the work", async () => {
  await using simulation = await Simulation.open();
  // by its own rhythm it would be the first to look at what it has put back
  const polling = { intervalMs: 1_300 };
  simulation.start({ name: "without", store: withoutKey(() => true), polling });
  const asked = await simulation.create("lost");
  await simulation.clock.advance(timing.visibilityMs);
  simulation.start({ name: "with", polling: { intervalMs: 700 } });
  const record = await simulation.untilEnded(asked);
  expect(record.status).toBe("Succeeded");
});
