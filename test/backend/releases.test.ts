/** Two releases side by side: what a newer one wrote is kept, and what this one can't handle is left alone. */
import { describe, expect, test } from "vitest";
import { clusterKey } from "../../src/model/resourceId.ts";
import type { Store } from "../../src/store/store.ts";
import { partition } from "../store/documents.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing } from "./simulation.ts";

/** What a newer release may have written, in the eyes of this one. */
type NewerMembers = Readonly<Record<string, unknown>>;

describe("a document that is too new", () => {
  test.each([
    ["marked so", { minimumSchemaVersion: 3 }],
    ["in a state that this release doesn't know", { provisioningState: "Maintaining" }],
    [
      "with a kind of operation that this release doesn't know",
      { operation: { id: "op", kind: "hibernate", correlationId: "c" } },
    ],
  ])(
    "(%s) is left untouched, and its message stays for a newer backend",
    async (_what, members) => {
      await using simulation = await Simulation.open();
      const process = simulation.start({ forwarder: false });
      const asked = await simulation.create("c1", members as NewerMembers);
      const operationId = (await simulation.cluster())?.operation.id ?? "";
      await simulation.duplicate({ ...asked, operationId });
      const other = await simulation.create("c2");
      await simulation.duplicate(other);
      const before = await simulation.stored();
      await simulation.clock.advance(5 * timing.visibilityMs);
      expect(await simulation.stored()).toEqual(before);
      expect(simulation.messages).toBe(1);
      expect(simulation.installer.begun(operationId)).toEqual([]);
      expect(process.lines("warn").length).toBeGreaterThanOrEqual(4);
      expect(process.lines("warn").length).toBeLessThanOrEqual(7);
      expect(process.faults.count("store.acquireLease")).toBe(1);
      // and nobody else suffers
      expect((await simulation.record(other)).status).toBe("Succeeded");
    },
  );

  test("(its record alone) is left untouched too", async () => {
    await using simulation = await Simulation.open();
    const process = simulation.start({ forwarder: false });
    const asked = await simulation.create();
    const key = { partition, id: asked.operationId };
    const record = await simulation.store.read("operation", key);
    if (record === undefined) throw new Error("no record");
    await simulation.store.commit(partition, [
      { replace: record, document: { ...record.document, minimumSchemaVersion: 9 } },
    ]);
    await simulation.duplicate(asked);
    const before = await simulation.stored();
    await simulation.clock.advance(2 * timing.visibilityMs);
    expect(await simulation.stored()).toEqual(before);
    expect(await simulation.leaseRemainingMs(asked)).toBeUndefined();
    expect(process.faults.count("store.commit")).toBe(0);
  });
});

/** A store as an older release sees it: this cluster is marked as not for it. */
function asOlder(name: string): (store: Store) => Store {
  const { id } = clusterKey({ subscriptionId: partition, resourceGroup: "rg", name });
  return (store) =>
    new Proxy(store, {
      get: (target, member: keyof Store) => {
        if (member !== "read") return (target[member] as () => unknown).bind(target);
        return async (...given: Parameters<Store["read"]>) => {
          const stored = await target.read(...given);
          if (given[1].id !== id || stored === undefined) return stored;
          return { ...stored, document: { ...stored.document, minimumSchemaVersion: 9 } };
        };
      },
    });
}

test("a newer backend gets the message, although an older one has its own moment to look just when it comes back", async () => {
  await using simulation = await Simulation.open();
  // by its own rhythm the older one would be the first to look at what it has put back
  simulation.start({ name: "old", store: asOlder("newer"), polling: { intervalMs: 1_300 } });
  const asked = await simulation.create("newer");
  await simulation.clock.advance(timing.visibilityMs);
  simulation.start({ name: "new", polling: { intervalMs: 700 } });
  const record = await simulation.untilEnded(asked, 2 * timing.visibilityMs);
  expect(record.status).toBe("Succeeded");
});

test("a cluster whose operation has no record is reported and left alone", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start({ forwarder: false });
  const asked = await simulation.create();
  const record = await simulation.store.read("operation", { partition, id: asked.operationId });
  if (record === undefined) throw new Error("no record");
  await simulation.store.commit(partition, [{ delete: record }]);
  await simulation.duplicate(asked);
  await simulation.clock.advance(2 * timing.visibilityMs);
  expect(process.lines("warn")).toContain("message put back: the operation has no record");
  expect(simulation.installer.begins).toEqual([]);
});

describe("a step that this release doesn't know", () => {
  test("is never success: it is tried again, until a release that knows it takes over", async () => {
    await using simulation = await Simulation.open();
    const old = simulation.start({ name: "old" });
    simulation.installer.phases("create", {
      prepare: ["network"],
      install: ["machines", "encrypt", "bootstrap"],
      finish: ["console"],
    });
    const asked = await simulation.create("c1", {
      work: { epoch: 3, attempts: 0, step: "encrypt", stepStartedAt: simulation.clock.now() },
    });
    await simulation.clock.advance(2_000);
    expect((await simulation.record(asked)).status).toBe("InProgress");
    expect((await simulation.cluster())?.work).toMatchObject({ step: "encrypt", attempts: 2 });
    await old.stop();
    simulation.start({ name: "new" });
    expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
    expect(simulation.installer.begun(asked.operationId)).toEqual([
      "encrypt",
      "bootstrap",
      "console",
    ]);
  });

  test("counts as attempts, and ends Failed with its name", async () => {
    await using simulation = await Simulation.open();
    simulation.start();
    const asked = await simulation.create("c1", {
      work: { epoch: 3, attempts: 0, step: "encrypt", stepStartedAt: simulation.clock.now() },
    });
    const record = await simulation.untilEnded(asked);
    expect(record).toMatchObject({ status: "Failed", error: { code: "TooManyAttempts" } });
    expect(record.error?.message).toContain("encrypt");
    expect(record.error?.message).toContain("does not know the step");
    expect(simulation.installer.begins).toEqual([]);
  });
});

test("seed 11: members that a newer release wrote survive the whole provisioning, at any depth", async () => {
  await using simulation = await Simulation.open();
  const id = clusterKey({ subscriptionId: partition, resourceGroup: "rg", name: "c1" }).id;
  simulation.installer.script("network", async (context, run) => {
    await context.save({
      installation: { intent: "made" },
      secrets: { kubeadminPassword: "pass word" },
    });
    return run === 1 ? { done: false, againAfterMs: 100 } : done;
  });
  simulation.installer.script("machines", async (_context, run) => {
    if (run === 1) throw new Error("not yet");
    return { done: true, changes: { apiserverUrl: "https://api.test" } };
  });
  const template = await simulation.create("template");
  const known = await simulation.cluster("template");
  if (known === undefined) throw new Error("no template");
  const newer = {
    schemaVersion: 7,
    fancy: { deep: [1, { x: null }] },
    cluster: {
      ...known.cluster,
      network: { ...known.cluster.network, ipv6: true },
      workers: known.cluster.workers.map((worker) => ({ ...worker, spot: { maxPrice: 1 } })),
      fips: true,
    },
    secrets: { ...known.secrets, newSecret: "kept" },
    work: { epoch: 0, attempts: 0, futureWork: "kept" },
    installation: { other: { kept: true } },
  };
  simulation.start();
  const asked = await simulation.create("c1", newer as NewerMembers);
  expect((await simulation.untilEnded(asked)).status).toBe("Succeeded");
  const cluster = await simulation.cluster();
  expect(cluster).toMatchObject({
    id,
    ...newer,
    work: { futureWork: "kept" },
    provisioningState: "Succeeded",
    applied: newer.cluster,
  });
  expect(cluster?.cluster.apiserverUrl).toBe("https://api.test");
  expect(cluster?.installation).toMatchObject({ other: { kept: true }, intent: "made" });
  expect(await simulation.untilEnded(template)).toMatchObject({ status: "Succeeded" });
});

test("the revision changes with what a GET shows, not with the bookkeeping", async () => {
  await using simulation = await Simulation.open();
  const revisions = new Set<string>();
  for (const step of simulation.installer.names("create")) {
    simulation.installer.script(step, async () => {
      revisions.add((await simulation.cluster())?.revision ?? "");
      return done;
    });
  }
  simulation.start();
  await simulation.untilEnded(await simulation.create());
  expect([...revisions]).toEqual(["1"]);
  expect((await simulation.cluster())?.revision).not.toBe("1");
});
