/** What the fleet has to do is counted by one process, published for all, and looked at rarely while there is nothing. */
import { describe, expect, test } from "vitest";
import {
  activityIdleIntervalMs,
  activityIntervalMs,
  activityStaleMs,
  runningMax,
} from "../../src/model/activity.ts";
import {
  activityKey,
  activityKeys,
  schemaVersion,
  type ActivityDocument,
} from "../../src/model/document.ts";
import type { PageRequest, RunningOperation, Store } from "../../src/store/store.ts";
import { Backlog } from "../../src/frontend/backlog.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { activityOf } from "../../src/forwarder/activityReport.ts";
import { Simulation, timing, type SimulatedProcess } from "../backend/simulation.ts";

async function published(simulation: Simulation): Promise<ActivityDocument | undefined> {
  return (await simulation.store.read("activity", activityKey))?.document;
}

function forwarderOf(
  simulation: Simulation,
  decide: SimulatedProcess["faults"]["decide"] = () => undefined,
  name = "forwarder",
): SimulatedProcess {
  return simulation.start({ name, backend: false, decide });
}

function callsOf({ faults }: SimulatedProcess, name: string): number {
  return faults.calls.filter((call) => call.name === name).length;
}

function publications({ faults }: SimulatedProcess): number {
  return faults.calls.filter(
    ({ name, about }) => name === "store.publish" && JSON.stringify(about).includes('"activity"'),
  ).length;
}

test("what runs is told by kind and state, with the oldest and the queue's depth", async () => {
  await using simulation = await Simulation.open();
  const startedAt = simulation.clock.now() - 3_600_000;
  const operation = { id: "o", kind: "update", correlationId: "c", startedAt } as const;
  await simulation.create("a");
  await simulation.create("b");
  await simulation.create("c", { provisioningState: "Updating", operation });
  await simulation.create("d", { provisioningState: "Succeeded", unqueued: false });
  forwarderOf(simulation);
  await simulation.clock.advance(activityIntervalMs + 1_000);
  expect(await published(simulation)).toEqual({
    kind: "activity",
    id: "activity",
    subscriptionId: "provider",
    schemaVersion,
    publishedAt: expect.any(Number) as number,
    countMs: 0,
    activity: {
      running: [
        { kind: "create", state: "Creating", count: 2 },
        { kind: "update", state: "Updating", count: 1 },
      ],
      total: 3,
      isAtLeast: false,
      oldestStartedAt: startedAt,
      queuedMessages: 3,
    },
  });
});

test("with nothing to do there is one look and one write a minute", async () => {
  await using simulation = await Simulation.open();
  const forwarder = forwarderOf(simulation);
  await simulation.clock.advance(1_000);
  const minutes = 10;
  const before = ["store.listRunning", "queue.depth"].map((name) => callsOf(forwarder, name));
  const publishedBefore = publications(forwarder);
  await simulation.clock.advance(minutes * activityIdleIntervalMs);
  const after = ["store.listRunning", "queue.depth"].map((name) => callsOf(forwarder, name));
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([minutes, minutes]);
  expect(publications(forwarder) - publishedBefore).toBe(minutes);
  expect((await published(simulation))?.activity).toMatchObject({ total: 0, running: [] });
  // so that nobody takes it for stale
  expect(activityIdleIntervalMs * 2).toBeLessThan(activityStaleMs);
});

test("work that comes in is told within a quarter of a minute, and its end too", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  await simulation.clock.advance(20_000);
  expect((await published(simulation))?.activity.total).toBe(0);
  const held = Promise.withResolvers<void>();
  simulation.installer.script("network", async () => {
    await held.promise;
    return { done: true };
  });
  const asked = await simulation.create("c");
  await simulation.clock.advance(activityIntervalMs + 1_000);
  expect((await published(simulation))?.activity.total).toBe(1);
  const writes = publications(process);
  // nothing new: nothing is written before the minute is over
  await simulation.clock.advance(activityIntervalMs * 2);
  expect(publications(process)).toBe(writes);
  held.resolve();
  await simulation.untilEnded(asked);
  await simulation.clock.advance(activityIntervalMs + 1_000);
  expect((await published(simulation))?.activity.total).toBe(0);
});

test("what came and went between two counts is published all the same: frontends count from there", async () => {
  await using simulation = await Simulation.open();
  simulation.start();
  await simulation.clock.advance(1_000);
  const before = await published(simulation);
  await simulation.untilEnded(await simulation.create());
  await simulation.clock.advance(activityIntervalMs + 1_000);
  const after = await published(simulation);
  expect(after?.activity).toEqual(before?.activity);
  expect(after?.publishedAt).toBeGreaterThan(before?.publishedAt ?? 0);
});

test("only who holds the lease counts, and knows what was counted", async () => {
  await using simulation = await Simulation.open();
  const first = forwarderOf(simulation, undefined, "first");
  await simulation.clock.advance(1_000);
  const second = forwarderOf(simulation, undefined, "second");
  await simulation.clock.advance(5 * 60_000);
  expect(callsOf(second, "store.listRunning")).toBe(0);
  expect(callsOf(second, "queue.depth")).toBe(0);
  const at = (await published(simulation))?.publishedAt ?? 0;
  expect(first.forwarder?.activity).toMatchObject({ total: 0 });
  expect(second.forwarder?.activity).toBeUndefined();
  first.kill();
  await simulation.clock.advance(2 * 60_000);
  expect(callsOf(second, "store.listRunning")).toBeGreaterThan(0);
  expect(second.forwarder?.activity).toMatchObject({ total: 0 });
  expect((await published(simulation))?.publishedAt).toBeGreaterThan(at);
});

test("who has lost the lease tells nothing of the fleet, however fresh its count", async () => {
  await using simulation = await Simulation.open();
  let isCutOff = false;
  const { forwarder } = forwarderOf(simulation, ({ name }) =>
    isCutOff && name.endsWith("Lease") ? "unavailable" : undefined,
  );
  await simulation.clock.advance(1_000);
  expect(forwarder?.activity).toMatchObject({ total: 0 });
  isCutOff = true;
  await simulation.clock.advance(timing.leaseMs);
  expect(forwarder?.holdsLease).toBe(false);
  expect(forwarder?.activity).toBeUndefined();
});

test("who can't count any more forgets what it counted after minutes, though it holds the lease", async () => {
  await using simulation = await Simulation.open();
  let isBad = false;
  const { forwarder } = forwarderOf(simulation, ({ name }) =>
    isBad && name === "store.listRunning" ? "unavailable" : undefined,
  );
  await simulation.clock.advance(1_000);
  isBad = true;
  await simulation.clock.advance(activityStaleMs - 5_000);
  expect(forwarder?.activity).toMatchObject({ total: 0 });
  await simulation.clock.advance(10_000);
  expect(forwarder?.holdsLease).toBe(true);
  expect(forwarder?.activity).toBeUndefined();
});

/** A store whose running operations come in so many pages of one. */
function inPages(pages: number): (store: Store) => Store {
  return (store) =>
    new Proxy<Store>(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "listRunning") return value.bind(target) as unknown;
        return async ({ continuation = "1" }: PageRequest) => ({
          items: [{ kind: "create", state: "Creating" }],
          ...(Number(continuation) < pages ? { continuation: `${Number(continuation) + 1}` } : {}),
        });
      },
    });
}

test("a count that takes longer than a lease comes to its end, as the lease is renewed meanwhile", async () => {
  await using simulation = await Simulation.open();
  const forwarder = simulation.start({
    backend: false,
    store: inPages(10),
    decide: ({ name }) =>
      name === "store.listRunning" ? { holdUntil: simulation.clock.sleep(2_000) } : undefined,
  });
  await simulation.clock.advance(30_000);
  expect(await published(simulation)).toMatchObject({ countMs: 20_000, activity: { total: 10 } });
  expect(forwarder.lines("warn")).toEqual([]);
});

test("a count that doesn't come to its end is given up and told, about once a minute", async () => {
  await using simulation = await Simulation.open();
  const forwarder = simulation.start({
    backend: false,
    store: inPages(1_000),
    decide: ({ name }) =>
      name === "store.listRunning" ? { holdUntil: simulation.clock.sleep(5_000) } : undefined,
  });
  await simulation.clock.advance(10 * 60_000);
  expect(await published(simulation)).toBeUndefined();
  const told = forwarder.lines("warn");
  expect(new Set(told)).toEqual(new Set(["the activity could not be counted or published"]));
  expect(told.length).toBeGreaterThanOrEqual(8);
  expect(told.length).toBeLessThanOrEqual(10);
});

describe("whose lease runs out while it counts", () => {
  /** It answers so late that the usable part of the lease is over, but is no hanging call. */
  const lateMs = timing.leaseMs - 500;

  test.each([
    ["asks for no further page", 2],
    ["publishes nothing", 1],
  ])("%s", async (_title, pages) => {
    await using simulation = await Simulation.open();
    const forwarder = simulation.start({
      backend: false,
      store: inPages(pages),
      decide: ({ name }) => {
        if (name === "store.listRunning") return { holdUntil: simulation.clock.sleep(lateMs) };
        return name === "store.renewLease" ? "unavailable" : undefined;
      },
    });
    await simulation.clock.advance(lateMs + 1_000);
    expect(callsOf(forwarder, "store.listRunning")).toBe(1);
    expect(callsOf(forwarder, "store.publish")).toBe(0);
    expect(await published(simulation)).toBeUndefined();
  });
});

test("nothing of a count is asked for once the process has stopped", async () => {
  await using simulation = await Simulation.open();
  const forwarder = simulation.start({
    backend: false,
    store: inPages(3),
    decide: ({ name }) =>
      name === "store.listRunning" ? { holdUntil: simulation.clock.sleep(1_000) } : undefined,
  });
  await simulation.clock.advance(500);
  await forwarder.stop();
  const calls = forwarder.faults.calls.length;
  await simulation.clock.advance(60_000);
  expect(forwarder.faults.calls.length).toBe(calls);
  expect(forwarder.lines("warn")).toEqual([]);
});

describe("when the published document is damaged", () => {
  test("another takes its place, for frontends too, which is said once; mended, it is used again", async () => {
    await using simulation = await Simulation.open();
    await simulation.create("c");
    const former = forwarderOf(simulation, undefined, "former");
    await simulation.clock.advance(2_000);
    const whole = await simulation.store.read("activity", activityKey);
    await former.stop();
    await simulation.damageDocument(activityKey.id);
    const forwarder = forwarderOf(simulation);
    await simulation.clock.advance(3 * activityIdleIntervalMs);
    expect(forwarder.lines("error")).toEqual([
      "the document in which the activity is published is damaged, and another one takes its place; remove the damaged one",
    ]);
    expect(forwarder.lines("warn").filter((line) => line.includes("activity"))).toEqual([]);
    const backlog = new Backlog({
      store: simulation.store,
      clock: simulation.clock,
      limit: 1,
    });
    await expect(backlog.admit({ log: silentLog, logIds: {} })).rejects.toMatchObject({
      code: "TooManyOperations",
    });

    await simulation.replaceText(activityKey.id, JSON.stringify(whole?.document));
    await simulation.clock.advance(2 * activityIdleIntervalMs);
    expect((await published(simulation))?.publishedAt).toBeGreaterThan(
      simulation.clock.now() - 2 * activityIdleIntervalMs,
    );
  });

  test("and every substitute too, it is told, and forwarding goes on", async () => {
    await using simulation = await Simulation.open();
    for (const { id } of activityKeys) {
      const former = forwarderOf(simulation, undefined, `until ${id}`);
      await simulation.clock.advance(activityIdleIntervalMs);
      await former.stop();
      await simulation.damageDocument(id);
    }
    const forwarder = forwarderOf(simulation);
    await simulation.create("c");
    await simulation.clock.advance(activityIdleIntervalMs);
    expect((await simulation.cluster("c"))?.unqueued).toBe(false);
    expect(forwarder.lines("warn")).toContain("the activity could not be counted or published");
    const backlog = new Backlog({
      store: simulation.store,
      clock: simulation.clock,
      limit: 1,
    });
    await backlog.admit({ log: silentLog, logIds: {} });
    await backlog.admit({ log: silentLog, logIds: {} });
  });
});

describe("when something fails", () => {
  test.each(["unavailable", "unanswered", "conflict", "hangBefore", "hangAfter"] as const)(
    "in the write (%s), forwarding goes on, and it is published later",
    async (fault) => {
      await using simulation = await Simulation.open();
      let isBad = true;
      const forwarder = forwarderOf(simulation, ({ name }) =>
        isBad && name === "store.publish" ? fault : undefined,
      );
      await simulation.clock.advance(2_000);
      await simulation.create("c");
      await simulation.clock.advance(2_000);
      expect((await simulation.cluster("c"))?.unqueued).toBe(false);
      expect(forwarder.lines("error")).toEqual([]);
      isBad = false;
      await simulation.clock.advance(2 * activityIdleIntervalMs);
      expect((await published(simulation))?.activity.total).toBe(1);
    },
  );

  test.each(["unavailable", "hangBefore"] as const)(
    "in the queue (%s), the rest is published without its depth",
    async (fault) => {
      await using simulation = await Simulation.open();
      await simulation.create("c");
      forwarderOf(simulation, ({ name }) => (name === "queue.depth" ? fault : undefined));
      await simulation.clock.advance(activityIntervalMs + 1_000);
      const { activity } = (await published(simulation)) ?? {};
      expect(activity?.total).toBe(1);
      expect(activity).not.toHaveProperty("queuedMessages");
    },
  );

  test("a listing that hangs neither stops forwarding nor keeps the process from stopping", async () => {
    await using simulation = await Simulation.open();
    const forwarder = forwarderOf(simulation, ({ name }) =>
      name === "store.listRunning" ? "hangBefore" : undefined,
    );
    await simulation.clock.advance(60_000);
    await simulation.create("c");
    await simulation.clock.advance(2_000);
    expect((await simulation.cluster("c"))?.unqueued).toBe(false);
    const stopped = forwarder.askToStop();
    await simulation.clock.advance(1);
    await stopped;
    expect(forwarder.lines("error")).toEqual([]);
  });
});

test("members of a newer release stay, and what it has marked as not for us is left alone", async () => {
  await using simulation = await Simulation.open();
  const document: ActivityDocument & { readonly newer: string } = {
    kind: "activity",
    id: activityKey.id,
    subscriptionId: activityKey.partition,
    schemaVersion: 7,
    publishedAt: 1,
    activity: { running: [], total: 5, isAtLeast: false },
    newer: "kept",
  };
  const [stored] = await simulation.store.commit(activityKey.partition, [{ create: document }]);
  const first = forwarderOf(simulation, undefined, "first");
  await simulation.clock.advance(1_000);
  expect(await published(simulation)).toMatchObject({
    newer: "kept",
    schemaVersion: 7,
    activity: { total: 0 },
  });
  await first.stop();
  const present = await simulation.store.read("activity", activityKey);
  if (present === undefined) throw new Error("gone");
  expect(present.etag).not.toBe(stored.etag);
  const marked = { ...present.document, minimumSchemaVersion: 99 };
  await simulation.store.commit(activityKey.partition, [{ replace: present, document: marked }]);
  forwarderOf(simulation, undefined, "second");
  await simulation.clock.advance(2 * activityIdleIntervalMs);
  expect(await published(simulation)).toEqual(marked);
});

test("counting is given up at ten thousand, and says so", async () => {
  await using simulation = await Simulation.open();
  const running = (count: number): readonly RunningOperation[] =>
    Array.from({ length: count }, () => ({ kind: "create", state: "Creating" }));
  let asked = 0;
  simulation.store.listRunning = async ({ limit }) => {
    asked += 1;
    return { items: running(limit), continuation: "there is always more" };
  };
  forwarderOf(simulation);
  await simulation.clock.advance(1_000);
  expect((await published(simulation))?.activity).toEqual({
    running: [{ kind: "create", state: "Creating", count: runningMax }],
    total: runningMax,
    isAtLeast: true,
    queuedMessages: 0,
  });
  expect(asked).toBe(10);
});

test("the longer a count takes, the rarer it comes, but not so rare that it is taken for stale", async () => {
  await using simulation = await Simulation.open();
  const takesMs = 2_000;
  const forwarder = forwarderOf(simulation, ({ name }) =>
    name === "store.listRunning" ? { holdUntil: simulation.clock.sleep(takesMs) } : undefined,
  );
  await simulation.create("c");
  await simulation.clock.advance(10 * 60_000);
  // frontends must know, as what begins meanwhile may be missing
  expect((await published(simulation))?.countMs).toBe(takesMs);
  const counts = callsOf(forwarder, "store.listRunning");
  expect(counts).toBeGreaterThanOrEqual((10 * 60_000) / activityIdleIntervalMs);
  expect(counts).toBeLessThan((10 * 60_000) / (takesMs * 20));
});

test("what a newer release has put in is counted under its own names, what is missing as unknown", () => {
  const activity = activityOf(
    [
      { kind: "migrate", state: "Migrating", startedAt: 5 },
      {},
      { kind: "create", state: "Creating", startedAt: 7 },
      {},
    ],
    { isAtLeast: false },
  );
  expect(activity).toEqual({
    running: [
      { kind: "create", state: "Creating", count: 1 },
      { kind: "migrate", state: "Migrating", count: 1 },
      { kind: "unknown", state: "unknown", count: 2 },
    ],
    total: 4,
    isAtLeast: false,
    oldestStartedAt: 5,
  });
});
