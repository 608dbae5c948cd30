/** Writes of one claim stand in line, and each knows its own again. */
import { describe, expect, test } from "vitest";
import { saved } from "../../src/backend/changes.ts";
import { FencedCluster, SupersededError } from "../../src/backend/fencedCluster.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import { partition } from "../store/documents.ts";
import { Faults, FaultyStore } from "./faults.ts";
import { Simulation, timing } from "./simulation.ts";

async function claimed(simulation: Simulation, faults: Faults): Promise<FencedCluster> {
  const asked = await simulation.create("c1", {
    work: { epoch: 4, owner: "me", attempts: 1 },
    unqueued: false,
  });
  const cluster = await simulation.stored();
  const operation = await simulation.store.read("operation", {
    partition,
    id: asked.operationId,
  });
  if (cluster === undefined || operation === undefined) throw new Error("no documents");
  return new FencedCluster(
    {
      store: new FaultyStore(simulation.store, faults),
      clock: simulation.clock,
      ids: { guid: () => simulation.id() },
      timing,
    },
    { claim: { operationId: asked.operationId, epoch: 4, owner: "me" }, cluster, operation },
  );
}

/** Somebody else writes the document. */
async function overwrite(
  simulation: Simulation,
  work: Readonly<Record<string, unknown>>,
  members: Readonly<Partial<ClusterDocument>> = {},
): Promise<void> {
  const stored = await simulation.stored();
  if (stored === undefined) throw new Error("no cluster");
  const { document } = stored;
  await simulation.store.commit(partition, [
    { replace: stored, document: { ...document, ...members, work: { ...document.work, ...work } } },
  ]);
}

/** What it rejects with. */
async function failureOf(write: Promise<void>): Promise<unknown> {
  return write.then(
    () => "nothing",
    (error: unknown) => error,
  );
}

const running = new AbortController().signal;

test("writes that are begun together land one after the other", async () => {
  await using simulation = await Simulation.open();
  const faults = new Faults();
  const cluster = await claimed(simulation, faults);
  await Promise.all(
    Array.from({ length: 10 }, async (_, n) =>
      cluster.write(saved({ installation: { [`n${n}`]: n } }), running),
    ),
  );
  expect(faults.count("store.commit")).toBe(10);
  expect(Object.keys((await simulation.cluster())?.installation ?? {})).toHaveLength(10);
});

test("a flag of the sweep in between doesn't end the chain", async () => {
  await using simulation = await Simulation.open();
  const cluster = await claimed(simulation, new Faults());
  await overwrite(simulation, {});
  await cluster.write(saved({ installation: { mine: true } }), running);
  expect((await simulation.cluster())?.installation).toEqual({ mine: true });
});

test("a record is committed when it has changed, and only then", async () => {
  await using simulation = await Simulation.open();
  const cluster = await claimed(simulation, new Faults());
  const record = async () => {
    const id = cluster.current.operation.id;
    return simulation.store.read("operation", { partition, id });
  };
  const before = await record();
  await cluster.write(saved({ installation: { a: 1 } }), running);
  expect((await record())?.etag).toBe(before?.etag);
  await cluster.write(
    ({ cluster: document, operation }) => ({
      cluster: document,
      operation: { ...operation, percentComplete: 50 },
    }),
    running,
  );
  expect((await record())?.document.percentComplete).toBe(50);
  await cluster.write(saved({ installation: { b: 2 } }), running);
  expect((await simulation.cluster())?.installation).toEqual({ a: 1, b: 2 });
});

test("a record that somebody else has written meanwhile is read again before it is written", async () => {
  await using simulation = await Simulation.open();
  const cluster = await claimed(simulation, new Faults());
  const key = { partition, id: cluster.current.operation.id };
  const stored = await simulation.store.read("operation", key);
  if (stored === undefined) throw new Error("no record");
  await simulation.store.commit(partition, [
    { replace: stored, document: { ...stored.document, requestId: "another" } },
  ]);
  await cluster.write(saved({ installation: { a: 1 } }), running);
  await cluster.write(
    ({ cluster: document, operation }) => ({
      cluster: document,
      operation: { ...operation, percentComplete: 50 },
    }),
    running,
  );
  expect((await simulation.store.read("operation", key))?.document).toMatchObject({
    requestId: "another",
    percentComplete: 50,
  });
});

test("a newer claim fences a write that leaves the record alone", async () => {
  await using simulation = await Simulation.open();
  const cluster = await claimed(simulation, new Faults());
  await overwrite(simulation, { epoch: 5 });
  expect(await failureOf(cluster.write(saved({ installation: { a: 1 } }), running))).toBeInstanceOf(
    SupersededError,
  );
  expect((await simulation.cluster())?.installation).toEqual({});
});

describe.each([
  ["a newer epoch", { epoch: 5 }],
  ["another owner of the same epoch", { owner: "somebody" }],
])("%s", (_what, work) => {
  test("fences this one off for ever, even if all looks well again later", async () => {
    await using simulation = await Simulation.open();
    const faults = new Faults();
    const cluster = await claimed(simulation, faults);
    await overwrite(simulation, work);
    const write = async (): Promise<void> =>
      cluster.write(saved({ installation: { mine: true } }), running);
    await expect(write()).rejects.toMatchObject({ name: "SupersededError" });
    const calls = faults.calls.length;
    await overwrite(simulation, { epoch: 4, owner: "me" });
    await expect(write()).rejects.toMatchObject({ name: "SupersededError" });
    expect(faults.calls).toHaveLength(calls);
    expect((await simulation.cluster())?.installation).toEqual({});
  });
});

test("a newer operation fences it off, even if everything else is as it was", async () => {
  await using simulation = await Simulation.open();
  const cluster = await claimed(simulation, new Faults());
  const operation = { id: "a later one", kind: "delete", correlationId: "c" } as const;
  await overwrite(simulation, {}, { operation });
  await expect(
    cluster.write(saved({ installation: { mine: true } }), running),
  ).rejects.toMatchObject({ name: "SupersededError" });
  expect((await simulation.cluster())?.installation).toEqual({});
});

test("a document that is gone is no success of a write", async () => {
  await using simulation = await Simulation.open();
  const cluster = await claimed(simulation, new Faults());
  const stored = await simulation.stored();
  if (stored === undefined) throw new Error("no cluster");
  await simulation.store.commit(partition, [{ delete: stored }]);
  await expect(cluster.write(saved({}), running)).rejects.toMatchObject({
    name: "SupersededError",
  });
});

test("a write ends with its signal, also while it waits or hangs", async () => {
  await using simulation = await Simulation.open();
  const faults = new Faults();
  const cluster = await claimed(simulation, faults);
  for (const fault of ["hangBefore", "unavailable"] as const) {
    faults.decide = () => fault;
    const stop = new AbortController();
    const write = failureOf(cluster.write(saved({ installation: { mine: true } }), stop.signal));
    await simulation.clock.settle();
    stop.abort(new Error("enough"));
    expect(await write).toEqual(new Error("enough"));
  }
  faults.decide = () => undefined;
  await cluster.write(saved({ installation: { mine: true } }), running);
  expect((await simulation.cluster())?.installation).toEqual({ mine: true });
});

test("a store that always says no is not asked in a hot loop", async () => {
  await using simulation = await Simulation.open();
  const faults = new Faults();
  const cluster = await claimed(simulation, faults);
  faults.decide = ({ name }) => (name === "store.commit" ? "conflict" : undefined);
  const stop = new AbortController();
  const write = failureOf(cluster.write(saved({}), stop.signal));
  await simulation.clock.advance(10_000);
  expect(faults.count("store.commit")).toBeLessThan(20);
  stop.abort(new Error("enough"));
  expect(await write).toEqual(new Error("enough"));
});
