/** The wall clock is set back by an hour: nothing stands still for longer than it would have otherwise, and nothing is done twice. */
import { expect, test } from "vitest";
import { attemptWaitMaxMs } from "../../src/model/timing.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing } from "./simulation.ts";

const hourMs = 3_600_000;

test("while a process works: it goes on, and each step is begun once", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("machines", async ({ signal }) => {
    await simulation.clock.sleep(30_000, signal);
    return done;
  });
  simulation.start();
  simulation.start({ name: "B" });
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "machines");
  simulation.clock.setBack(hourMs);
  const other = await simulation.create("c2");
  expect(await simulation.untilEnded(asked, 40_000)).toMatchObject({ status: "Succeeded" });
  expect(await simulation.untilEnded(other, 40_000)).toMatchObject({ status: "Succeeded" });
  expect(simulation.installer.begun(asked.operationId)).toEqual(
    simulation.installer.names("create"),
  );
});

test("while nobody lives who held the leases and the message: another takes over as after any crash", async () => {
  await using simulation = await Simulation.open();
  let hangs = true;
  simulation.installer.script("machines", async () => (hangs ? new Promise(() => {}) : done));
  const first = simulation.start({ name: "first" });
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "machines");
  await simulation.clock.advance(10_000);
  first.kill();
  hangs = false;
  simulation.clock.setBack(hourMs);
  simulation.start({ name: "second" });
  const waiting = await simulation.create("c2");
  await simulation.untilEnded(asked, timing.visibilityMs + timing.leaseMs + 2_000);
  expect(await simulation.record(waiting)).toMatchObject({ status: "Succeeded" });
});

test.each(["there", "lost"] as const)(
  "while an operation waits for its next attempt, its message %s",
  async (message) => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) =>
      run === 1 ? { done: false, againAfterMs: 300_000 } : done,
    );
    simulation.start();
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    await simulation.clock.advance(1_000);
    expect((await simulation.cluster())?.nextAttemptAt).toBeGreaterThan(simulation.clock.now());
    if (message === "lost") await simulation.loseMessages();
    simulation.clock.setBack(hourMs);
    expect(await simulation.untilEnded(asked, 310_000)).toMatchObject({ status: "Succeeded" });
  },
);

test("while a step counts from its first start: it is not made longer", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("machines", async ({ now, startedAt }) =>
    now < startedAt + 20_000 ? { done: false, againAfterMs: 5_000 } : done,
  );
  simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "machines");
  await simulation.clock.advance(1_000);
  simulation.clock.setBack(hourMs);
  expect(await simulation.untilEnded(asked, 40_000)).toMatchObject({ status: "Succeeded" });
});

test("before an operation is forwarded again: it is not delayed by more than it may wait", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c1", { nextAttemptAt: simulation.clock.now() + hourMs });
  simulation.start();
  expect(await simulation.untilEnded(asked, 5_000)).toMatchObject({ status: "Succeeded" });
});

test("and nobody works: the sweep goes on at its usual pace", async () => {
  await using simulation = await Simulation.open();
  const later = simulation.clock.now() + hourMs;
  await simulation.create("c1", { unqueued: false, nextAttemptAt: later, sweepAfter: later });
  simulation.start({ backend: false });
  await simulation.clock.advance(hourMs);
  expect(simulation.messages).toBeGreaterThan(0);
  expect(simulation.messages).toBeLessThan(12);
});

test("a step that asks to be called again after longer than an operation may wait is asked earlier", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.deadlineMs = 3 * hourMs;
  simulation.installer.script("machines", async (_context, run) =>
    run === 1 ? { done: false, againAfterMs: hourMs } : done,
  );
  simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "machines");
  await simulation.clock.settle();
  const waitMs = ((await simulation.cluster())?.nextAttemptAt ?? 0) - simulation.clock.now();
  expect(waitMs).toBeLessThanOrEqual(attemptWaitMaxMs);
  expect(waitMs).toBeGreaterThan(attemptWaitMaxMs - 1_000);
  expect(await simulation.untilEnded(asked, attemptWaitMaxMs + 2_000)).toMatchObject({
    status: "Succeeded",
  });
});
