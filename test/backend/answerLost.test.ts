/** Writes that landed though nobody heard of it, calls that fail for a while, and heartbeats that come late. */
import { describe, expect, test } from "vitest";
import { forwarderLeaseName } from "../../src/model/leaseNames.ts";
import type { Call, Fault } from "./faults.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing } from "./simulation.ts";

/** The n-th commit of the process gets this fault. */
function nthCommit(n: number, fault: Fault): (call: Call) => Fault | undefined {
  let commits = 0;
  return ({ name }) => {
    if (name !== "store.commit") return undefined;
    commits += 1;
    return commits === n ? fault : undefined;
  };
}

describe("the answer is lost for", () => {
  // claim, network, machines, bootstrap, console with the end
  test.each([
    ["the claim", 1],
    ["a step", 2],
    ["another step", 4],
    ["the final commit", 5],
  ])("%s: it is recognised, and nothing is done twice", async (_what, n) => {
    await using simulation = await Simulation.open();
    const process = simulation.start({ decide: nthCommit(n, "unanswered") });
    const asked = await simulation.create();
    const record = await simulation.untilEnded(asked, 20_000);
    expect(record.status).toBe("Succeeded");
    expect(simulation.installer.begun(asked.operationId)).toEqual(
      simulation.installer.names("create"),
    );
    expect(record.steps.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
    expect(await simulation.cluster()).toMatchObject({ work: { epoch: 1, attempts: 0 } });
    expect(process.faults.count("store.commit")).toBe(5);
    await simulation.clock.advance(1_000);
    expect(simulation.messages).toBe(0);
  });

  test("the removal: the record tells that it happened", async () => {
    await using simulation = await Simulation.open();
    await simulation.create("c1", { provisioningState: "Succeeded", unqueued: false });
    const asked = await simulation.remove();
    const process = simulation.start({ decide: nthCommit(3, "unanswered") });
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect(await simulation.cluster()).toBeUndefined();
    await simulation.clock.advance(1_000);
    expect(process.lines("info")).toContain("delete succeeded");
    expect(simulation.messages).toBe(0);
  });

  test("the removal, and the cluster is created again before it is looked at", async () => {
    await using simulation = await Simulation.open();
    await simulation.create("c1", { provisioningState: "Succeeded", unqueued: false });
    const asked = await simulation.remove();
    const process = simulation.start({ forwarder: false, decide: nthCommit(3, "unanswered") });
    await simulation.duplicate(asked);
    await simulation.clock.advanceUntil(async () => (await simulation.cluster()) === undefined, {
      stepMs: 10,
    });
    const again = await simulation.create();
    await simulation.clock.advance(1_000);
    expect(process.lines("info")).toContain("delete succeeded");
    expect(await simulation.cluster()).toMatchObject({
      provisioningState: "Creating",
      operation: { id: again.operationId },
    });
  });
});

test("a write that was thought lost and lands late is taken for what it is", async () => {
  await using simulation = await Simulation.open();
  const late = Promise.withResolvers<void>();
  const process = simulation.start({ decide: nthCommit(2, { holdUntil: late.promise }) });
  const asked = await simulation.create();
  await simulation.clock.advance(timing.leaseMs - 1_000);
  expect(simulation.installer.begun(asked.operationId)).toEqual(["network"]);
  late.resolve();
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  expect(simulation.installer.begun(asked.operationId)).toEqual(
    simulation.installer.names("create"),
  );
  expect(process.lines("error")).toEqual([]);
});

test("a write that hangs while the heartbeat is healthy is read for and done again", async () => {
  await using simulation = await Simulation.open();
  simulation.start({ decide: nthCommit(3, "hangBefore") });
  const asked = await simulation.create();
  expect(await simulation.untilEnded(asked, 20_000)).toMatchObject({ status: "Succeeded" });
  expect(simulation.installer.begun(asked.operationId)).toEqual(
    simulation.installer.names("create"),
  );
});

test("a claim that fails gives its lease back, so that the next one needn't wait for it", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start({ decide: nthCommit(1, "unavailable") });
  const asked = await simulation.create();
  await simulation.clock.advance(timing.heartbeatMs - 100);
  expect(process.faults.count("store.acquireLease")).toBe(2);
  expect(await simulation.leaseRemainingMs(asked)).toBeUndefined();
  await simulation.clock.advance(200);
  expect((await simulation.record(asked)).status).toBe("Succeeded");
});

test.each(["store.read", "store.acquireLease", "store.commit"])(
  "a claim whose %s is never answered gives its slot back",
  async (name) => {
    await using simulation = await Simulation.open();
    let hung = false;
    simulation.start({
      workers: 1,
      decide: (call) => {
        const isForwarders = JSON.stringify(call.about).includes(forwarderLeaseName);
        if (hung || call.name !== name || isForwarders) return undefined;
        hung = true;
        return "hangBefore";
      },
    });
    const asked = await simulation.create();
    expect((await simulation.untilEnded(asked, 60_000)).status).toBe("Succeeded");
    expect(hung).toBe(true);
  },
);

test("a claim so slow that its lease is nearly over confirms the lease first", async () => {
  await using simulation = await Simulation.open();
  const slow = Promise.withResolvers<void>();
  let held = false;
  simulation.start({
    decide: ({ name, about }) => {
      if (held || name !== "store.read" || (about as { kind: string }).kind !== "operation") {
        return undefined;
      }
      held = true;
      return { holdUntil: slow.promise };
    },
  });
  const asked = await simulation.create();
  await simulation.clock.settle();
  // the time goes on while the call is under way
  simulation.clock.skip(timing.leaseMs - 600);
  slow.resolve();
  const record = await simulation.untilEnded(asked);
  expect(record).toMatchObject({ status: "Succeeded" });
  expect((await simulation.cluster())?.work.epoch).toBe(1);
});

test("a store that throttles for a while delays the work and fails nothing", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  const asked = await simulation.create();
  simulation.installer.script("machines", async () => {
    const until = simulation.clock.now() + 3_500;
    process.faults.decide = ({ name }) =>
      name.startsWith("store.") && simulation.clock.now() < until ? "unavailable" : undefined;
    return done;
  });
  const record = await simulation.untilEnded(asked, 30_000);
  expect(record.status).toBe("Succeeded");
  expect(simulation.installer.begun(asked.operationId)).toEqual(
    simulation.installer.names("create"),
  );
  expect((await simulation.cluster())?.work.epoch).toBe(1);
});

test("a store that is away for longer than a lease costs the claim, not the operation", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  const asked = await simulation.create();
  simulation.installer.script("machines", async () => {
    const until = simulation.clock.now() + 60_000;
    process.faults.decide = ({ name }) =>
      name.startsWith("store.") && simulation.clock.now() < until ? "unavailable" : undefined;
    simulation.installer.script("machines", async () => done);
    return done;
  });
  const record = await simulation.untilEnded(asked, 200_000);
  expect(record.status).toBe("Succeeded");
  expect(simulation.installer.begun(asked.operationId)).toEqual([
    "network",
    "machines",
    ...simulation.installer.names("create").slice(1),
  ]);
});

describe("a heartbeat", () => {
  test("that fails is tried again until shortly before the lease ends, and then all is well", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("network", async ({ signal }) => {
      await simulation.clock.sleep(20_000, signal);
      return done;
    });
    const process = simulation.start({ forwarder: false });
    const asked = await simulation.create();
    await simulation.duplicate(asked);
    await simulation.untilBegun(asked, "network");
    const until = simulation.clock.now() + 4_300;
    process.faults.decide = ({ name }) =>
      name === "store.renewLease" && simulation.clock.now() < until ? "unavailable" : undefined;
    const record = await simulation.untilEnded(asked);
    expect(record.steps[0]).toMatchObject({ name: "network", attempts: 1 });
    expect(process.lines("warn").length).toBeGreaterThan(3);
    expect((await simulation.cluster())?.work.epoch).toBe(1);
  });

  test("that fails for too long aborts the step before the store's lease ends", async () => {
    await using simulation = await Simulation.open();
    let abortedAt = 0;
    simulation.installer.script("network", async ({ signal }, run) => {
      if (run > 1) return done;
      try {
        await simulation.clock.sleep(600_000, signal);
      } finally {
        abortedAt = simulation.clock.now();
      }
      return done;
    });
    const process = simulation.start();
    const asked = await simulation.create();
    await simulation.untilBegun(asked, "network");
    const begunAt = simulation.clock.now();
    process.faults.decide = ({ name }) => (name === "store.renewLease" ? "unavailable" : undefined);
    await simulation.clock.advance(timing.leaseMs);
    expect(abortedAt).toBeGreaterThan(begunAt + timing.leaseMs / 2);
    expect(abortedAt).toBeLessThan(begunAt + timing.leaseMs);
    process.faults.decide = () => undefined;
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });

  test("that hangs doesn't outlive the lease", async () => {
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
    process.faults.decide = ({ name }) => (name === "store.renewLease" ? "hangBefore" : undefined);
    await simulation.clock.advance(timing.leaseMs);
    expect(reason).toMatchObject({ name: "LeaseLostError" });
    process.faults.decide = () => undefined;
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  });

  test("goes on noticing a DELETE while the queue is down", async () => {
    await using simulation = await Simulation.open();
    let reason: unknown;
    simulation.installer.script("network", async ({ signal }) => {
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
    process.faults.decide = ({ name }) => (name.startsWith("queue.") ? "unavailable" : undefined);
    await simulation.remove();
    await simulation.clock.advance(timing.heartbeatMs + 100);
    expect(reason).toMatchObject({ name: "SupersededError" });
  });

  test("keeps the message away from others during a long step", async () => {
    await using simulation = await Simulation.open();
    simulation.installer.script("network", async ({ signal }) => {
      await simulation.clock.sleep(120_000, signal);
      return done;
    });
    simulation.start({ name: "worker" });
    const other = simulation.start({ name: "other", forwarder: false });
    const asked = await simulation.create();
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect(simulation.installer.begun(asked.operationId)).toHaveLength(4);
    expect(other.faults.count("store.acquireLease")).toBeLessThanOrEqual(1);
  });
});
