/** Whoever was superseded writes nothing more, whatever it was doing and however long it was asleep. */
import { describe, expect, test } from "vitest";
import type { StepContext } from "../../src/installers/installer.ts";
import { clusterLeaseName } from "../../src/model/leaseNames.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing, type SimulatedProcess } from "./simulation.ts";

/** A step that waits until it is let go, and notes what its context says then. */
class Gate {
  readonly #opened = Promise.withResolvers<void>();
  context: StepContext | undefined;

  async enter(context: StepContext): Promise<void> {
    this.context = context;
    await this.#opened.promise;
  }

  open(): void {
    this.#opened.resolve();
  }

  /** What a call of the step's context brings now: nothing, or the name of the error. */
  async tries(call: (context: StepContext) => unknown): Promise<string> {
    if (this.context === undefined) throw new Error("the step was not begun");
    try {
      await call(this.context);
      return "nothing";
    } catch (error) {
      return error instanceof Error ? error.name : "no error";
    }
  }
}

function commits(process: SimulatedProcess): number {
  return process.faults.count("store.commit");
}

describe("DELETE while creating", () => {
  test("the record says Canceled and the older worker writes nothing more", async () => {
    await using simulation = await Simulation.open();
    const gate = new Gate();
    simulation.installer.script("machines", async (context) => {
      await gate.enter(context);
      return done;
    });
    const worker = simulation.start({ name: "worker", forwarder: false });
    const create = await simulation.create();
    await simulation.duplicate(create);
    await simulation.untilBegun(create, "machines");
    const before = commits(worker);

    const removal = await simulation.remove();
    expect((await simulation.record(create)).status).toBe("Canceled");
    const canceled = await simulation.record(create);
    const deleting = await simulation.stored();
    gate.open();
    await simulation.clock.advance(timing.heartbeatMs);
    expect(simulation.installer.begun(create.operationId)).toEqual(["network", "machines"]);
    // at most the one write that finds out
    expect(commits(worker) - before).toBeLessThanOrEqual(1);
    expect(await simulation.stored()).toEqual(deleting);
    expect(await simulation.record(create)).toEqual(canceled);

    simulation.start({ name: "other" });
    expect(await simulation.untilEnded(removal)).toMatchObject({ status: "Succeeded" });
    expect(await simulation.cluster()).toBeUndefined();
    expect(await simulation.record(create)).toEqual(canceled);
    await simulation.clock.advance(2 * timing.visibilityMs);
    expect(simulation.messages).toBe(0);
  });

  test("a step in the middle is aborted by the next heartbeat, and the deletion begins right after", async () => {
    await using simulation = await Simulation.open();
    let reason: unknown;
    simulation.installer.script("machines", async ({ signal }) => {
      try {
        await simulation.clock.sleep(600_000, signal);
      } finally {
        reason = signal.reason;
      }
      return done;
    });
    const process = simulation.start();
    const create = await simulation.create();
    await simulation.untilBegun(create, "machines");
    const askedAt = simulation.clock.now();
    const removal = await simulation.remove();
    await simulation.untilBegun(removal, "drain");
    expect(reason).toMatchObject({ name: "SupersededError" });
    expect(simulation.clock.now() - askedAt).toBeLessThanOrEqual(2 * timing.heartbeatMs + 200);
    expect(await simulation.untilEnded(removal)).toMatchObject({ status: "Succeeded" });
    // somebody asked for it: nothing that an operator has to see
    expect(process.lines("warn")).toEqual([]);
    const told = process.log.filter(({ message }) => message.includes("lost the cluster"));
    expect(told).toMatchObject([{ level: "info" }]);
    expect(told[0]?.fields).not.toHaveProperty("error");
  });

  test("a deletion doesn't begin under a step that ignores its signal before the lease has run out", async () => {
    await using simulation = await Simulation.open();
    const gate = new Gate();
    simulation.installer.script("machines", async (context) => {
      await gate.enter(context);
      return done;
    });
    const process = simulation.start();
    const create = await simulation.create();
    await simulation.untilBegun(create, "machines");
    const removal = await simulation.remove();
    await simulation.untilBegun(removal, "drain");
    expect(process.lines("warn")).toContain(
      "a step goes on after it was left; its lease has to run out",
    );
    expect(await gate.tries((context) => context.guard())).toBe("SupersededError");
    expect(await gate.tries((context) => context.save({ installation: { late: true } }))).toBe(
      "SupersededError",
    );
    await simulation.untilEnded(removal);
    gate.open();
    await simulation.clock.advance(60_000);
    expect(await simulation.cluster()).toBeUndefined();
  });

  test("seed 6: a late success doesn't overwrite Deleting", async () => {
    await using simulation = await Simulation.open();
    const gate = new Gate();
    simulation.installer.script("console", async (context) => {
      await gate.enter(context);
      return done;
    });
    const worker = simulation.start({ name: "worker", forwarder: false });
    const create = await simulation.create();
    await simulation.duplicate(create);
    await simulation.untilBegun(create, "console");
    await simulation.remove();
    gate.open();
    await simulation.clock.advance(timing.heartbeatMs);
    expect((await simulation.cluster())?.provisioningState).toBe("Deleting");
    worker.kill();
  });
});

describe("a worker that pauses past its lease", () => {
  test.each(["the step ends first", "the heartbeat wakes first"])(
    "seed 4, 5: writes nothing more when it goes on (%s)",
    async (order) => {
      await using simulation = await Simulation.open();
      const gate = new Gate();
      let guarded = 0;
      simulation.installer.script("machines", async (context, run) => {
        if (run > 1) return done;
        await gate.enter(context);
        context.guard();
        guarded += 1;
        return done;
      });
      const paused = simulation.start({ name: "paused" });
      const asked = await simulation.create();
      await simulation.untilBegun(asked, "machines");
      paused.clock.pause();
      paused.faults.decide = () => "hangBefore";
      const other = simulation.start({ name: "other" });
      const record = await simulation.untilEnded(asked, 60_000);
      expect(record.status).toBe("Succeeded");
      const before = { cluster: await simulation.stored(), commits: commits(paused) };
      const begins = simulation.installer.begins.length;

      paused.faults.decide = () => undefined;
      if (order === "the step ends first") {
        gate.open();
        await simulation.clock.settle();
        paused.clock.resume();
      } else {
        paused.clock.resume();
        await simulation.clock.settle();
        gate.open();
      }
      await simulation.clock.advance(30_000);
      expect(commits(paused)).toBe(before.commits);
      expect(guarded).toBe(0);
      expect(simulation.installer.begins).toHaveLength(begins);
      expect(await simulation.stored()).toEqual(before.cluster);
      expect(await simulation.record(asked)).toEqual(record);
      expect(other.lines("error")).toEqual([]);
      expect(simulation.messages).toBe(0);
    },
  );

  test("while the other is still at it: one write is refused, no step is begun, and each step's result counts once", async () => {
    await using simulation = await Simulation.open();
    const gates = [new Gate(), new Gate()];
    simulation.installer.script("machines", async (context, run) => {
      await gates[run - 1]?.enter(context);
      // what was on its way when the pause came ends without asking
      return { done: true, changes: { installation: { machines: run } } };
    });
    const paused = simulation.start({ name: "paused" });
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "machines");
    paused.clock.pause();
    const other = simulation.start({ name: "other" });
    await simulation.untilBegun(asked, "machines", 2);
    const current = await simulation.stored();

    gates[0]?.open();
    await simulation.clock.settle();
    expect(await simulation.stored()).toEqual(current);
    paused.clock.resume();
    await simulation.clock.advance(3_000);
    // the heartbeat of the other doesn't write the document
    expect(await simulation.stored()).toEqual(current);
    gates[1]?.open();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect((await simulation.cluster())?.installation).toMatchObject({ machines: 2 });
    expect(simulation.installer.begun(asked.operationId)).toEqual([
      "network",
      "machines",
      "machines",
      "bootstrap",
      "console",
    ]);
    expect(other.lines("error")).toEqual([]);
    await simulation.clock.advance(2 * timing.visibilityMs);
    expect(simulation.messages).toBe(0);
  });

  test.each(["after a step", "in the middle of one"])(
    "and nobody took over: it begins nothing more under the old lease (%s)",
    async (when) => {
      await using simulation = await Simulation.open();
      const gate = new Gate();
      const held = Promise.withResolvers<void>();
      let commit = 0;
      simulation.installer.script("network", async (context, run) => {
        if (run > 1 || when === "after a step") return done;
        await gate.enter(context);
        try {
          context.guard();
        } catch {
          throw new Error("a step that hides why it failed");
        }
        return done;
      });
      const paused = simulation.start({
        name: "paused",
        decide: ({ name }) => {
          if (name !== "store.commit") return undefined;
          commit += 1;
          return commit === 2 && when === "after a step" ? { holdUntil: held.promise } : undefined;
        },
      });
      const asked = await simulation.create();
      await simulation.untilBegun(asked, "network");
      paused.clock.pause();
      await simulation.clock.advance(timing.leaseMs);
      held.resolve();
      gate.open();
      await simulation.clock.settle();
      expect(simulation.installer.begun(asked.operationId)).toEqual(["network"]);
      expect(commit).toBe(when === "after a step" ? 2 : 1);
      expect((await simulation.cluster())?.work.lastError).toBeUndefined();
      paused.clock.resume();
      expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
      expect((await simulation.cluster())?.work.epoch).toBe(2);
    },
  );

  test("a worker of a deleted cluster begins nothing on the one that took its name", async () => {
    await using simulation = await Simulation.open();
    const gate = new Gate();
    simulation.installer.script("drain", async (context, run) => {
      if (run === 1) await gate.enter(context);
      return done;
    });
    await simulation.create("c1", { provisioningState: "Succeeded", unqueued: false });
    const removal = await simulation.remove();
    const paused = simulation.start({ name: "paused" });
    await simulation.untilBegun(removal, "drain");
    paused.clock.pause();
    simulation.start({ name: "other" });
    await simulation.untilEnded(removal);
    const again = await simulation.create();
    await simulation.untilEnded(again);
    const before = await simulation.stored();
    const begins = simulation.installer.begins.length;
    gate.open();
    await simulation.clock.settle();
    paused.clock.resume();
    await simulation.clock.advance(30_000);
    expect(await simulation.stored()).toEqual(before);
    expect(simulation.installer.begins).toHaveLength(begins);
  });

  test("between taking the lease and claiming: it never claims without the lease", async () => {
    await using simulation = await Simulation.open();
    const gate = new Gate();
    simulation.installer.script("network", async (context) => {
      await gate.enter(context);
      return done;
    });
    const pause = Promise.withResolvers<void>();
    let held = false;
    const slow = simulation.start({
      name: "slow",
      decide: ({ name }) => {
        if (name !== "store.commit" || held) return undefined;
        held = true;
        return { holdUntil: pause.promise };
      },
    });
    const asked = await simulation.create();
    await simulation.clock.settle();
    expect(held).toBe(true);
    expect(await simulation.leaseRemainingMs(asked)).toBeGreaterThan(0);
    slow.clock.pause();
    simulation.start({ name: "other" });
    await simulation.untilBegun(asked, "network");
    const current = await simulation.stored();

    pause.resolve();
    await simulation.clock.settle();
    expect(await simulation.stored()).toEqual(current);
    expect(slow.faults.count("store.commit")).toBe(1);
    expect(slow.faults.count("store.renewLease")).toBe(1);
    slow.clock.resume();
    gate.open();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect((await simulation.cluster())?.work.epoch).toBe(1);
    expect(simulation.installer.begun(asked.operationId)).toHaveLength(4);
  });
});

test("a claim that meets a change re-reads, confirms its lease, and claims what is there now", async () => {
  await using simulation = await Simulation.open();
  const worker = simulation.start({ name: "worker", forwarder: false });
  let spoiled = 0;
  worker.faults.decide = ({ name }) => {
    if (name !== "store.commit" || spoiled >= 2) return undefined;
    spoiled += 1;
    return "conflict";
  };
  const asked = await simulation.create();
  await simulation.duplicate(asked);
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  expect(worker.faults.count("store.acquireLease")).toBe(1);
  const names = worker.faults.calls.map(({ name }) => name);
  const second = names.indexOf("store.commit", names.indexOf("store.commit") + 1);
  expect(names.slice(second - 3, second)).toEqual(["store.read", "store.renewLease", "store.read"]);
});

test("a claim that meets a DELETE gives the lease back and ends its message", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create();
  await simulation.duplicate(asked);
  const worker = simulation.start({ name: "worker", forwarder: false });
  let removed = false;
  worker.faults.decide = ({ name }) => {
    if (name !== "store.commit" || removed) return undefined;
    removed = true;
    return "hangBefore";
  };
  await simulation.clock.advanceUntil(() => removed);
  const removal = await simulation.remove();
  await simulation.clock.advance(timing.leaseMs + timing.heartbeatMs + 1_000);
  await simulation.clock.advance(timing.visibilityMs);
  expect(simulation.messages).toBe(0);
  expect(await simulation.leaseRemainingMs(removal)).toBeUndefined();
  expect(simulation.installer.begins).toEqual([]);
});

test("a lease that somebody else took over is noticed by the heartbeat, and the step is aborted", async () => {
  await using simulation = await Simulation.open();
  let reason: unknown;
  simulation.installer.script("network", async ({ signal }, run) => {
    if (run > 1) return done;
    try {
      await simulation.clock.sleep(600_000, signal);
    } finally {
      reason = signal.reason;
    }
    return done;
  });
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  const { work } = (await simulation.cluster()) ?? {};
  const name = clusterLeaseName(asked.key);
  await simulation.store.releaseLease({ name, owner: work?.owner ?? "" });
  await simulation.store.acquireLease({ name, owner: "a stranger", leaseMs: 10_000 });
  await simulation.clock.advance(timing.heartbeatMs);
  expect(reason).toMatchObject({ name: "LeaseLostError" });
  // the message was put back, not completed: it may be the only one
  await simulation.clock.settle();
  expect(simulation.messages).toBe(1);
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  expect(process.lines("error")).toEqual([]);
  expect(process.lines("warn")).toContain("this worker lost the cluster; it writes nothing more");
  expect(await simulation.leaseRemainingMs(asked)).toBeUndefined();
});
