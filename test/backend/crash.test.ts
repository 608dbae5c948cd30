/**
 * A process dies at every call it makes to store or queue, before and after the call took effect; another one takes over and
 * the operation ends as if nothing had happened, with each step begun at least once and in order.
 */
import { describe, expect, test } from "vitest";
import type { Fault } from "./faults.ts";
import { Simulation, timing, type Asked } from "./simulation.ts";

/** More calls than any of these operations takes. */
const callsMax = 60;

type Prepare = (simulation: Simulation) => Promise<Asked>;

const operations: Readonly<Record<string, { prepare: Prepare; steps: readonly string[] }>> = {
  create: {
    prepare: async (simulation) => simulation.create(),
    steps: ["network", "machines", "bootstrap", "console"],
  },
  update: {
    prepare: async (simulation) => {
      await simulation.create("c1", { provisioningState: "Succeeded", unqueued: false });
      return simulation.update("c1", { team: "blue" });
    },
    steps: ["resize", "verify"],
  },
  delete: {
    prepare: async (simulation) => {
      await simulation.create("c1", { provisioningState: "Succeeded", unqueued: false });
      return simulation.remove();
    },
    steps: ["drain", "destroy"],
  },
};

/** Without repetitions that stand beside each other. */
function withoutRepeats(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names[index - 1] !== name);
}

async function untilNoMessages(simulation: Simulation): Promise<void> {
  await simulation.clock.advanceUntil(() => simulation.messages === 0, {
    limitMs: 2 * timing.visibilityMs,
    stepMs: 1_000,
  });
}

/** @returns whether the process was still alive at the end: it makes no more calls than that. */
async function crashAt(
  index: number,
  fault: Fault,
  { prepare, steps }: { readonly prepare: Prepare; readonly steps: readonly string[] },
): Promise<boolean> {
  await using simulation = await Simulation.open();
  const asked = await prepare(simulation);
  const first = simulation.start({
    name: "first",
    decide: (call) => (call.index === index ? fault : undefined),
  });
  await simulation.clock.advanceUntil(
    async () => first.faults.dead || (await simulation.record(asked)).status !== "InProgress",
    { stepMs: 500 },
  );
  await simulation.clock.settle();
  const survived = !first.faults.dead;
  first.kill();
  simulation.start({ name: "second" });
  const record = await simulation.untilEnded(asked, 60_000);

  expect(record.status).toBe("Succeeded");
  expect(record.percentComplete).toBe(100);
  expect(record.steps.map(({ name }) => name)).toEqual(steps);
  const begun = simulation.installer.begun(asked.operationId);
  expect(withoutRepeats(begun)).toEqual(steps);
  expect(begun.length).toBeLessThanOrEqual(steps.length + 1);
  const cluster = await simulation.cluster();
  if (record.operationKind === "delete") expect(cluster).toBeUndefined();
  else {
    expect(cluster).toMatchObject({ provisioningState: "Succeeded", work: { attempts: 0 } });
    expect(cluster?.applied).toEqual(cluster?.cluster);
  }
  // whatever messages are left end quietly
  await untilNoMessages(simulation);
  expect(await simulation.cluster()).toEqual(cluster);
  return survived;
}

describe.each(Object.entries(operations))("%s", (_kind, operation) => {
  test.each(["dieBefore", "dieAfter"] as const)(
    "survives a crash at every call of its process (%s)",
    async (fault) => {
      let index = 0;
      while (!(await crashAt(index, fault, operation))) {
        index += 1;
        expect(index).toBeLessThan(callsMax);
      }
      expect(index).toBeGreaterThan(15);
    },
  );
});

describe.each(Object.entries(operations).filter(([kind]) => kind !== "update"))(
  "%s",
  (_kind, { prepare, steps }) => {
    test.each(["unavailable", "unanswered", "hangBefore", "hangAfter", "conflict"] as const)(
      "survives one call that goes wrong, whichever it is (%s)",
      async (fault) => {
        for (let index = 0; ; index += 1) {
          await using simulation = await Simulation.open();
          const asked = await prepare(simulation);
          let hit = false;
          simulation.start({
            decide: (call) => {
              if (call.index !== index) return undefined;
              hit = true;
              return fault;
            },
          });
          const record = await simulation.untilEnded(asked, 90_000);
          expect(record.status).toBe("Succeeded");
          const begun = simulation.installer.begun(asked.operationId);
          expect(withoutRepeats(begun)).toEqual(steps);
          expect(begun.length).toBeLessThanOrEqual(steps.length + 1);
          if (!hit) {
            expect(index).toBeGreaterThan(15);
            break;
          }
          await untilNoMessages(simulation);
        }
      },
    );
  },
);
