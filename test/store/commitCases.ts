/** Reads and commits: what every store must do with single documents. */
import { expect } from "vitest";
import {
  commitBytesMax,
  StoreConflictError,
  writesMax,
  type Store,
  type Stored,
} from "../../src/store/store.ts";
import type { ClusterDocument, RpDocument } from "../../src/model/document.ts";
import type { StoreCase } from "./storeUnderTest.ts";
import {
  clusterDocument,
  dueAt,
  operationDocument,
  otherPartition,
  partition,
} from "./documents.ts";

/** Creates one document. */
async function create<D extends RpDocument>(store: Store, document: D): Promise<Stored<D>> {
  const [stored] = await store.commit(document.subscriptionId, [{ create: document }]);
  return stored;
}

/** The document as it is stored now. */
async function reread<D extends RpDocument>(
  store: Store,
  { kind, subscriptionId, id }: D,
): Promise<Stored | undefined> {
  return store.read(kind, { partition: subscriptionId, id });
}

async function replace<D extends RpDocument>(
  store: Store,
  stored: Stored<D>,
  document: D,
): Promise<Stored<D>> {
  const [next] = await store.commit(document.subscriptionId, [{ replace: stored, document }]);
  return next;
}

async function remove(store: Store, stored: Stored): Promise<void> {
  await store.commit(stored.document.subscriptionId, [{ delete: stored }]);
}

export function commitCases(state: StoreCase): void {
  const first = clusterDocument("first");
  const operation = operationDocument("operation-1");

  state("a read finds nothing where nothing is", async ({ store }) => {
    expect(await reread(store, first)).toBeUndefined();
    expect(await reread(store, operation)).toBeUndefined();
  });

  state("what was created is read, here and elsewhere", async ({ store, other }) => {
    const created = await create(store, first);
    expect(created.document).toEqual(first);
    expect(await reread(store, first)).toEqual(created);
    expect(await reread(other, first)).toEqual(created);
  });

  state("what a commit gives back is what a reader finds", async ({ store }) => {
    const operationOf = (members: object) => ({ ...clusterDocument("a").operation, ...members });
    const loose = {
      ...clusterDocument("loose", { nextAttemptAt: Number.NaN, sweeps: Number.POSITIVE_INFINITY }),
      operation: operationOf({ startedAt: undefined }),
    } as ClusterDocument;
    const created = await create(store, loose);
    expect(Object.keys(created.document.operation)).not.toContain("startedAt");
    expect(created.document).toMatchObject({ nextAttemptAt: null, sweeps: null });
    expect(await reread(store, loose)).toStrictEqual({ ...created });
    const { items } = await store.listUnqueued({ limit: 1 });
    expect(items).toMatchObject([{ key: { id: loose.id }, nextAttemptAt: 0, sweeps: 0 }]);
  });

  state("a commit answers each write in order", async ({ store }) => {
    const gone = await create(store, clusterDocument("gone"));
    const old = await create(store, first);
    const next = { ...first, revision: "2" };
    const [deleted, replaced, created] = await store.commit(partition, [
      { delete: gone },
      { replace: old, document: next },
      { create: operation },
    ]);
    expect(deleted).toBeUndefined();
    expect(replaced.document).toEqual(next);
    expect(created.document).toEqual(operation);
    expect(await reread(store, first)).toEqual(replaced);
    expect(await reread(store, operation)).toEqual(created);
    expect(await reread(store, gone.document)).toBeUndefined();
  });

  state("a commit of nothing does nothing", async ({ store }) => {
    expect(await store.commit(partition, [])).toEqual([]);
  });

  state("a create of what exists is a conflict", async ({ store, other }) => {
    const created = await create(store, first);
    await expect(create(other, { ...first, revision: "2" })).rejects.toThrow(StoreConflictError);
    expect(await reread(store, first)).toEqual(created);
  });

  state("an id is unique over the kinds of a partition", async ({ store }) => {
    await create(store, operationDocument("same"));
    const cluster = { ...first, id: "same" };
    await expect(create(store, cluster)).rejects.toThrow(StoreConflictError);
    expect(await store.read("cluster", { partition, id: "same" })).toBeUndefined();
    expect((await store.read("operation", { partition, id: "same" }))?.document.id).toBe("same");
  });

  state("a replace of what has changed is a conflict", async ({ store, other }) => {
    const old = await create(store, first);
    const next = await replace(other, old, { ...first, revision: "2" });
    const late = { ...first, revision: "late" };
    await expect(replace(store, old, late)).rejects.toThrow(StoreConflictError);
    expect(await reread(store, first)).toEqual(next);
  });

  state("a replace without a difference changes the ETag as well", async ({ store }) => {
    const old = await create(store, first);
    const next = await replace(store, old, first);
    expect(next.etag).not.toBe(old.etag);
    await expect(replace(store, old, first)).rejects.toThrow(StoreConflictError);
  });

  state("a replace of what is gone is a conflict and brings nothing back", async ({ store }) => {
    const created = await create(store, first);
    await remove(store, created);
    await expect(replace(store, created, first)).rejects.toThrow(StoreConflictError);
    expect(await reread(store, first)).toBeUndefined();
  });

  state("a delete of what has changed is a conflict", async ({ store }) => {
    const old = await create(store, first);
    const next = await replace(store, old, { ...first, revision: "2" });
    await expect(remove(store, old)).rejects.toThrow(StoreConflictError);
    expect(await reread(store, first)).toEqual(next);
  });

  state("a delete of what is gone is a conflict", async ({ store, other }) => {
    const created = await create(store, first);
    await remove(other, created);
    await expect(remove(store, created)).rejects.toThrow(StoreConflictError);
  });

  state("ETags of an older incarnation fit no newer one", async ({ store, other }) => {
    const olds: Stored<ClusterDocument>[] = [];
    for (let incarnation = 0; incarnation < 4; incarnation += 1) {
      const created = await create(incarnation % 2 === 0 ? store : other, first);
      const next = await replace(store, created, first);
      for (const old of [...olds, created]) {
        await expect(replace(store, old, first)).rejects.toThrow(StoreConflictError);
        await expect(remove(store, old)).rejects.toThrow(StoreConflictError);
      }
      await remove(store, next);
      olds.push(created, next);
    }
    expect(new Set(olds.map(({ etag }) => etag)).size).toBe(olds.length);
  });

  state("all or none: one conflict undoes every other write", async ({ store }) => {
    const stale = await create(store, first);
    const current = await replace(store, stale, { ...first, revision: "2" });
    const gone = await create(store, clusterDocument("gone"));
    const refused = [
      [{ create: operation }, { replace: stale, document: first }],
      [{ replace: stale, document: first }, { create: operation }],
      [{ delete: gone }, { create: operation }, { delete: stale }],
      [{ create: operation }, { create: operation }],
      [{ create: operation }, { replace: current, document: first }, { create: first }],
    ];
    for (const writes of refused) {
      await expect(store.commit(partition, writes)).rejects.toThrow(StoreConflictError);
    }
    expect(await reread(store, operation)).toBeUndefined();
    expect(await reread(store, first)).toEqual(current);
    expect(await reread(store, gone.document)).toEqual(gone);
  });

  state("a commit takes 100 writes and no more", async ({ store }) => {
    const creates = Array.from({ length: writesMax + 1 }, (_, index) => ({
      create: operationDocument(`operation-${index}`),
    }));
    await expect(store.commit(partition, creates)).rejects.toThrow(RangeError);
    expect(await store.read("operation", { partition, id: "operation-0" })).toBeUndefined();
    expect(await store.commit(partition, creates.slice(1))).toHaveLength(writesMax);
    expect(await store.read("operation", { partition, id: "operation-100" })).toBeDefined();
  });

  state("large documents are kept, too large ones refused", async ({ store }) => {
    const large = clusterDocument("large", { installation: { notes: "é".repeat(500_000) } });
    const tooLarge = clusterDocument("tooLarge", {
      installation: { notes: "é".repeat(commitBytesMax / 2) },
    });
    await create(store, large);
    expect((await reread(store, large))?.document).toEqual(large);
    await expect(create(store, tooLarge)).rejects.toThrow(RangeError);
    await expect(
      store.commit(partition, [{ create: operation }, { create: tooLarge }]),
    ).rejects.toThrow(RangeError);
    expect(await reread(store, operation)).toBeUndefined();
  });

  state("a document must belong to the partition and to what it replaces", async ({ store }) => {
    const stored = await create(store, first);
    const record = await create(store, operation);
    const elsewhere = clusterDocument("first", { subscriptionId: otherPartition });
    const refused = [
      [{ create: elsewhere }],
      [{ replace: stored, document: elsewhere }],
      [{ replace: stored, document: clusterDocument("second") }],
      [{ replace: record, document: { ...first, id: operation.id } }],
    ];
    for (const writes of refused) {
      await expect(store.commit(partition, writes)).rejects.toThrow(TypeError);
    }
    await expect(store.commit(otherPartition, [{ delete: stored }])).rejects.toThrow(TypeError);
    expect(await reread(store, first)).toEqual(stored);
  });

  state("partitions don't see each other", async ({ store }) => {
    const here = await create(store, first);
    const there = clusterDocument("first", { subscriptionId: otherPartition, revision: "there" });
    const stored = await create(store, there);
    expect((await reread(store, there))?.document.id).toBe(first.id);
    await remove(store, here);
    expect(await reread(store, first)).toBeUndefined();
    expect(await reread(store, there)).toEqual(stored);
  });

  state("ids are taken as they are, case and Unicode included", async ({ store }) => {
    const groups = ["straße", "strasse", "группа", "グループ", "ё", "e\u0308", "(a)_b-c.d"];
    for (const resourceGroup of groups) {
      await create(store, clusterDocument("c", { resourceGroup }));
    }
    for (const resourceGroup of groups) {
      const document = clusterDocument("c", { resourceGroup });
      expect((await reread(store, document))?.document).toEqual(document);
    }
    const { id } = clusterDocument("c", { resourceGroup: "straße" });
    expect(await store.read("cluster", { partition, id: id.toUpperCase() })).toBeUndefined();
    expect(await store.read("cluster", { partition, id: id.slice(0, -1) })).toBeUndefined();
  });

  state("of 50 conditional replaces at once one wins", async ({ store, other }) => {
    const old = await create(store, first);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, async (_, index) =>
        replace(index % 2 === 0 ? store : other, old, { ...first, revision: `by ${index}` }),
      ),
    );
    const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
    const lost = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(won).toHaveLength(1);
    expect(lost.every(({ reason }) => reason instanceof StoreConflictError)).toBe(true);
    expect(await reread(store, first)).toEqual(won[0]?.value);
  });

  state("of 20 creates at once one wins", async ({ store, other }) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, async (_, index) =>
        create(index % 2 === 0 ? store : other, { ...first, revision: `by ${index}` }),
      ),
    );
    const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(won).toHaveLength(1);
    expect(await reread(store, first)).toEqual(won[0]?.value);
  });

  state("an operation is forgotten when its time has come", async ({ store, now, advance }) => {
    const ended = operationDocument("ended", { status: "Succeeded", expiresAt: now() + 5_000 });
    const stored = await create(store, ended);
    // a store elsewhere may only know seconds, and needs some time to answer
    await advance(3_000);
    expect(await reread(store, ended)).toEqual(stored);
    await advance(2_000);
    expect(await reread(store, ended)).toBeUndefined();
    await expect(replace(store, stored, ended)).rejects.toThrow(StoreConflictError);
    await expect(remove(store, stored)).rejects.toThrow(StoreConflictError);
    const again = await create(store, operationDocument("ended"));
    expect(again.etag).not.toBe(stored.etag);
    await advance(10_000);
    expect(await reread(store, ended)).toEqual(again);
  });

  state("an operation that ends gets its time with the last write", async (under) => {
    const { store, now, advance } = under;
    const running = await create(store, operation);
    await advance(60_000);
    const ended = await replace(store, running, { ...operation, expiresAt: now() + 5_000 });
    expect(await reread(store, operation)).toEqual(ended);
    await advance(6_000);
    expect(await reread(store, operation)).toBeUndefined();
  });

  state("a call that was given up before it began does nothing", async ({ store }) => {
    const reason = new Error("given up");
    const signal = AbortSignal.abort(reason);
    const created = await create(store, clusterDocument("there"));
    const { id } = created.document;
    const reference = { key: { partition, id }, operationId: "o", nextAttemptAt: 0, sweeps: 0 };
    const lease = { name: "lease", owner: "me" };
    const calls = [
      store.read("cluster", { partition, id }, { signal }),
      store.commit(partition, [{ create: first }], { signal }),
      store.listClusters({ partition }, { limit: 1 }, { signal }),
      store.listUnqueued({ limit: 1 }, { signal }),
      store.listUnattended(dueAt(0), { limit: 1 }, { signal }),
      store.updateScheduling(
        { ...reference, etag: created.etag },
        { unqueued: false, sweepAfter: 0, sweeps: 0 },
        { signal },
      ),
      store.acquireLease({ ...lease, leaseMs: 5_000 }, { signal }),
      store.renewLease(lease, { leaseMs: 5_000 }, { signal }),
      store.releaseLease(lease, { signal }),
      store.leaseRemainingMs(lease.name, { signal }),
      store.ping({ signal }),
    ];
    for (const call of calls) await expect(call).rejects.toBe(reason);
    expect(await reread(store, first)).toBeUndefined();
    expect(await reread(store, created.document)).toEqual(created);
    expect(await store.leaseRemainingMs(lease.name)).toBeUndefined();
  });

  state("it answers a ping", async ({ store }) => {
    await expect(store.ping()).resolves.toBeUndefined();
  });
}
