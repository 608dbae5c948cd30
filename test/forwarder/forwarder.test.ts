/** What waits gets its message, once if all goes well and never not at all; what nobody looks after is found. */
import { describe, expect, test } from "vitest";
import { forwarderLeaseName } from "../../src/model/leaseNames.ts";
import { sweepMarginMs } from "../../src/model/timing.ts";
import type { Call } from "../backend/faults.ts";
import { done } from "../backend/scriptedInstaller.ts";
import { Simulation, timing } from "../backend/simulation.ts";
import { forwarderOf, queued } from "./forwarderOf.ts";
import { partition, subscriptionDocument } from "../store/documents.ts";

/** Whether a call is about this cluster. */
function isAbout(call: Call, name: string): boolean {
  return JSON.stringify(call.about).includes(`rg|${name}"`);
}

test("each waiting cluster gets one message, and its flag is cleared on the ETag read before the send", async () => {
  await using simulation = await Simulation.open();
  const one = await simulation.create("c1");
  const other = await simulation.create("c2");
  const etag = (await simulation.stored("c1"))?.etag;
  const forwarder = forwarderOf(simulation);
  await simulation.clock.settle();
  expect((await queued(simulation)).toSorted()).toEqual(
    [one.operationId, other.operationId].toSorted(),
  );
  const cluster = await simulation.cluster("c1");
  expect(cluster?.unqueued).toBe(false);
  expect(cluster?.sweepAfter).toBe(simulation.clock.now() + sweepMarginMs(timing, 0));
  const calls = forwarder.faults.calls.filter((call) => isAbout(call, "c1"));
  expect(calls.map(({ name }) => name)).toEqual(["store.updateScheduling"]);
  expect(calls[0]?.about).toMatchObject({ etag });
  const names = forwarder.faults.calls.map(({ name }) => name);
  expect(names.indexOf("queue.send")).toBeLessThan(names.indexOf("store.updateScheduling"));
  await simulation.clock.advance(5_000);
  expect(await queued(simulation)).toEqual([]);
});

test("more clusters than a page holds are all sent in one pass", async () => {
  await using simulation = await Simulation.open();
  await Promise.all(Array.from({ length: 230 }, async (_, n) => simulation.create(`c${n}`)));
  forwarderOf(simulation);
  await simulation.clock.settle();
  expect(new Set(await queued(simulation)).size).toBe(230);
});

test("what is to be tried later is sent with that delay", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c1", { nextAttemptAt: simulation.clock.now() + 5_000 });
  forwarderOf(simulation);
  await simulation.clock.advance(4_900);
  expect(await queued(simulation)).toEqual([]);
  await simulation.clock.advance(100);
  expect(await queued(simulation)).toEqual([asked.operationId]);
  expect((await simulation.cluster())?.sweepAfter).toBe(
    simulation.clock.now() + sweepMarginMs(timing, 0),
  );
});

test("seed 3: a request that comes between send and clear keeps its flag, and is sent", async () => {
  await using simulation = await Simulation.open();
  await simulation.create();
  const held = Promise.withResolvers<void>();
  let first = true;
  forwarderOf(simulation, "forwarder", ({ name }) => {
    if (name !== "store.updateScheduling" || !first) return undefined;
    first = false;
    return { holdUntil: held.promise };
  });
  await simulation.clock.advanceUntil(() => !first);
  const removal = await simulation.remove();
  held.resolve();
  await simulation.clock.advance(1_000);
  expect(await queued(simulation)).toContain(removal.operationId);
  expect(await simulation.cluster()).toMatchObject({
    unqueued: false,
    provisioningState: "Deleting",
    operation: { id: removal.operationId },
  });
});

test("B3: a cluster that is gone before its flag is cleared harms nobody", async () => {
  await using simulation = await Simulation.open();
  await simulation.create("c1");
  const other = await simulation.create("c2");
  const held = Promise.withResolvers<void>();
  let first = true;
  const forwarder = forwarderOf(simulation, "forwarder", (call) => {
    if (call.name !== "store.updateScheduling" || !isAbout(call, "c1")) return undefined;
    first = false;
    return { holdUntil: held.promise };
  });
  await simulation.clock.advanceUntil(() => !first);
  const stored = await simulation.stored("c1");
  if (stored === undefined) throw new Error("no cluster");
  await simulation.store.commit(stored.document.subscriptionId, [{ delete: stored }]);
  held.resolve();
  await simulation.clock.advance(5_000);
  expect(await queued(simulation)).toContain(other.operationId);
  expect(await simulation.cluster("c1")).toBeUndefined();
  expect(forwarder.lines("error")).toEqual([]);
});

describe("seed 12: a bad document doesn't stand in the way of others", () => {
  test.each(["unavailable", "unanswered", "conflict"] as const)(
    "when its flag can't be cleared (%s)",
    async (fault) => {
      await using simulation = await Simulation.open();
      await simulation.create("a-bad-one");
      const others = [await simulation.create("c1"), await simulation.create("c2")];
      const forwarder = forwarderOf(simulation, "forwarder", (call) =>
        call.name === "store.updateScheduling" && isAbout(call, "a-bad-one") ? fault : undefined,
      );
      await simulation.clock.advance(3_000);
      const sent = await queued(simulation);
      for (const { operationId } of others) {
        expect(sent.filter((id) => id === operationId)).toHaveLength(1);
      }
      expect((await simulation.cluster("c1"))?.unqueued).toBe(false);
      expect(forwarder.lines("error").length > 0).toBe(fault !== "conflict");
    },
  );

  test("when its message can't be made", async () => {
    await using simulation = await Simulation.open();
    await simulation.create("a-bad-one", {
      operation: { id: "x".repeat(50_000), kind: "create", correlationId: "c" },
    });
    const other = await simulation.create("c1");
    forwarderOf(simulation);
    await simulation.clock.advance(3_000);
    expect(await queued(simulation)).toEqual([other.operationId]);
    expect((await simulation.cluster("a-bad-one"))?.unqueued).toBe(true);
  });
});

test("while the queue is down the flags stay; when it is back everything is sent", async () => {
  await using simulation = await Simulation.open();
  const asked = [await simulation.create("c1"), await simulation.create("c2")];
  const forwarder = forwarderOf(simulation, "forwarder", ({ name }) =>
    name === "queue.send" ? "unavailable" : undefined,
  );
  await simulation.clock.advance(60_000);
  expect((await simulation.cluster("c1"))?.unqueued).toBe(true);
  // two for each pass, and the passes become rare
  expect(forwarder.faults.count("queue.send")).toBeLessThanOrEqual(16);
  forwarder.faults.decide = () => undefined;
  await simulation.clock.advanceUntil(() => simulation.messages > 0, { limitMs: 20_000 });
  await simulation.clock.advance(5_000);
  expect((await queued(simulation)).toSorted()).toEqual(
    asked.map(({ operationId }) => operationId).toSorted(),
  );
});

test("seed 25: a call that hangs is left before the lease ends, and forwarding goes on", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create();
  let hung = false;
  const forwarder = forwarderOf(simulation, "forwarder", ({ name }) => {
    if (name !== "store.listUnqueued" || hung) return undefined;
    hung = true;
    return "hangBefore";
  });
  await simulation.clock.advance(timing.leaseMs + 3_000);
  expect(await queued(simulation)).toEqual([asked.operationId]);
  expect(forwarder.faults.count("store.listUnqueued")).toBeGreaterThan(1);
});

test("an idle forwarder asks once per interval, and a failing store more and more rarely", async () => {
  await using simulation = await Simulation.open();
  const forwarder = forwarderOf(simulation);
  await simulation.clock.advance(30_000);
  expect(forwarder.faults.count("store.listUnqueued")).toBeLessThanOrEqual(32);
  expect(forwarder.faults.count("store.listUnattended")).toBeLessThanOrEqual(16);
  expect(forwarder.faults.count("store.listPurges")).toBeLessThanOrEqual(16);
  const before = forwarder.faults.calls.length;
  forwarder.faults.decide = () => "unavailable";
  for (let second = 0; second < 60; second += 1) {
    forwarder.committed.notify();
    await simulation.clock.advance(1_000);
  }
  expect(forwarder.faults.calls.length - before).toBeLessThanOrEqual(20);
});

test("a deleted subscription with more clusters than a pass begins to delete has its next pass at once", async () => {
  await using simulation = await Simulation.open();
  const names = Array.from({ length: 120 }, (_, n) => `c${n}`);
  for (const name of names) {
    await simulation.create(name, { provisioningState: "Succeeded", unqueued: false });
  }
  const purge = { since: simulation.clock.now(), nextAttemptAt: 0, retries: 0 };
  await simulation.store.commit(partition, [
    { create: subscriptionDocument(partition, { purge }) },
  ]);
  simulation.start({ backend: false, polling: { intervalMs: 50 } });
  await simulation.clock.advance(timing.heartbeatMs / 2);
  const states = await Promise.all(
    names.map(async (name) => (await simulation.cluster(name))?.provisioningState),
  );
  expect(new Set(states)).toEqual(new Set(["Deleting"]));
});

test("deleted subscriptions are looked for once per heartbeat, and at once after a commit of this process", async () => {
  await using simulation = await Simulation.open();
  const forwarder = forwarderOf(simulation);
  const looks = (): number => forwarder.faults.count("store.listPurges");
  await simulation.clock.settle();
  expect(looks()).toBe(1);
  await simulation.clock.advance(timing.heartbeatMs - 1_000);
  expect(looks()).toBe(1);
  forwarder.committed.notify();
  await simulation.clock.settle();
  expect(looks()).toBe(2);
  forwarder.faults.decide = ({ name }) => (name === "store.listPurges" ? "unavailable" : undefined);
  forwarder.committed.notify();
  await simulation.clock.settle();
  expect(looks()).toBe(3);
  // what failed is tried again without another nudge
  forwarder.faults.decide = () => undefined;
  const before = simulation.clock.monotonic();
  await simulation.clock.advanceUntil(() => looks() > 3);
  expect(simulation.clock.monotonic() - before).toBeLessThanOrEqual(2_000);
});

describe("the forwarder's lease", () => {
  test("lets one of two processes act", async () => {
    await using simulation = await Simulation.open();
    const forwarders = ["A", "B"].map((name) => forwarderOf(simulation, name));
    for (let n = 0; n < 20; n += 1) {
      await simulation.create(`c${n}`);
      await simulation.clock.advance(700);
    }
    const acted = forwarders.filter(({ faults }) => faults.count("queue.send") > 0);
    expect(acted).toHaveLength(1);
    expect(acted[0]?.faults.count("queue.send")).toBe(20);
  });

  test("B6: is released by a stop, so that another takes over at its next look", async () => {
    await using simulation = await Simulation.open();
    const first = forwarderOf(simulation, "first");
    await simulation.clock.advance(500);
    forwarderOf(simulation, "second");
    await simulation.clock.advance(3_000);
    await first.stop();
    expect(await simulation.store.leaseRemainingMs(forwarderLeaseName)).toBeUndefined();
    const asked = await simulation.create();
    await simulation.clock.advance(1_000);
    expect(await queued(simulation)).toEqual([asked.operationId]);
  });

  test("a stop in the middle of a pass is no error that an operator has to see", async () => {
    for (const held of ["queue.send", "store.updateScheduling"]) {
      await using simulation = await Simulation.open();
      const asked = await simulation.create();
      const { promise: holdUntil, reject: giveUp } = Promise.withResolvers<void>();
      const forwarder = forwarderOf(simulation, "forwarder", ({ name }) =>
        name === held ? { holdUntil } : undefined,
      );
      await simulation.clock.settle();
      const ended = forwarder.askToStop();
      giveUp(new DOMException("This operation was aborted", "AbortError"));
      await ended;
      await simulation.clock.settle();
      expect(forwarder.faults.count(held)).toBe(1);
      expect([...forwarder.lines("error"), ...forwarder.lines("warn")]).toEqual([]);
      expect((await simulation.cluster(asked.name))?.unqueued).toBe(true);
    }
  });

  test("runs out after a crash, and another takes over", async () => {
    await using simulation = await Simulation.open();
    const first = forwarderOf(simulation, "first");
    await simulation.clock.advance(500);
    forwarderOf(simulation, "second");
    await simulation.clock.advance(3_000);
    first.kill();
    const asked = await simulation.create();
    await simulation.clock.advance(timing.leaseMs + 1_000);
    expect(await queued(simulation)).toEqual([asked.operationId]);
  });

  test("is given back when nobody knows whether it was acquired", async () => {
    await using simulation = await Simulation.open();
    const asked = await simulation.create();
    let first = true;
    forwarderOf(simulation, "forwarder", ({ name }) => {
      if (name !== "store.acquireLease" || !first) return undefined;
      first = false;
      return "unanswered";
    });
    await simulation.clock.advance(2_500);
    expect(await queued(simulation)).toEqual([asked.operationId]);
  });

  test("is not acted under by a process that slept past it", async () => {
    await using simulation = await Simulation.open();
    const paused = forwarderOf(simulation, "paused");
    await simulation.clock.advance(500);
    paused.clock.pause();
    forwarderOf(simulation, "other");
    await simulation.clock.advance(timing.leaseMs + 2_000);
    await simulation.create();
    await simulation.clock.advance(1_000);
    expect(await queued(simulation)).toHaveLength(1);
    paused.clock.resume();
    await simulation.create("c2");
    await simulation.clock.advance(3_000);
    expect(paused.faults.count("queue.send")).toBe(0);
    expect(paused.lines("warn")).toContain("the forwarder's lease was lost");
  });
});

describe("the sweep", () => {
  test("flags what nobody looks after, each time with a longer margin", async () => {
    await using simulation = await Simulation.open();
    const asked = await simulation.create();
    forwarderOf(simulation);
    const flaggedAt: number[] = [];
    let sweeps = 0;
    await simulation.clock.advanceUntil(
      async () => {
        await simulation.loseMessages();
        const cluster = await simulation.cluster();
        if (cluster !== undefined && cluster.sweeps > sweeps) {
          sweeps = cluster.sweeps;
          flaggedAt.push(simulation.clock.now());
        }
        return sweeps === 4;
      },
      { stepMs: 500 },
    );
    const gaps = flaggedAt.slice(1).map((at, index) => at - (flaggedAt[index] ?? 0));
    for (const [index, gap] of gaps.entries()) {
      const marginMs = sweepMarginMs(timing, index + 1);
      expect(gap).toBeGreaterThanOrEqual(marginMs);
      expect(gap).toBeLessThanOrEqual(marginMs + timing.heartbeatMs + 1_500);
    }
    expect((await simulation.record(asked)).status).toBe("InProgress");
  });

  test("begins anew with its margin once a step was completed", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("machines", async (_context, run) =>
      run === 1 ? new Promise<never>(() => {}) : done,
    );
    const first = simulation.start({ name: "first" });
    // six messages of it were lost before
    const asked = await simulation.create("c1", { sweeps: 6 });
    await simulation.untilBegun(asked, "machines");
    first.kill();
    await simulation.loseMessages();
    simulation.start({ name: "second" });
    const record = await simulation.untilEnded(asked, 4 * timing.visibilityMs);
    expect(record).toMatchObject({ status: "Succeeded" });
  });

  test("leaves alone what somebody holds a lease on, however long it takes", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("network", async ({ signal }) => {
      await simulation.clock.sleep(300_000, signal);
      return done;
    });
    simulation.start();
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "network");
    await simulation.clock.advance(1_000);
    await simulation.loseMessages();
    const before = await simulation.stored();
    await simulation.clock.advance(250_000);
    expect(await simulation.stored()).toEqual(before);
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });

  test("leaves alone what is at rest, and what waits for its next attempt", async () => {
    await using simulation = await Simulation.open();
    const now = simulation.clock.now();
    await simulation.create("c1", { provisioningState: "Succeeded", unqueued: false });
    await simulation.create("c2", { unqueued: false, nextAttemptAt: now + 100_000 });
    await simulation.create("c3", { unqueued: false, sweepAfter: now + 100_000 });
    forwarderOf(simulation);
    const before = [await simulation.stored("c1"), await simulation.stored("c2")];
    await simulation.clock.advance(95_000);
    expect([await simulation.stored("c1"), await simulation.stored("c2")]).toEqual(before);
    expect(simulation.messages).toBe(0);
    await simulation.clock.advance(10_000);
    expect(simulation.messages).toBe(2);
  });

  test("goes on behind a document that it can't look at", async () => {
    await using simulation = await Simulation.open();
    await simulation.create("a-bad-one", { unqueued: false });
    const other = await simulation.create("c1", { unqueued: false });
    forwarderOf(simulation, "forwarder", (call) =>
      call.name === "store.leaseRemainingMs" && isAbout(call, "a-bad-one")
        ? "unavailable"
        : undefined,
    );
    await simulation.clock.advance(3_500);
    expect(await queued(simulation)).toEqual([other.operationId]);
  });

  test("finds more than a page holds", async () => {
    await using simulation = await Simulation.open();
    await Promise.all(
      Array.from({ length: 150 }, async (_, n) => simulation.create(`c${n}`, { unqueued: false })),
    );
    forwarderOf(simulation);
    await simulation.clock.advance(3_500);
    expect(simulation.messages).toBe(150);
  });
});
