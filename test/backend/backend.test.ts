/** The healthy way: every kind of operation reaches its end, step by step, and the role itself neither spins nor overshoots. */
import { expect, test } from "vitest";
import { sweepMarginMs } from "../../src/model/timing.ts";
import type { Queue } from "../../src/queue/queue.ts";
import { Simulation, timing } from "./simulation.ts";
import { done } from "./scriptedInstaller.ts";

test("a create runs its steps in order and becomes Succeeded in cluster and record together", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  const asked = await simulation.create();
  const record = await simulation.untilEnded(asked);
  expect(simulation.installer.begun(asked.operationId)).toEqual([
    "network",
    "machines",
    "bootstrap",
    "console",
  ]);
  expect(record).toMatchObject({ status: "Succeeded", percentComplete: 100 });
  expect(record.expiresAt).toBeGreaterThan(simulation.clock.now());
  expect(record.steps.map(({ name, phase, attempts }) => ({ name, phase, attempts }))).toEqual([
    { name: "network", phase: "prepare", attempts: 1 },
    { name: "machines", phase: "install", attempts: 1 },
    { name: "bootstrap", phase: "install", attempts: 1 },
    { name: "console", phase: "finish", attempts: 1 },
  ]);
  for (const step of record.steps) expect(step.endedAt).toBeDefined();
  const cluster = await simulation.cluster();
  expect(cluster).toMatchObject({
    provisioningState: "Succeeded",
    unqueued: false,
    work: { epoch: 1, attempts: 0 },
    installation: { network: 1, machines: 1, bootstrap: 1, console: 1 },
  });
  expect(cluster?.applied).toEqual(cluster?.cluster);
  await simulation.clock.settle();
  expect(simulation.messages).toBe(0);
  expect(await simulation.leaseRemainingMs(asked)).toBeUndefined();
  expect(process.lines("warn")).toEqual([]);
  expect(process.lines("error")).toEqual([]);
});

test("ARM-84: percentComplete moves with the steps and the state of the record is never ahead of the cluster", async () => {
  await using simulation = await Simulation.open();
  const seen: number[] = [];
  for (const step of ["network", "machines", "console"]) {
    simulation.installer.script(step, async () => {
      await simulation.clock.sleep(1_000);
      return done;
    });
  }
  simulation.start();
  const asked = await simulation.create();
  await simulation.clock.advanceUntil(
    async () => {
      const { percentComplete, status } = await simulation.record(asked);
      const cluster = await simulation.cluster();
      expect(cluster?.provisioningState === "Succeeded").toBe(status === "Succeeded");
      if (seen.at(-1) !== percentComplete) seen.push(percentComplete);
      return status === "Succeeded";
    },
    { stepMs: 100 },
  );
  expect(seen).toEqual([0, 25, 75, 100]);
});

test("a claim tells the sweep that somebody looks after the cluster", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async () => {
    await simulation.clock.sleep(1_000);
    return done;
  });
  simulation.start({ forwarder: false });
  const asked = await simulation.create();
  await simulation.clock.advance(5_000);
  await simulation.duplicate(asked);
  await simulation.untilBegun(asked, "network");
  const [begin] = simulation.installer.begins;
  expect((await simulation.cluster())?.sweepAfter).toBe(
    (begin?.at ?? 0) + sweepMarginMs(timing, 0),
  );
});

test("an update runs its own steps and makes the goal the reached one", async () => {
  await using simulation = await Simulation.open();
  simulation.start();
  await simulation.untilEnded(await simulation.create());
  const asked = await simulation.update("c1", { team: "blue" });
  const record = await simulation.untilEnded(asked);
  expect(record.status).toBe("Succeeded");
  expect(simulation.installer.begun(asked.operationId)).toEqual(["resize", "verify"]);
  const cluster = await simulation.cluster();
  expect(cluster?.applied?.tags).toEqual({ team: "blue" });
  expect(cluster?.work.epoch).toBe(2);
});

test("a delete removes the document and completes its record in one commit", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  await simulation.untilEnded(await simulation.create());
  const asked = await simulation.remove();
  const record = await simulation.untilEnded(asked);
  expect(record).toMatchObject({ status: "Succeeded", percentComplete: 100 });
  expect(await simulation.cluster()).toBeUndefined();
  expect(simulation.installer.begun(asked.operationId)).toEqual(["drain", "destroy"]);
  await simulation.clock.settle();
  expect(simulation.messages).toBe(0);
  expect(process.lines("error")).toEqual([]);
});

test("a cluster whose create never started is deleted all the same", async () => {
  await using simulation = await Simulation.open();
  const create = await simulation.create();
  const asked = await simulation.remove();
  simulation.start();
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  expect(await simulation.cluster()).toBeUndefined();
  expect(simulation.installer.begun(create.operationId)).toEqual([]);
});

test("an operation without any step reaches its goal at once", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.phases("update", {});
  simulation.start();
  await simulation.untilEnded(await simulation.create());
  const asked = await simulation.update("c1", { a: "b" });
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded", steps: [] });
});

test("a cluster that was deleted and created again is another incarnation to the steps", async () => {
  await using simulation = await Simulation.open();
  simulation.start();
  const first = await simulation.create();
  await simulation.untilEnded(first);
  await simulation.untilEnded(await simulation.remove());
  const second = await simulation.create();
  expect(await simulation.untilEnded(second)).toMatchObject({ status: "Succeeded" });
  const incarnations = new Set(
    simulation.installer.begins
      .filter(({ step }) => step === "network")
      .map(({ incarnationId }) => incarnationId),
  );
  expect(incarnations.size).toBe(2);
});

test("every step has a log line and an event with the ids of the operation and its place", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilEnded(asked);
  const line = process.log.find(({ message }) => message.includes("bootstrap done"));
  expect(line?.message).toBe("install: bootstrap done (step 3 of 4)");
  expect(line?.fields).toMatchObject({
    operationId: asked.operationId,
    resourceId: expect.stringContaining("/OpenShiftClusters/c1"),
    correlationId: "correlation of c1",
    requestId: `request of ${asked.operationId}`,
    stepNumber: 3,
    stepsTotal: 4,
    durationMs: expect.any(Number),
  });
  expect(process.stepEvents.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
    "network done",
    "machines done",
    "bootstrap done",
    "console done",
  ]);
});

test("with a forwarder in the process a commit is worked on without any time passing", async () => {
  await using simulation = await Simulation.open();
  simulation.start();
  await simulation.clock.advance(5_300);
  const begunAt = simulation.clock.now();
  const asked = await simulation.create();
  await simulation.clock.settle();
  expect((await simulation.record(asked)).status).toBe("Succeeded");
  expect(simulation.clock.now()).toBe(begunAt);
});

test("a step that wants to be called again soon doesn't wait for the next poll", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async (_context, run) =>
    run < 5 ? { done: false, againAfterMs: 50 } : done,
  );
  simulation.start();
  const begunAt = simulation.clock.now();
  const asked = await simulation.create();
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
    { stepMs: 10 },
  );
  expect(simulation.clock.now() - begunAt).toBeLessThan(400);
});

/** As Azure Storage has it: what is hidden is so for whole seconds, and the answer says so. */
function inWholeSeconds(queue: Queue): Queue {
  return {
    send: async (...given) => queue.send(...given),
    receive: async (...given) => queue.receive(...given),
    extend: async (message, { visibilityMs }) => {
      const hiddenMs = Math.ceil(visibilityMs / 1_000) * 1_000;
      return { ...(await queue.extend(message, { visibilityMs: hiddenMs })), hiddenMs };
    },
    complete: async (...given) => queue.complete(...given),
    depth: async (...given) => queue.depth(...given),
    ping: async (...given) => queue.ping(...given),
  };
}

test("nor does it on a queue that hides messages for whole seconds, and that is looked at more and more rarely", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async (_context, run) =>
    run < 5 ? { done: false, againAfterMs: 1_100 } : done,
  );
  simulation.start({
    queue: inWholeSeconds,
    polling: { intervalMs: 500, idleIntervalMs: 60_000 },
  });
  const begunAt = simulation.clock.now();
  const asked = await simulation.create();
  await simulation.clock.advanceUntil(
    async () => (await simulation.record(asked)).status === "Succeeded",
    { stepMs: 10 },
  );
  expect(simulation.clock.now() - begunAt).toBeLessThan(4 * 2_000 + 100);
});

test("a step that asks to be called again at once doesn't spin", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async () => ({ done: false, againAfterMs: 0 }));
  simulation.start();
  const asked = await simulation.create();
  await simulation.clock.advance(1_000);
  const runs = simulation.installer.begun(asked.operationId).length;
  expect(runs).toBeGreaterThan(10);
  expect(runs).toBeLessThanOrEqual(51);
});

test("B1: an idle backend asks the queue once per interval", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  await simulation.clock.advance(60_000);
  expect(process.faults.count("queue.receive")).toBeGreaterThanOrEqual(58);
  expect(process.faults.count("queue.receive")).toBeLessThanOrEqual(62);
});

test("seed 23: a failing queue is asked more and more rarely, however often it is nudged", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start({
    forwarder: false,
    decide: ({ name }) => (name === "queue.receive" ? "unavailable" : undefined),
  });
  for (let second = 0; second < 60; second += 1) {
    process.sent.notify();
    await simulation.clock.advance(1_000);
  }
  expect(process.faults.count("queue.receive")).toBeLessThanOrEqual(8);
  process.faults.decide = () => undefined;
  await simulation.clock.advance(20_000);
  const before = process.faults.count("queue.receive");
  await simulation.clock.advance(10_000);
  expect(process.faults.count("queue.receive") - before).toBeGreaterThanOrEqual(9);
});

test("seed 25: a queue that hangs is left alone after a while and asked again", async () => {
  await using simulation = await Simulation.open();
  let hung = false;
  simulation.start({
    decide: ({ name }) => {
      if (name !== "queue.receive" || hung) return undefined;
      hung = true;
      return "hangBefore";
    },
  });
  const asked = await simulation.create();
  expect(await simulation.untilEnded(asked, 20_000)).toMatchObject({ status: "Succeeded" });
});

test("seed 24: never more messages are in hand than there are slots", async () => {
  await using simulation = await Simulation.open();
  let running = 0;
  let most = 0;
  simulation.installer.script("network", async () => {
    running += 1;
    most = Math.max(most, running);
    await simulation.clock.sleep(700);
    running -= 1;
    return done;
  });
  const process = simulation.start({ workers: 3 });
  const asked = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => simulation.create(`c${n}`)),
  );
  await simulation.clock.advanceUntil(
    async () => {
      expect(process.backend.busy).toBeLessThanOrEqual(3);
      const records = await Promise.all(asked.map(async (one) => simulation.record(one)));
      return records.every(({ status }) => status === "Succeeded");
    },
    { stepMs: 100 },
  );
  expect(most).toBe(3);
  for (const { about } of process.faults.calls.filter(({ name }) => name === "queue.receive")) {
    expect((about as { max: number }).max).toBeLessThanOrEqual(3);
  }
});

test("a slot that gets free is used at once", async () => {
  await using simulation = await Simulation.open();
  simulation.start({ workers: 1 });
  const asked = [await simulation.create("c1"), await simulation.create("c2")];
  await simulation.clock.settle();
  for (const one of asked) expect((await simulation.record(one)).status).toBe("Succeeded");
});

test("two backends and two forwarders on one store run 50 clusters, each step exactly once", async () => {
  await using simulation = await Simulation.open();
  for (const step of ["network", "bootstrap"]) {
    simulation.installer.script(step, async () => {
      await simulation.clock.sleep(300);
      return done;
    });
  }
  const processes = ["A", "B"].map((name) => simulation.start({ name, workers: 10 }));
  const asked = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => simulation.create(`c${n}`)),
  );
  await simulation.clock.advanceUntil(
    async () => {
      const records = await Promise.all(asked.map(async (one) => simulation.record(one)));
      return records.every(({ status }) => status === "Succeeded");
    },
    { stepMs: 200, limitMs: 60_000 },
  );
  for (const { operationId } of asked) {
    expect(simulation.installer.begun(operationId)).toEqual(simulation.installer.names("create"));
  }
  expect(new Set(simulation.installer.begins.map(({ process }) => process)).size).toBe(2);
  for (const process of processes) expect(process.lines("error")).toEqual([]);
  await simulation.clock.advance(timing.visibilityMs);
  expect(simulation.messages).toBe(0);
});
