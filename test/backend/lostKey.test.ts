/** A deletion comes to its end also when the secrets of its cluster can't be opened any more; nothing else goes on without them. */
import { expect, test } from "vitest";
import { lostClusters, withLostClusters } from "../store/lostKey.ts";
import { Simulation, timing } from "./simulation.ts";

test.each(lostClusters)("a cluster that is %s is deleted, step by step", async (name) => {
  await using simulation = await Simulation.open();
  const sealed = await withLostClusters(simulation.store, simulation.clock);
  const seen: unknown[] = [];
  simulation.installer.script("drain", async (context) => {
    seen.push(context.snapshot.secrets);
    await context.save({ installation: { drained: true } });
    return { done: true };
  });
  let isAnswerLost = false;
  const process = simulation.start({
    store: () => sealed,
    // and one answer gets lost on the way
    decide: ({ name: call }) => {
      if (call !== "store.commit" || isAnswerLost || seen.length === 0) return undefined;
      isAnswerLost = true;
      return "unanswered";
    },
  });
  const asked = await simulation.remove(name);
  expect((await simulation.untilEnded(asked)).status).toBe("Succeeded");
  expect([seen, isAnswerLost]).toEqual([[{}], true]);
  expect(await simulation.stored(name)).toBeUndefined();
  expect(process.lines("error")).toEqual([]);
});

test("an update waits for its key", async () => {
  await using simulation = await Simulation.open();
  const sealed = await withLostClusters(simulation.store, simulation.clock);
  simulation.start({ store: () => sealed });
  const asked = await simulation.update("lost");
  await simulation.clock.advance(10 * timing.visibilityMs);
  expect(await simulation.record(asked)).toMatchObject({ status: "InProgress" });
  expect(await simulation.cluster("lost")).toMatchObject({ work: { attempts: 0 } });
});
