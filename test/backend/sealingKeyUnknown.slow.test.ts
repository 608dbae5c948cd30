/** A cluster that is sealed by a key which nobody has, over hours: see `sealingKeyUnknown.test.ts`. */
import { expect, test } from "vitest";
import { withoutKey } from "./missingKey.ts";
import { Simulation } from "./simulation.ts";

test("however long the key is away, messages don't heap up, and it still goes on", async () => {
  await using simulation = await Simulation.open();
  let isAway = true;
  simulation.start({ store: withoutKey(() => isAway) });
  const asked = await simulation.create("lost");
  let most = 0;
  for (let hour = 0; hour < 3; hour += 1) {
    await simulation.clock.advance(3_600_000);
    most = Math.max(most, simulation.messages);
  }
  // those of the sweep's first, short margins overlap
  expect(most).toBeLessThanOrEqual(3);
  expect(await simulation.cluster("lost")).toMatchObject({ work: { attempts: 0 } });
  isAway = false;
  await simulation.clock.advance(30 * 60_000);
  expect((await simulation.record(asked)).status).toBe("Succeeded");
});
