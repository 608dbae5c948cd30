/** A subscription whose flags can't be cleared for a while holds up no other, and none of its clusters is sent twice for that. */
import { expect, test, vi } from "vitest";
import { forwardUnqueued, type ForwardOptions } from "../../src/forwarder/forwardUnqueued.ts";
import { LeftBehind } from "../../src/forwarder/leftBehind.ts";
import { SetAside } from "../../src/forwarder/setAside.ts";
import { forwarderLeaseName } from "../../src/model/leaseNames.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import { untraced } from "../../src/runtime/traces.ts";
import type { Call } from "../backend/faults.ts";
import { Simulation, timing } from "../backend/simulation.ts";
import { clusterDocument, otherPartition, partition } from "../store/documents.ts";
import { forwarderOf, queued } from "./forwarderOf.ts";

/** Clears of this partition are put off. */
function isClearOf(call: Call, subscriptionId: string): boolean {
  return (
    call.name === "store.updateScheduling" && JSON.stringify(call.about).includes(subscriptionId)
  );
}

/** A cluster that waits, in a subscription that is listed after the other one. */
async function createElsewhere(simulation: Simulation, name: string): Promise<string> {
  const [operationId = ""] = await createIn(simulation, otherPartition, [name]);
  return operationId;
}

/** @returns their operations. */
async function createIn(
  simulation: Simulation,
  subscriptionId: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const documents = names.map((name) =>
    clusterDocument(name, {
      subscriptionId,
      operation: { id: simulation.id(), kind: "create", correlationId: "c" },
      nextAttemptAt: 0,
      sweepAfter: simulation.clock.now(),
    }),
  );
  await simulation.store.commit(
    subscriptionId,
    documents.map((create) => ({ create })),
  );
  return documents.map(({ operation }) => operation.id);
}

async function createMany(simulation: Simulation, count: number): Promise<readonly string[]> {
  const asked = await Promise.all(
    Array.from({ length: count }, async (_, number) => simulation.create(`c${number}`)),
  );
  return asked.map(({ operationId }) => operationId);
}

/** What a pass is given by a forwarder that holds its lease. */
function passOptions({ store, queue, clock }: Simulation): ForwardOptions {
  const never = new AbortController().signal;
  return {
    store,
    queue,
    clock,
    log: silentLog,
    timing,
    tracing: untraced({ store, queue }),
    setAside: new SetAside({ clock, firstWaitMs: timing.heartbeatMs }),
    leftBehind: new LeftBehind(() => {}),
    mayAct: () => true,
    leaseRemainingMs: () => timing.leaseMs,
    onSent: () => {},
    stop: never,
    signal: never,
  };
}

test("a subscription that is put off, with more than a page, doesn't keep the others, and is sent once each when it calms down", async () => {
  await using simulation = await Simulation.open();
  const slow = await createMany(simulation, 150);
  const other = await createElsewhere(simulation, "other");
  const { promise: holdUntil, resolve: calmDown } = Promise.withResolvers<void>();
  const forwarder = forwarderOf(simulation, "forwarder", (call) =>
    isClearOf(call, partition) ? { holdUntil } : undefined,
  );
  await simulation.clock.advance(2_000);
  const first = await queued(simulation);
  expect(first).toContain(other);
  // one page, and nothing more of it while that is left behind
  expect(forwarder.faults.calls.filter((call) => isClearOf(call, partition))).toHaveLength(100);
  const later = await createElsewhere(simulation, "later");
  await simulation.clock.advance(1_000);
  const second = await queued(simulation);
  expect(second).toEqual([later]);
  calmDown();
  await simulation.clock.advance(1_500);
  const all = [...first, ...second, ...(await queued(simulation))];
  expect(all.toSorted()).toEqual([...slow, other, later].toSorted());
  const messagesTold = forwarder.told.filter(([what]) => what === "sent");
  expect(messagesTold.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(152);
  expect([...forwarder.lines("error"), ...forwarder.lines("warn")]).toEqual([]);
});

test("a clear that hangs ends with the lease, and then its subscription goes on without a second message", async () => {
  await using simulation = await Simulation.open();
  const hung = await simulation.create("c1");
  let hasHung = false;
  const forwarder = forwarderOf(simulation, "forwarder", (call) => {
    if (!isClearOf(call, partition) || hasHung) return undefined;
    hasHung = true;
    return "hangBefore";
  });
  await simulation.clock.advance(1_500);
  const waiting = await simulation.create("c2");
  await simulation.clock.advance(1_000);
  expect(await queued(simulation)).toEqual([hung.operationId]);
  await simulation.clock.advance(timing.leaseMs + timing.heartbeatMs);
  expect(await queued(simulation)).toEqual([waiting.operationId]);
  await simulation.clock.advance(timing.leaseMs);
  expect(await queued(simulation)).toEqual([]);
  expect((await simulation.cluster("c1"))?.unqueued).toBe(false);
  expect(forwarder.faults.count("queue.send")).toBe(2);
});

test("what is left behind, or waits for that, keeps no looks frequent; when it ends there is one at once", async () => {
  await using simulation = await Simulation.open();
  await createMany(simulation, 250);
  const { promise: holdUntil, resolve: calmDown } = Promise.withResolvers<void>();
  const forwarder = simulation.start({
    backend: false,
    polling: { intervalMs: 100, idleIntervalMs: timing.heartbeatMs },
    decide: (call) => (isClearOf(call, partition) ? { holdUntil } : undefined),
  });
  await simulation.clock.advance(3_000);
  expect(simulation.messages).toBe(100);
  // of three pages, after 1, 1.1, 1.2, 1.4, 1.8 and 2.6 s; the next is due after 4.2 s
  expect(forwarder.faults.count("store.listUnqueued")).toBeLessThanOrEqual(18);
  calmDown();
  await simulation.clock.settle();
  expect(simulation.messages).toBe(250);
});

test("a message counts and is announced when it is on the queue, however long its flag takes", async () => {
  await using simulation = await Simulation.open();
  await simulation.create("c1");
  const forwarder = forwarderOf(simulation, "forwarder", (call) =>
    isClearOf(call, partition) ? "hangBefore" : undefined,
  );
  await simulation.clock.settle();
  const messagesTold = (): unknown => forwarder.told.filter(([what]) => what === "sent");
  expect(messagesTold()).toEqual([["sent", 1]]);
  expect(await forwarder.sent.wait(0, new AbortController().signal)).toBe(true);
  await simulation.clock.advance(120_000);
  expect(messagesTold()).toEqual([["sent", 1]]);
});

test.each([
  ["the lease", "heeds its signal"],
  ["the lease", "ignores its signal"],
  ["a stop", "heeds its signal"],
  ["a stop", "ignores its signal"],
])("a clear that ends with %s is told as such, by a store that %s too", async (end, kind) => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c1");
  simulation.store.updateScheduling = async (...[, , options]) => {
    const signal = options?.signal;
    const { promise, reject } = Promise.withResolvers<never>();
    if (kind === "heeds its signal") signal?.addEventListener("abort", () => reject(signal.reason));
    return promise;
  };
  const lines: (readonly string[])[] = [];
  const note = (level: string) => (_fields: unknown, message: string) =>
    lines.push([level, message]);
  const ids: unknown[] = [];
  const log: Log = {
    ...silentLog,
    child: (fields) => {
      ids.push(fields["operationId"]);
      return log;
    },
    debug: note("debug"),
    warn: note("warn"),
    error: note("error"),
  };
  const stop = new AbortController();
  const options = { ...passOptions(simulation), log, stop: stop.signal };
  const pass = forwardUnqueued(options);
  await simulation.clock.advance(timing.leaseMs - 1);
  expect(await pass).toMatchObject({ sent: 1 });
  expect(lines).toEqual([]);
  if (end === "a stop") stop.abort();
  await simulation.clock.advance(end === "a stop" ? 0 : 1);
  expect(lines).toEqual([
    end === "a stop"
      ? ["debug", "the process stops before it is forwarded: the next does it"]
      : ["warn", "not forwarded before the lease ended; it stays flagged and is tried again"],
  ]);
  expect(new Set(ids)).toEqual(new Set([asked.operationId]));
  expect(options.leftBehind.partitions.size).toBe(0);
});

test("an error that nobody expects is told, and holds up no other", async () => {
  await using simulation = await Simulation.open();
  await simulation.create("c1");
  const other = await simulation.create("c2");
  const lines: (readonly unknown[])[] = [];
  const log: Log = {
    ...silentLog,
    child: () => log,
    error: ({ error }, message) => lines.push([error, message]),
  };
  const bug = new TypeError("a bug");
  const options = passOptions(simulation);
  const enginesWithin = vi.fn(options.tracing.enginesWithin).mockImplementationOnce(() => {
    throw bug;
  });
  const pass = forwardUnqueued({ ...options, log, tracing: { ...options.tracing, enginesWithin } });
  expect(await pass).toEqual({ sent: 1, failed: 1 });
  expect(lines).toEqual([[bug, "could not be forwarded; it stays flagged and others go on"]]);
  expect(await queued(simulation)).toEqual([other.operationId]);
});

test("a send that is answered after a stop clears nothing any more", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c1");
  const { promise: holdUntil, resolve: answer } = Promise.withResolvers<void>();
  let held = 0;
  const forwarder = forwarderOf(simulation, "forwarder", ({ name }) =>
    name === "queue.send" && held++ === 0 ? { holdUntil } : undefined,
  );
  await simulation.clock.advance(500);
  const stopped = forwarder.stop();
  answer();
  await stopped;
  await simulation.clock.settle();
  expect(await queued(simulation)).toEqual([asked.operationId]);
  expect(forwarder.faults.count("store.updateScheduling")).toBe(0);
});

test("a message that is not taken is waited for, since the queue is the same for all", async () => {
  await using simulation = await Simulation.open();
  await simulation.create("c1");
  const other = await createElsewhere(simulation, "other");
  const { promise: holdUntil, resolve: answer } = Promise.withResolvers<void>();
  let held = 0;
  const forwarder = forwarderOf(simulation, "forwarder", ({ name }) =>
    name === "queue.send" && held++ === 0 ? { holdUntil } : undefined,
  );
  await simulation.clock.advance(3_000);
  expect(await queued(simulation)).toEqual([other]);
  expect(forwarder.faults.count("store.listUnqueued")).toBe(1);
  answer();
  await simulation.clock.advance(1_000);
  expect(forwarder.faults.count("store.listUnqueued")).toBeGreaterThan(1);
});

test("a cluster that was listed just before its flag was cleared after all is not sent again", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c1");
  const { store, clock } = simulation;
  const { promise: calm, resolve: calmDown } = Promise.withResolvers<void>();
  const updateScheduling = store.updateScheduling.bind(store);
  store.updateScheduling = async (...given) => {
    await calm;
    await updateScheduling(...given);
  };
  const shared = passOptions(simulation);
  const first = forwardUnqueued(shared);
  await clock.advanceUntil(() => shared.leftBehind.partitions.size > 0);
  expect(await first).toEqual({ sent: 1, failed: 0 });
  const { promise: listed, resolve: tellListed } = Promise.withResolvers<void>();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const listUnqueued = store.listUnqueued.bind(store);
  store.listUnqueued = async (...given) => {
    const page = await listUnqueued(...given);
    tellListed();
    await answered;
    return page;
  };
  const second = forwardUnqueued(shared);
  await listed;
  calmDown();
  await clock.advanceUntil(() => shared.leftBehind.partitions.size === 0);
  expect((await simulation.cluster("c1"))?.unqueued).toBe(false);
  answer();
  expect(await second).toEqual({ sent: 0, failed: 0 });
  expect(await queued(simulation)).toEqual([asked.operationId]);
});

test("a stop doesn't wait for what is left behind, and gives the lease back", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create("c1");
  const forwarder = forwarderOf(simulation, "forwarder", (call) =>
    isClearOf(call, partition) ? "hangBefore" : undefined,
  );
  await simulation.clock.advance(2_000);
  await forwarder.stop();
  expect(await simulation.store.leaseRemainingMs(forwarderLeaseName)).toBeUndefined();
  expect([...forwarder.lines("error"), ...forwarder.lines("warn")]).toEqual([]);
  forwarderOf(simulation, "next");
  await simulation.clock.advance(1_000);
  // who stops leaves it to the next, which can't know that it was sent
  expect(await queued(simulation)).toEqual([asked.operationId, asked.operationId]);
  expect((await simulation.cluster("c1"))?.unqueued).toBe(false);
});

test("many subscriptions that are put off share one patience, and beyond a number in flight one cluster of each is begun", async () => {
  await using simulation = await Simulation.open();
  const { store, clock } = simulation;
  const subscriptions = Array.from(
    { length: 7 },
    (_, number) => `00000000-0000-4000-8000-00000000000${number}`,
  );
  const calm = subscriptions.map(() => Promise.withResolvers<void>());
  const updateScheduling = store.updateScheduling.bind(store);
  store.updateScheduling = async (...given) => {
    await calm[subscriptions.indexOf(given[0].key.partition)]?.promise;
    await updateScheduling(...given);
  };
  const healthy = subscriptions[6] ?? "";
  calm[6]?.resolve();
  const full = Array.from({ length: 100 }, (_, number) => `c${number}`);
  for (const slow of subscriptions.slice(0, 6)) await createIn(simulation, slow, full);
  const operations = await createIn(simulation, healthy, ["c1", "c2", "c3"]);
  const options = passOptions(simulation);
  let isOver = false;
  const first = forwardUnqueued(options).finally(() => (isOver = true));
  await clock.advanceUntil(() => isOver, { limitMs: 2_000 });
  expect(await first).toEqual({ sent: 502, failed: 0 });
  expect(new Set(options.leftBehind.partitions)).toEqual(new Set(subscriptions.slice(0, 6)));
  const early = await queued(simulation);
  expect(operations.filter((id) => early.includes(id))).toHaveLength(1);
  calm[0]?.resolve();
  await clock.settle();
  expect(await forwardUnqueued(options)).toEqual({ sent: 2, failed: 0 });
  expect([...early, ...(await queued(simulation))]).toEqual(
    expect.arrayContaining([...operations]),
  );
});

test("it is full beyond a number in flight, until enough of it has ended", async () => {
  const leftBehind = new LeftBehind(() => {});
  const works = Array.from({ length: 500 }, () => Promise.withResolvers<void>());
  for (const [number, { promise }] of works.entries()) {
    expect(leftBehind.isFull).toBe(false);
    leftBehind.add(`subscription ${number % 2}`, promise);
  }
  expect(leftBehind.isFull).toBe(true);
  for (const [number, { resolve }] of works.entries()) if (number % 2 === 0) resolve();
  await Promise.resolve();
  expect(leftBehind.isFull).toBe(false);
  expect([...leftBehind.partitions]).toEqual(["subscription 1"]);
});
