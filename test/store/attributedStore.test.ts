/** A call of the store says for whom it is made, whatever its method is and however many of its arguments are given. */
import { expect, test } from "vitest";
import type { LogIds } from "../../src/model/logIds.ts";
import { attributedStore } from "../../src/store/attributedStore.ts";
import { documentsContainer } from "../../src/store/cosmosLayout.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { StoreConflictError, type ETag, type Store } from "../../src/store/store.ts";
import { openPeer } from "./cosmosFixture.ts";
import { clusterDocument, partition } from "./documents.ts";
import { openFile } from "./sqliteFixture.ts";

const id = "rg|one";
const lease = { name: "l", owner: "o" };
const due = { now: 1, farthest: 2 };
const page = { limit: 5 };
const absent = { document: clusterDocument("one"), etag: "1" as ETag };

/** What a write of something absent ends with: who told of it is all that matters. */
function isExpected(error: unknown): void {
  expect(error).toBeInstanceOf(StoreConflictError);
}

/** Each method once, with no options of its own. */
const calls: { readonly [M in keyof Store]: (store: Store) => Promise<unknown> } = {
  read: async (store) => store.read("cluster", { partition, id }),
  commit: async (store) => store.commit(partition, [{ delete: absent }]).catch(isExpected),
  listClusters: async (store) => store.listClusters({ partition }, page),
  listUnqueued: async (store) => store.listUnqueued(page),
  listUnattended: async (store) => store.listUnattended(due, page),
  listRunning: async (store) => store.listRunning(page),
  listPurges: async (store) => store.listPurges(due, page),
  listUnsettled: async (store) => store.listUnsettled({}, page),
  listNotSealedBy: async (store) => store.listNotSealedBy("k", page),
  updateScheduling: async (store) => {
    const reference = { key: { partition, id }, etag: absent.etag, operationId: "o" };
    const scheduling = { unqueued: false, sweepAfter: 1, sweeps: 0 };
    await store
      .updateScheduling({ ...reference, nextAttemptAt: 0, sweeps: 0 }, scheduling)
      .catch(isExpected);
  },
  acquireLease: async (store) => store.acquireLease({ ...lease, leaseMs: 1_000 }),
  renewLease: async (store) => store.renewLease(lease, { leaseMs: 1_000 }),
  releaseLease: async (store) => store.releaseLease(lease),
  leaseRemainingMs: async (store) => store.leaseRemainingMs("l"),
  ping: async (store) => store.ping(),
};

test.each(Object.entries(calls))("%s", async (method, call) => {
  const told: unknown[] = [];
  await using fixture = await openPeer({
    onCharge: ({ operation }, logIds) => told.push([operation, logIds]),
  });
  await call(fixture.store);
  await call(attributedStore(fixture.store, () => ({ requestId: "r" })));
  expect(told).toEqual([
    [method, undefined],
    [method, { requestId: "r" }],
  ]);
});

test("the ids are those of the moment, and the signal stays", async () => {
  await using fixture = await openPeer();
  const told: (LogIds | undefined)[] = [];
  let logIds: LogIds = { step: 1 };
  const abort = new AbortController();
  const seen = new Proxy<Store>(fixture.store, {
    get: () => async (options: { signal: AbortSignal; logIds: LogIds }) => {
      told.push(options.logIds);
      options.signal.throwIfAborted();
    },
  });
  const store = attributedStore(seen, () => logIds);
  await store.ping({ signal: abort.signal });
  logIds = { step: 2 };
  abort.abort(new Error("enough"));
  await expect(store.ping({ signal: abort.signal })).rejects.toThrow("enough");
  expect(told).toEqual([{ step: 1 }, { step: 2 }]);
});

test("a damaged document is told of with the ids of whoever met it, by both engines", async () => {
  const told: unknown[] = [];
  const onUnreadable = (key: { id: string }, _cause: unknown, logIds: unknown): void =>
    void told.push([key.id, logIds]);
  await using fixture = await openPeer({ onUnreadable });
  await using file = await openFile();
  const embedded = new SqliteStore({ ...file, onUnreadable });
  for (const plain of [fixture.store, embedded]) {
    await plain.commit(partition, [{ create: clusterDocument("one") }]);
  }
  const item = fixture.peer.item(documentsContainer.name, partition, id) ?? {};
  fixture.peer.put(documentsContainer.name, partition, { ...item, document: "no object" });
  file.database.statement("UPDATE documents SET body = 'no object'").run();
  for (const plain of [fixture.store, embedded]) {
    const store = attributedStore(plain, () => ({ requestId: "r" }));
    expect((await store.listClusters({ partition }, page)).items).toEqual([]);
    const [reference] = (await store.listUnqueued(page)).items;
    if (reference === undefined) throw new Error("it is not listed");
    await store.updateScheduling(reference, { unqueued: false, sweepAfter: 1, sweeps: 0 });
  }
  expect(told).toEqual(Array.from({ length: 4 }, () => [id, { requestId: "r" }]));
});
