/**
 * The store on Cosmos DB while the service puts off, refuses, loses and forgets: each rule of repetition, what is told when
 * nobody can know, and that no error shows what a request held.
 */
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CosmosStore } from "../../src/store/cosmosStore.ts";
import { callLimitMs } from "../../src/store/cosmosCalls.ts";
import {
  commitBytesMax,
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type CallOptions,
  type Store,
  type Stored,
} from "../../src/store/store.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import { openPeer, type CosmosFixture } from "./cosmosFixture.ts";
import type { Fault, PeerOperation } from "./cosmosPeer.ts";
import { clusterDocument, operationDocument, partition } from "./documents.ts";

const documents = "OpenShiftClusterDocuments";
const cluster = clusterDocument("c", { secrets: { pullSecret: "the-secret" } });
const key = { partition, id: cluster.id };

async function create(store: CosmosStore): Promise<Stored<ClusterDocument>> {
  const [stored] = await store.commit(partition, [{ create: cluster }]);
  return stored;
}

async function replace(store: CosmosStore, stored: Stored<ClusterDocument>, revision: string) {
  const document = { ...cluster, revision };
  const [next] = await store.commit(partition, [{ replace: stored, document }]);
  return next;
}

/** A peer with one cluster, whose requests count from here. */
async function openWithCluster(): Promise<CosmosFixture & { stored: Stored<ClusterDocument> }> {
  const fixture = await openPeer();
  const stored = await create(fixture.store);
  fixture.peer.requests.length = 0;
  return { ...fixture, stored };
}

/** The error of a call that must fail; nothing of it may tell what the request held. */
async function errorOf(call: Promise<unknown>): Promise<Error> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  const shown = inspect(error, { depth: 12, showHidden: true });
  for (const secret of ["the-secret", "kkkk", "asked with", "authorization"]) {
    expect(shown).not.toContain(secret);
  }
  return error;
}

/** Answers after which nobody knows whether the write was made; it was not. */
const lostBefore: readonly [string, Fault][] = [
  ["reset", { reset: "before" }],
  ["408", { status: 408 }],
  ["410", { status: 410 }],
  ["500", { status: 500 }],
  ["503", { status: 503 }],
  ["503 of something in between", { status: 503, text: "<html>the-secret</html>" }],
];
/** The same, and it was. */
const lostAfter: readonly [string, Fault][] = [
  ["reset", { reset: "after" }],
  ["408", { status: 408, effect: true }],
  ["410", { status: 410, effect: true }],
  ["503", { status: 503, effect: true }],
];

test.each<[string, Fault]>([
  ...lostBefore,
  ["429", { status: 429 }],
  ["449", { status: 449 }],
  // the replica that was asked is behind: nobody may take that for an absent document
  ["404/1002", { status: 404, headers: { "x-ms-substatus": "1002" } }],
])("a read is made again: %s", async (_name, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store, clock, stored } = fixture;
  peer.fail("read", fault, fault);
  expect(await store.read("cluster", key)).toEqual(stored);
  expect(peer.operations).toEqual(["read", "read", "read"]);
  // the SDK would do some of it by itself, in real seconds
  expect(clock.pauses).toHaveLength(2);
});

test.each<[string, Fault]>([...lostBefore.slice(0, 5), ["429", { status: 429 }]])(
  "a query is made again: %s",
  async (_name, fault) => {
    await using fixture = await openWithCluster();
    const { peer, store } = fixture;
    peer.fail("query", fault);
    expect((await store.listUnqueued({ limit: 5 })).items).toHaveLength(1);
    expect(peer.operations.filter((operation) => operation === "query")).toHaveLength(2);
  },
);

test.each([429, 449])("a write that was put off is made again at once: %i", async (status) => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { status });
  await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "batch"]);
});

test.each([429, 449])("a batch may be put off by one of its writes: %i", async (status) => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const results = [{ statusCode: 424 }, { statusCode: status }];
  peer.fail("batch", { status: 207, text: JSON.stringify(results) });
  await store.commit(partition, [
    { replace: stored, document: { ...cluster, revision: "2" } },
    { create: operationDocument("o") },
  ]);
  expect(peer.operations).toEqual(["batch", "batch"]);
});

test("a batch that is put off by one of its writes is put off for as long as that says", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, clock, stored } = fixture;
  const results = [{ statusCode: 429, subStatusCode: 3200, retryAfterMilliseconds: 1234 }];
  peer.fail("batch", { status: 207, text: JSON.stringify(results) });
  await replace(store, stored, "2");
  expect(clock.pauses).toEqual([1_234]);
});

test("a container that is gone is no conflict, also when one of a batch's writes says so", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const results = [{ statusCode: 404, subStatusCode: 1003 }];
  peer.fail("batch", { status: 207, text: JSON.stringify(results) });
  expect(await errorOf(replace(store, stored, "2"))).toBeInstanceOf(StoreUnavailableError);
});

test.each<[string, Fault]>([
  ["200 and nothing", { status: 200, text: "" }],
  ["200 and null", { status: 200, text: "null" }],
  ["200 and a list", { status: 200, text: "[]" }],
  ["200 and no item", { status: 200, text: "{}" }],
  ["204", { status: 204, text: "" }],
])("an answer without an item is no absent one: %s", async (_name, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store, other, stored } = fixture;
  peer.fail("read", fault);
  expect(await store.read("cluster", key)).toEqual(stored);
  expect(peer.operations).toEqual(["read", "read"]);
  await store.acquireLease({ name: "forwarder", owner: "me", leaseMs: 10_000 });
  peer.fail("read", fault);
  expect(await other.leaseRemainingMs("forwarder")).toBeGreaterThan(5_000);
});

test.each<[string, Fault]>([
  ["200 and nothing", { status: 200, text: "" }],
  ["200 and null", { status: 200, text: "null" }],
  ["200 and no page", { status: 200, text: "{}" }],
  ["204", { status: 204, text: "" }],
])("an answer without a page is no empty one: %s", async (_name, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store } = fixture;
  peer.fail("query", fault);
  expect((await store.listUnqueued({ limit: 5 })).items).toHaveLength(1);
  peer.fail("query", fault);
  expect((await store.listClusters({ partition }, { limit: 5 })).items).toHaveLength(1);
});

test("a scan that finds nothing for long gives back how far it has come", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, clock } = fixture;
  const empty = {
    status: 200,
    text: JSON.stringify({ Documents: [] }),
    headers: { "x-ms-continuation": "after:0" },
  };
  peer.fail("query", ...Array.from({ length: 20 }, () => empty));
  const scan = store.listUnqueued({ limit: 5 });
  let scanned = false;
  void scan.finally(() => (scanned = true));
  while (!scanned) {
    await Promise.race([peer.arrival("query"), scan]);
    clock.skip(1_000);
  }
  const { items, continuation } = await scan;
  expect(items).toEqual([]);
  expect(continuation).toBeDefined();
  expect(clock.monotonic()).toBeLessThan(callLimitMs / 2);
});

test("an answer that leaves out one of the writes is none", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { status: 200, effect: true, text: "[]" });
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read"]);
  expect(await store.read("cluster", key)).toEqual(next);
});

test("an answer without the new ETag is none: nothing may be written without one", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { status: 200, effect: true, text: '[{"statusCode":200}]' });
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read"]);
  expect(next.etag).toBe(peer.item(documents, partition, cluster.id)?.["_etag"]);
});

test("an answer that gives no reason why nothing was written is none", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { status: 207, text: '[{"statusCode":424}]' });
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read", "batch"]);
  expect(await store.read("cluster", key)).toEqual(next);
});

test("without an ETag nothing is asked for", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  for (const etag of [undefined, ""]) {
    const without = { ...stored, etag: etag as never };
    const reference = { key, etag: etag as never, operationId: "o", nextAttemptAt: 0, sweeps: 0 };
    for (const call of [
      store.commit(partition, [{ delete: without }]),
      store.commit(partition, [{ replace: without, document: cluster }]),
      store.updateScheduling(reference, { unqueued: false, sweepAfter: 1, sweeps: 0 }),
    ]) {
      expect(await errorOf(call)).toBeInstanceOf(TypeError);
    }
  }
  expect(peer.operations).toEqual([]);
});

/** What may become of a request, apart from hanging; `late` is lost on its way and arrives just before the next one. */
const becomes = [
  "answered",
  "reset",
  "resetAfter",
  "late",
  "408",
  "410",
  "503After",
  "429",
  "403",
] as const;

function faultsOf(fates: readonly (typeof becomes)[number][], refused: number): readonly Fault[] {
  return fates.flatMap((fate): readonly Fault[] => {
    switch (fate) {
      case "answered":
        return [];
      case "reset":
        return [{ reset: "before" }];
      case "resetAfter":
        return [{ reset: "after" }];
      case "late":
        return [{ reset: "before" }, { status: refused, effect: true }];
      case "408":
        return [{ status: 408 }];
      case "410":
        return [{ status: 410 }];
      case "503After":
        return [{ status: 503, effect: true }];
      case "429":
        return [{ status: 429 }];
      case "403":
        return [{ status: 403 }];
    }
  });
}

test("whatever becomes of the requests, what a commit says of itself is true", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  let count = 0;
  const told = new Set<string>();
  const fates = fc.array(fc.constantFrom(...becomes), { maxLength: 12 });
  const kinds = fc.constantFrom("create", "replace", "delete", "stale");
  await fc.assert(
    fc.asyncProperty(kinds, fates, fates, async (kind, ofBatches, ofReads) => {
      count += 1;
      const before = clusterDocument(`c${count}`);
      const record = operationDocument(`o${count}`);
      const after = { ...before, revision: "2" };
      const stored =
        kind === "create" ? undefined : (await store.commit(partition, [{ create: before }]))[0];
      if (kind === "stale" && stored !== undefined) {
        await store.commit(partition, [{ replace: stored, document: before }]);
      }
      const untouched = peer.item(documents, partition, before.id)?.["_etag"];
      peer.fail("batch", ...faultsOf(ofBatches, kind === "create" ? 409 : 412));
      peer.fail(
        "read",
        ...faultsOf(
          ofReads.filter((fate) => fate !== "late"),
          0,
        ),
      );
      const change =
        stored === undefined
          ? { create: after }
          : kind === "delete"
            ? { delete: stored }
            : { replace: stored, document: after };
      const committing = store.commit(partition, [change, { create: record }]);
      const [outcome] = await Promise.allSettled([committing]);
      peer.forgive();
      const isWritten = peer.item(documents, partition, record.id) !== undefined;
      const now = peer.item(documents, partition, before.id);
      if (outcome.status === "fulfilled") {
        expect(isWritten).toBe(true);
        const [changed] = outcome.value as readonly (Stored | undefined)[];
        expect(changed?.etag).toBe(now?.["_etag"]);
        told.add("written");
      } else if (outcome.reason instanceof StoreOutcomeUnknownError) {
        told.add("unknown");
      } else {
        const { reason } = outcome;
        const names = [StoreConflictError, StoreUnavailableError];
        expect(names.some((name) => reason instanceof name)).toBe(true);
        expect(isWritten).toBe(false);
        expect(now?.["_etag"]).toBe(untouched);
        told.add(reason instanceof StoreConflictError ? "conflict" : "unavailable");
        // nobody is in its way: only the stale one may be told so
        if (kind !== "stale") expect(reason).toBeInstanceOf(StoreUnavailableError);
      }
    }),
    {
      numRuns: 150,
      // one of each outcome: chance alone would leave out the conflict once in two hundred times
      examples: [
        ["replace", [], []],
        ["replace", ["403"], []],
        ["replace", ["resetAfter"], ["403"]],
        ["stale", [], []],
      ],
    },
  );
  // each of them has come up, else it would show nothing
  expect([...told].toSorted()).toEqual(["conflict", "unavailable", "unknown", "written"]);
});

test("429 is waited for as long as the service says", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, clock, stored } = fixture;
  peer.fail("batch", { status: 429, headers: { "x-ms-retry-after-ms": "1234" } });
  await replace(store, stored, "2");
  expect(clock.pauses).toEqual([1_234]);
});

test("pauses grow as well when the service names none to speak of", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, clock } = fixture;
  const fault = { status: 429, headers: { "x-ms-retry-after-ms": "0" } };
  peer.fail("read", ...Array.from({ length: 4 }, () => fault));
  await store.read("cluster", key);
  expect(clock.pauses).toEqual([37.5, 75, 150, 300]);
});

test("pauses that the service doesn't name grow", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, clock } = fixture;
  peer.fail("read", ...Array.from({ length: 4 }, () => ({ status: 503 })));
  await store.read("cluster", key);
  expect(clock.pauses).toEqual([37.5, 75, 150, 300]);
});

test("429 beyond the budget: unavailable, with the time to wait", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const fault = { status: 429, headers: { "x-ms-retry-after-ms": String(callLimitMs) } };
  peer.fail("read", fault);
  peer.fail("batch", fault);
  for (const call of [store.read("cluster", key), replace(store, stored, "2")]) {
    const error = await errorOf(call);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error).toHaveProperty("retryAfterMs", callLimitMs);
  }
  expect(peer.item(documents, partition, cluster.id)?.["_etag"]).toBe(stored.etag);
});

test("attempts are bounded", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const always = Array.from({ length: 50 }, () => ({ status: 429 }));
  peer.fail("batch", ...always);
  expect(await errorOf(replace(store, stored, "2"))).toBeInstanceOf(StoreUnavailableError);
  expect(peer.operations).toHaveLength(10);
});

test.each([400, 401, 403])("what is refused is not asked again: %i", async (status) => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { status });
  peer.fail("read", { status });
  expect(await errorOf(replace(store, stored, "2"))).toBeInstanceOf(StoreUnavailableError);
  expect(await errorOf(store.read("cluster", key))).toBeInstanceOf(StoreUnavailableError);
  expect(peer.operations).toEqual(["batch", "read"]);
});

test("a container that is gone is no absent document", async () => {
  await using fixture = await openWithCluster();
  const { peer, store } = fixture;
  peer.fail("read", { status: 404, headers: { "x-ms-substatus": "1003" } });
  expect(await errorOf(store.read("cluster", key))).toBeInstanceOf(StoreUnavailableError);
});

test.each<[string, Fault]>([
  ["a fault that tells what was asked", { status: 500 }],
  ["a page in place of JSON", { status: 200, text: "the-secret" }],
])("no error shows what the answer held: %s", async (_name, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const always = Array.from({ length: 50 }, () => fault);
  peer.fail("read", ...always);
  peer.fail("batch", ...always);
  expect(await errorOf(store.read("cluster", key))).toBeInstanceOf(StoreUnavailableError);
  expect(await errorOf(replace(store, stored, "2"))).toBeInstanceOf(StoreOutcomeUnknownError);
});

test("an error keeps nothing that the SDK has hung on it, such as its record of requests", async () => {
  await using fixture = await openWithCluster();
  const { peer, store } = fixture;
  peer.fail("read", ...Array.from({ length: 50 }, (): Fault => ({ reset: "before" })));
  const { cause } = await errorOf(store.read("cluster", key));
  expect(Object.keys(cause as object).toSorted()).toEqual(
    ["kind", "name", "requestUnits", "retryAfterMs", "status"].toSorted(),
  );
});

test("too large for the service: nothing was written", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { status: 413 });
  expect(await errorOf(replace(store, stored, "2"))).toBeInstanceOf(RangeError);
  expect((await store.read("cluster", key))?.etag).toBe(stored.etag);
});

test("what the store lets through and the service finds too large, as it has more around it, changes nothing", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const bytes = Buffer.byteLength(JSON.stringify({ ...cluster, filling: "" }));
  const filling = "x".repeat(commitBytesMax - bytes);
  const document = { ...cluster, filling };
  const error = await errorOf(store.commit(partition, [{ replace: stored, document }]));
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toContain("Cosmos DB");
  expect(peer.operations).toEqual(["batch"]);
  expect((await store.read("cluster", key))?.etag).toBe(stored.etag);
});

test.each(lostBefore)("a replace that was lost on the way is made again: %s", async (_, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", fault);
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read", "batch"]);
  expect(await store.read("cluster", key)).toEqual(next);
});

test.each(lostAfter)("a replace whose answer was lost is not made again: %s", async (_, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", fault);
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read"]);
  expect(next.document.revision).toBe("2");
  expect(await store.read("cluster", key)).toEqual(next);
});

test.each([...lostBefore, ...lostAfter])(
  "a create survives a lost answer: %s",
  async (_, fault) => {
    await using fixture = await openPeer();
    const { peer, store } = fixture;
    peer.fail("batch", fault);
    const [stored, record] = await store.commit(partition, [
      { create: cluster },
      { create: operationDocument("o") },
    ]);
    expect(await store.read("cluster", key)).toEqual(stored);
    expect(await store.read("operation", { partition, id: "o" })).toEqual(record);
  },
);

test("the answer of the repetition may be lost as well", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { reset: "before" }, { reset: "after" });
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read", "batch", "read"]);
  expect(await store.read("cluster", key)).toEqual(next);
});

test("a first request that comes late is no conflict of the repetition with itself", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  // the second is told what the first one, arriving after the look, has brought about
  peer.fail("batch", { reset: "before" }, { status: 412, effect: true });
  const next = await replace(store, stored, "2");
  expect(peer.operations).toEqual(["batch", "read", "batch", "read"]);
  expect(await store.read("cluster", key)).toEqual(next);
});

test("a removal whose answer was lost is known by what was written with it", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  const [stored, record] = await store.commit(partition, [
    { create: cluster },
    { create: operationDocument("o") },
  ]);
  peer.fail("batch", { reset: "after" });
  const document = operationDocument("o", { status: "Succeeded" });
  const [removed, ended] = await store.commit(partition, [
    { delete: stored },
    { replace: record, document },
  ]);
  expect(removed).toBeUndefined();
  expect(await store.read("operation", { partition, id: "o" })).toEqual(ended);
});

test("a removal alone whose answer was lost can't be told from somebody else's", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { reset: "after" });
  const error = await errorOf(store.commit(partition, [{ delete: stored }]));
  expect(error).toBeInstanceOf(StoreOutcomeUnknownError);
});

test("what others wrote after a lost answer leaves it unknown", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, other, stored } = fixture;
  peer.fail("batch", { reset: "after" });
  peer.fail("read", { hang: "before" });
  const committing = replace(store, stored, "2");
  await peer.arrival("read");
  const current = await other.read("cluster", key);
  if (current === undefined) throw new Error("gone");
  await replace(other, current, "3");
  // the look that hangs is given up, and the next one comes too late
  await fixture.clock.advance(5_000);
  expect(await errorOf(committing)).toBeInstanceOf(StoreOutcomeUnknownError);
  expect(peer.operations).toEqual(["batch", "read", "read", "batch", "read"]);
});

test("a conflict found by the repetition is one when something is as it was before", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  await store.commit(partition, [{ create: operationDocument("o") }]);
  peer.fail("batch", { reset: "before" });
  const writes = [
    { replace: stored, document: cluster },
    { create: operationDocument("o") },
  ] as const;
  expect(await errorOf(store.commit(partition, writes))).toBeInstanceOf(StoreConflictError);
  expect(await store.read("cluster", key)).toEqual(stored);
});

test("without an end of the failures nobody claims that nothing was written", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  peer.fail("batch", { reset: "after" });
  peer.fail("read", ...Array.from({ length: 50 }, (): Fault => ({ status: 503 })));
  expect(await errorOf(replace(store, stored, "2"))).toBeInstanceOf(StoreOutcomeUnknownError);
});

test.each<[string, Fault]>([
  ["before", { reset: "before" }],
  ["after", { reset: "after" }],
])("scheduling survives a lost answer: %s its effect", async (_, fault) => {
  await using fixture = await openWithCluster();
  const { peer, store } = fixture;
  const [reference] = (await store.listUnqueued({ limit: 1 })).items;
  if (reference === undefined) throw new Error("not listed");
  peer.fail("batch", fault);
  await store.updateScheduling(reference, { unqueued: false, sweepAfter: 7, sweeps: 1 });
  const read = await store.read("cluster", key);
  expect(read?.document).toMatchObject({ unqueued: false, sweepAfter: 7, sweeps: 1 });
});

test.each<[string, Fault]>([
  ["before", { reset: "before" }],
  ["after", { reset: "after" }],
])("leases survive lost answers: %s their effect", async (_, fault) => {
  await using fixture = await openPeer();
  const { peer, store, other } = fixture;
  const lease = { name: "forwarder", owner: "me" };
  peer.fail("create", fault);
  peer.fail("replace", fault, fault);
  peer.fail("delete", fault);
  expect((await store.acquireLease({ ...lease, leaseMs: 10_000 })).acquired).toBe(true);
  expect(await store.renewLease(lease, { leaseMs: 10_000 })).toBe(true);
  const attempt = await other.acquireLease({ name: "forwarder", owner: "you", leaseMs: 10_000 });
  expect(attempt.acquired).toBe(false);
  await store.releaseLease(lease);
  expect(await other.leaseRemainingMs("forwarder")).toBeUndefined();
});

test("a lease is renewed and released under its ETag, also when no answer told it", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  const lease = { name: "forwarder", owner: "me" };
  peer.fail("create", { status: 201, effect: true, text: "{}" });
  peer.fail("replace", { status: 200, effect: true, text: "{}" });
  await store.acquireLease({ ...lease, leaseMs: 10_000 });
  expect(await store.renewLease(lease, { leaseMs: 10_000 })).toBe(true);
  await store.releaseLease(lease);
  expect(peer.operations).toEqual(["create", "read", "replace", "read", "delete"]);
  for (const { operation, headers } of peer.requests) {
    if (operation === "replace" || operation === "delete") expect(headers["if-match"]).toBeTruthy();
  }
});

test("a lease is never given away before its length, by whole seconds cut off either way", async () => {
  await using fixture = await openPeer();
  const { store, other, clock } = fixture;
  for (const offsetMs of [0, 1, 500, 999]) {
    const name = `lease-${offsetMs}`;
    clock.skip(offsetMs);
    await store.acquireLease({ name, owner: "me", leaseMs: 10_000 });
    clock.skip(10_000);
    expect((await other.acquireLease({ name, owner: "you", leaseMs: 1 })).acquired).toBe(false);
    clock.skip(3_000);
    expect((await other.acquireLease({ name, owner: "you", leaseMs: 1 })).acquired).toBe(true);
  }
});

test("a hang ends by the signal: a read with its reason, a write as unknown", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, stored } = fixture;
  const reason = new Error("given up");
  const give = new AbortController();
  peer.fail("read", { hang: "before" });
  const reading = store.read("cluster", key, { signal: give.signal });
  await peer.arrival("read");
  give.abort(reason);
  await expect(reading).rejects.toBe(reason);

  const giveUp = new AbortController();
  peer.fail("batch", { hang: "after" });
  const writes = [{ replace: stored, document: cluster }];
  const writing = errorOf(store.commit(partition, writes, { signal: giveUp.signal }));
  await peer.arrival("batch");
  giveUp.abort(reason);
  const error = await writing;
  expect(error).toBeInstanceOf(StoreOutcomeUnknownError);
  expect(error.cause).toBe(reason);
});

const lease = { name: "forwarder", owner: "me" };
const page = { limit: 5 };
const due = { now: 1, farthest: 2 };
const scheduling = { unqueued: false, sweepAfter: 1, sweeps: 0 };
const unknown = StoreOutcomeUnknownError;

/** Each method of the store: the request that it begins with, and what it says when nobody answers. */
const methods: Readonly<
  Record<
    keyof Store,
    {
      readonly request: PeerOperation;
      readonly call: (
        fixture: Awaited<ReturnType<typeof openWithCluster>>,
        options: CallOptions,
      ) => Promise<unknown>;
      /** Absent for what changes nothing: then it is unavailable, or the signal's reason. */
      readonly unanswered?: typeof unknown;
    }
  >
> = {
  read: { request: "read", call: async ({ store }, o) => store.read("cluster", key, o) },
  commit: {
    request: "batch",
    call: async ({ store, stored }, o) =>
      store.commit(partition, [{ replace: stored, document: cluster }], o),
    unanswered: unknown,
  },
  listClusters: {
    request: "query",
    call: async ({ store }, o) => store.listClusters({ partition }, page, o),
  },
  listUnqueued: { request: "query", call: async ({ store }, o) => store.listUnqueued(page, o) },
  listUnattended: {
    request: "query",
    call: async ({ store }, o) => store.listUnattended(due, page, o),
  },
  listPurges: { request: "query", call: async ({ store }, o) => store.listPurges(due, page, o) },
  listUnsettled: {
    request: "query",
    call: async ({ store }, o) => store.listUnsettled({}, page, o),
  },
  listNotSealedBy: {
    request: "query",
    call: async ({ store }, o) => store.listNotSealedBy("key", page, o),
  },
  updateScheduling: {
    request: "batch",
    call: async ({ store, stored: { etag } }, o) =>
      store.updateScheduling(
        { key, etag, operationId: "o", nextAttemptAt: 0, sweeps: 0 },
        scheduling,
        o,
      ),
    unanswered: unknown,
  },
  listRunning: {
    request: "query",
    call: async ({ store }, o) => store.listRunning(page, o),
  },
  acquireLease: {
    request: "create",
    call: async ({ store }, o) => store.acquireLease({ ...lease, leaseMs: 10_000 }, o),
    unanswered: unknown,
  },
  renewLease: {
    request: "replace",
    call: async ({ store }, o) => store.renewLease(lease, { leaseMs: 10_000 }, o),
    unanswered: unknown,
  },
  releaseLease: {
    request: "delete",
    call: async ({ store }, o) => store.releaseLease(lease, o),
    unanswered: unknown,
  },
  leaseRemainingMs: {
    request: "read",
    call: async ({ store }, o) => store.leaseRemainingMs(lease.name, o),
  },
  ping: { request: "create", call: async ({ store }, o) => store.ping(o), unanswered: unknown },
};

async function openFor(method: string): ReturnType<typeof openWithCluster> {
  const fixture = await openWithCluster();
  if (["renewLease", "releaseLease"].includes(method)) {
    await fixture.store.acquireLease({ ...lease, leaseMs: 60_000 });
  }
  return fixture;
}

test.each(Object.entries(methods))(
  "%s that nobody answers ends by its signal",
  async (name, { request, call, unanswered }) => {
    await using fixture = await openFor(name);
    const { peer } = fixture;
    const reason = new Error("given up");
    const giveUp = new AbortController();
    peer.fail(request, { hang: "before" });
    const error = errorOf(call(fixture, { signal: giveUp.signal }));
    await peer.arrival(request);
    giveUp.abort(reason);
    if (unanswered === undefined) expect(await error).toBe(reason);
    else expect(await error).toBeInstanceOf(unanswered);
  },
);

test.each(Object.entries(methods))(
  "%s that nobody answers ends by the limit of the call",
  async (name, { request, call, unanswered = StoreUnavailableError }) => {
    await using fixture = await openFor(name);
    const { peer, clock } = fixture;
    const always = Array.from({ length: 20 }, (): Fault => ({ hang: "before" }));
    for (const operation of new Set([request, "read", "create", "replace", "delete"] as const)) {
      peer.fail(operation, ...always);
    }
    const before = clock.monotonic();
    let error: Error | undefined;
    void errorOf(call(fixture, {})).then((thrown) => (error = thrown));
    await clock.advanceUntil(() => error !== undefined, { limitMs: 60_000, stepMs: 500 });
    expect(error).toBeInstanceOf(unanswered);
    expect(clock.monotonic() - before).toBeLessThanOrEqual(callLimitMs + 500);
  },
);

test("a hang without a signal ends by the limit of the attempt, and is then made again", async () => {
  await using fixture = await openWithCluster();
  const { peer, store, clock, stored } = fixture;
  peer.fail("batch", { hang: "after" });
  const replacing = replace(store, stored, "2");
  await peer.arrival("batch");
  await clock.advance(5_000);
  expect((await replacing).document.revision).toBe("2");
  expect(peer.operations).toEqual(["batch", "read"]);
});

test("a ping is a write that nobody sees, and that the service forgets", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  peer.fail("create", { reset: "before" }, { reset: "after" });
  await store.ping();
  expect(peer.operations).toEqual(["create", "read", "create", "read"]);
  expect(JSON.parse(peer.requests[0]?.body ?? "")).toMatchObject({ kind: "ping", ttl: 60 });
  peer.fail("create", { status: 403 });
  expect(await errorOf(store.ping())).toBeInstanceOf(StoreUnavailableError);
});
