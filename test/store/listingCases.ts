/** Listings: what every store must give page by page, whatever happens between the pages. */
import { expect } from "vitest";
import type { ClusterDocument, ListedCluster } from "../../src/model/document.ts";
import { resourceGroupPrefix } from "../../src/model/resourceId.ts";
import {
  InvalidContinuationError,
  type ClusterReference,
  type Page,
  type PageRequest,
  type Store,
  type UnsettledQuery,
} from "../../src/store/store.ts";
import type { StoreCase } from "./storeUnderTest.ts";
import {
  clusterDocument,
  dueAt,
  longAgo,
  operationDocument,
  otherPartition,
  partition,
  subscriptionDocument,
} from "./documents.ts";

async function create(store: Store, documents: readonly ClusterDocument[]): Promise<void> {
  for (const document of documents) {
    await store.commit(document.subscriptionId, [{ create: document }]);
  }
}

async function remove(store: Store, { id }: ListedCluster): Promise<void> {
  const stored = await store.read("cluster", { partition, id });
  if (stored !== undefined) await store.commit(partition, [{ delete: stored }]);
}

/** All pages, with something done after each. */
async function allPages<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  limit: number,
  between: (page: Page<T>) => Promise<void> = async () => {},
): Promise<readonly T[]> {
  const items: T[] = [];
  let continuation: string | undefined;
  do {
    const page = await list(continuation === undefined ? { limit } : { limit, continuation });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    continuation = page.continuation;
    await between(page);
  } while (continuation !== undefined);
  return items;
}

function names(listed: readonly ListedCluster[]): readonly string[] {
  return listed.map(({ name }) => name);
}

function ids(references: readonly ClusterReference[]): readonly string[] {
  return references.map(({ key }) => key.id);
}

/** `c000` and on. */
function numbered(count: number, members: Partial<ClusterDocument> = {}): ClusterDocument[] {
  return Array.from({ length: count }, (_, index) =>
    clusterDocument(`c${String(index).padStart(3, "0")}`, members),
  );
}

/** Every member that a sweep asks for, such that it is listed. */
const unattended: Partial<ClusterDocument> = {
  provisioningState: "Updating",
  unqueued: false,
  nextAttemptAt: longAgo,
  sweepAfter: longAgo,
};

export function listingCases(state: StoreCase): void {
  state("an empty store has empty listings", async ({ store, now }) => {
    for (const page of [
      await store.listClusters({ partition }, { limit: 5 }),
      await store.listUnqueued({ limit: 5 }),
      await store.listUnattended(dueAt(now()), { limit: 5 }),
      await store.listRunning({ limit: 5 }),
    ]) {
      expect(page.items).toEqual([]);
      expect(page.continuation).toBeUndefined();
    }
  });

  state("clusters of a partition come in the order of their ids", async ({ store }) => {
    const shuffled = ["m", "a", "z", "b", "y"];
    await create(
      store,
      shuffled.map((name) => clusterDocument(name)),
    );
    await create(store, [clusterDocument("c", { subscriptionId: otherPartition })]);
    await store.commit(partition, [{ create: operationDocument("rg|o") }]);
    const { items } = await store.listClusters({ partition }, { limit: 50 });
    expect(names(items)).toEqual(["a", "b", "m", "y", "z"]);
  });

  state(
    "of a cluster a list gives what is shown of it, whole, and nothing else",
    async ({ store }) => {
      const { cluster } = clusterDocument("c");
      const newer = { ...cluster, later: { deep: [1] } };
      const document = clusterDocument("c", {
        cluster: newer,
        minimumSchemaVersion: 7,
        provisioningState: "Updating",
        revision: "5",
        // each may hold what was a secret to whoever wrote it
        applied: { ...cluster, location: "planted" },
        installation: { notes: "planted" },
        recentWrites: ["planted"],
        work: { epoch: 1, attempts: 1, owner: "planted" },
        ofANewerRelease: "planted",
      });
      await create(store, [document, clusterDocument("minimal")]);
      const { items } = await store.listClusters({ partition }, { limit: 5 });
      const { id, resourceId, name } = document;
      expect(items[0]).toEqual({
        id,
        minimumSchemaVersion: 7,
        resourceId,
        name,
        provisioningState: "Updating",
        revision: "5",
        cluster: newer,
      });
      expect(Object.keys(items[1] ?? {})).not.toContain("minimumSchemaVersion");
    },
  );

  state("a prefix gives one resource group and no other", async ({ store }) => {
    const groups = ["rg", "rg1", "rg-1", "r", "rga", "RG", "straße", "straßen", "группа", "𝒢", "ﬀ"];
    await create(
      store,
      groups
        .filter((group) => group !== "RG")
        .map((resourceGroup) => clusterDocument("c", { resourceGroup })),
    );
    for (const group of groups) {
      const query = { partition, idPrefix: resourceGroupPrefix(group) };
      const { items } = await store.listClusters(query, { limit: 50 });
      const resourceGroup = group === "RG" ? "rg" : group;
      const expected = clusterDocument("c", { resourceGroup });
      expect(items.map(({ resourceId }) => resourceId)).toEqual([expected.resourceId]);
    }
    const none = { partition, idPrefix: resourceGroupPrefix("absent") };
    expect((await store.listClusters(none, { limit: 50 })).items).toEqual([]);
  });

  state("a prefix ends where it ends, with any character", async ({ store }) => {
    const last = "\u{10ffff}";
    const tails = ["", "!", "~", "é", "\ud7ff", "\ue000", "\uffff", "😀", last, `${last}${last}`];
    for (const prefix of ["p", "\ud7ff", "\ue000", "\uffff", "😀", last]) {
      await create(
        store,
        tails.map((tail) => clusterDocument("c", { id: `${prefix}${tail}` })),
      );
    }
    for (const prefix of ["p", "\ud7ff", "\ue000", "\uffff", "😀"]) {
      const { items } = await store.listClusters({ partition, idPrefix: prefix }, { limit: 100 });
      const found = items.map(({ id }) => id);
      expect(found.toSorted()).toEqual(tails.map((tail) => `${prefix}${tail}`).toSorted());
    }
    const { items } = await store.listClusters({ partition, idPrefix: last }, { limit: 100 });
    expect(items).toHaveLength(tails.length);
  });

  state("pages together give each cluster once", async ({ store }) => {
    await create(store, numbered(23));
    for (const limit of [1, 5, 22, 23, 24]) {
      const all = await allPages(async (page) => store.listClusters({ partition }, page), limit);
      expect(names(all)).toEqual(numbered(23).map(({ name }) => name));
    }
    const prefixed = await allPages(
      async (page) => store.listClusters({ partition, idPrefix: "rg|c01" }, page),
      3,
    );
    expect(prefixed).toHaveLength(10);
  });

  state("deletes and inserts between pages disturb no other cluster", async ({ store }) => {
    await create(store, numbered(12));
    let turn = 0;
    const all = await allPages(
      async (page) => store.listClusters({ partition }, page),
      3,
      async ({ items }) => {
        turn += 1;
        // the page just read, its last item included, goes; newcomers stand before it and far behind it
        for (const listed of items) await remove(store, listed);
        await create(store, [clusterDocument(`b${turn}`), clusterDocument(`d${turn}`)].slice(0, 2));
        if (turn > 6) throw new Error("the listing does not end");
      },
    );
    const found = names(all);
    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((name) => name.startsWith("c"))).toEqual(
      numbered(12).map(({ name }) => name),
    );
    expect(found.filter((name) => name.startsWith("b"))).toEqual([]);
    expect(found).toContain("d1");
  });

  state("unqueued clusters of all partitions are listed", async ({ store }) => {
    const waiting = clusterDocument("waiting", { sweeps: 3, nextAttemptAt: longAgo + 7 });
    const elsewhere = clusterDocument("elsewhere", {
      subscriptionId: otherPartition,
      provisioningState: "Deleting",
    });
    await create(store, [waiting, elsewhere, clusterDocument("queued", { unqueued: false })]);
    await store.commit(partition, [{ create: operationDocument("o") }]);
    const { items } = await store.listUnqueued({ limit: 50 });
    expect(ids(items).toSorted()).toEqual([elsewhere.id, waiting.id]);
    const reference = items.find(({ key }) => key.id === waiting.id);
    const stored = await store.read("cluster", { partition, id: waiting.id });
    expect(reference).toEqual({
      key: { partition, id: waiting.id },
      etag: stored?.etag,
      operationId: waiting.operation.id,
      origin: { correlationId: "correlation" },
      nextAttemptAt: longAgo + 7,
      sweeps: 3,
    });
  });

  state("a reference holds no more than it says", async ({ store, now }) => {
    const members = ["etag", "key", "nextAttemptAt", "operationId", "origin", "sweeps"];
    await create(store, [clusterDocument("a"), clusterDocument("b", unattended)]);
    for (const { items } of [
      await store.listUnqueued({ limit: 5 }),
      await store.listUnattended(dueAt(now()), { limit: 5 }),
    ]) {
      expect(items.map((item) => Object.keys(item).toSorted())).toEqual([members]);
    }
  });

  state("a reference says which request the operation comes from", async ({ store, now }) => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const operation = { id: "o", kind: "create", correlationId: "c" } as const;
    const trace = { operationId: "o", requestId: "r", traceparent };
    const former = { ...trace, operationId: "former" };
    await create(store, [
      clusterDocument("own", { operation: { ...operation, trace } }),
      clusterDocument("former", { operation: { ...operation, trace: former } }),
      clusterDocument("unattended", { ...unattended, operation: { ...operation, trace } }),
    ]);
    const { items } = await store.listUnqueued({ limit: 5 });
    const origins = new Map(items.map(({ key, origin }) => [key.id, origin]));
    const own = { correlationId: "c", requestId: "r", traceparent };
    expect(origins.get(clusterDocument("own").id)).toEqual(own);
    expect(origins.get(clusterDocument("former").id)).toEqual({ correlationId: "c" });
    const due = await store.listUnattended(dueAt(now()), { limit: 5 });
    expect(due.items.map(({ origin }) => origin)).toEqual([own]);
  });

  state("the flag moves a cluster in and out of the listings", async ({ store, now }) => {
    await create(store, [clusterDocument("c")]);
    const unqueued = async (): Promise<readonly ClusterReference[]> =>
      (await store.listUnqueued({ limit: 5 })).items;
    const forgotten = async (): Promise<readonly ClusterReference[]> =>
      (await store.listUnattended(dueAt(now()), { limit: 5 })).items;
    const [waiting] = await unqueued();
    if (waiting === undefined) throw new Error("not listed");
    expect(await forgotten()).toEqual([]);
    await store.updateScheduling(waiting, { unqueued: false, sweepAfter: longAgo, sweeps: 1 });
    expect(await unqueued()).toEqual([]);
    const [found] = await forgotten();
    if (found === undefined) throw new Error("not listed");
    expect(found.sweeps).toBe(1);
    expect(found.etag).not.toBe(waiting.etag);
    await store.updateScheduling(found, { unqueued: true, sweepAfter: longAgo, sweeps: 2 });
    expect(await forgotten()).toEqual([]);
    const [again] = await unqueued();
    expect(again?.sweeps).toBe(2);
    const stored = await store.read("cluster", found.key);
    if (stored === undefined) throw new Error("gone");
    const document = { ...stored.document, unqueued: false, sweepAfter: now() + 60_000 };
    await store.commit(partition, [{ replace: stored, document }]);
    expect([...(await unqueued()), ...(await forgotten())]).toEqual([]);
  });

  state("the sweep sees what runs, waits for nobody and is due", async ({ store, now }) => {
    const time = now();
    const seen: Readonly<Record<string, Partial<ClusterDocument>>> = {
      creating: { provisioningState: "Creating" },
      updating: { provisioningState: "Updating" },
      deleting: { provisioningState: "Deleting" },
      "of-a-newer-state": { provisioningState: "Hibernating" as never },
      "just-due": { nextAttemptAt: time - 1, sweepAfter: time - 1 },
      elsewhere: { subscriptionId: otherPartition },
      "without-times": { nextAttemptAt: undefined as never, sweepAfter: undefined as never },
    };
    const unseen: Readonly<Record<string, Partial<ClusterDocument>>> = {
      succeeded: { provisioningState: "Succeeded" },
      failed: { provisioningState: "Failed" },
      canceled: { provisioningState: "Canceled" },
      "waits-for-the-forwarder": { unqueued: true },
      "next-attempt-later": { nextAttemptAt: time + 1_000 },
      "next-attempt-now": { nextAttemptAt: time },
      "looked-after": { sweepAfter: time + 1_000 },
      "looked-after-until-now": { sweepAfter: time },
    };
    for (const [name, members] of Object.entries({ ...seen, ...unseen })) {
      await create(store, [clusterDocument(name, { ...unattended, ...members })]);
    }
    await store.commit(partition, [{ create: operationDocument("o") }]);
    const { items } = await store.listUnattended(dueAt(time), { limit: 50 });
    expect(ids(items).toSorted()).toEqual(
      Object.keys(seen)
        .map((name) => `rg|${name}`)
        .toSorted(),
    );
    const later = await store.listUnattended(dueAt(time + 1_001), { limit: 50 });
    expect(later.items).toHaveLength(items.length + 4);
  });

  state(
    "the sweep sees what is due at a time so far away that the clock was set back since",
    async (under) => {
      const { store, now } = under;
      const { now: time, farthest } = dueAt(now());
      const seen: Readonly<Record<string, Partial<ClusterDocument>>> = {
        a: { nextAttemptAt: farthest + 1 },
        b: { sweepAfter: farthest + 1 },
        c: { nextAttemptAt: farthest + 2, sweepAfter: farthest + 1_000 },
        d: {},
      };
      const unseen: Readonly<Record<string, Partial<ClusterDocument>>> = {
        e: { nextAttemptAt: farthest, sweepAfter: farthest },
        f: { nextAttemptAt: farthest + 1, sweepAfter: time + 1_000 },
        g: { nextAttemptAt: time + 1_000, sweepAfter: farthest + 1 },
        h: { nextAttemptAt: farthest + 1, provisioningState: "Succeeded" },
      };
      for (const [name, members] of Object.entries({ ...seen, ...unseen })) {
        await create(store, [clusterDocument(name, { ...unattended, ...members })]);
      }
      for (const limit of [1, 2, 3, 4, 50]) {
        const all = await allPages(
          async (page) => store.listUnattended({ now: time, farthest }, page),
          limit,
        );
        expect(ids(all).toSorted()).toEqual(Object.keys(seen).map((name) => `rg|${name}`));
      }
    },
  );

  state("a lease doesn't hide a cluster from the sweep's listing", async ({ store, now }) => {
    const document = clusterDocument("c", unattended);
    await create(store, [document]);
    await store.acquireLease({
      name: `cluster|${partition}|${document.id}`,
      owner: "o",
      leaseMs: 60_000,
    });
    expect((await store.listUnattended(dueAt(now()), { limit: 5 })).items).toHaveLength(1);
  });

  state("the forwarder's pages give each cluster once while it clears them", async (under) => {
    const { store } = under;
    await create(store, numbered(10));
    await create(store, numbered(10, { subscriptionId: otherPartition }));
    const all = await allPages(
      async (page) => store.listUnqueued(page),
      3,
      async ({ items }) => {
        for (const item of items) {
          await store.updateScheduling(item, { unqueued: false, sweepAfter: 1, sweeps: 0 });
        }
      },
    );
    expect(new Set(all.map(({ key }) => `${key.partition} ${key.id}`)).size).toBe(20);
    expect(all).toHaveLength(20);
    expect((await store.listUnqueued({ limit: 5 })).items).toEqual([]);
  });

  state("the sweep's pages give each cluster once while it flags them", async (under) => {
    const { store, now } = under;
    // many are due at the same time
    const documents = numbered(20).map((document, index) =>
      clusterDocument(document.name, { ...unattended, sweepAfter: longAgo + (index % 3) }),
    );
    await create(store, documents);
    const all = await allPages(
      async (page) => store.listUnattended(dueAt(now()), page),
      3,
      async ({ items }) => {
        for (const item of items) {
          await store.updateScheduling(item, { unqueued: true, sweepAfter: longAgo, sweeps: 1 });
        }
      },
    );
    expect(ids(all).toSorted()).toEqual(documents.map(({ id }) => id));
    expect((await store.listUnattended(dueAt(now()), { limit: 5 })).items).toEqual([]);
  });

  state("a continuation that it never gave is refused", async ({ store, now }) => {
    await create(store, numbered(3));
    const page = await store.listUnqueued({ limit: 1 });
    const ofAnother = page.continuation ?? "";
    expect(ofAnother).not.toBe("");
    const encode = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString("base64url");
    const garbage = ["", " ", "garbage", "%00", "é", encode(null), encode({}), encode([[], {}])];
    for (const continuation of [...garbage, ofAnother]) {
      await expect(store.listClusters({ partition }, { limit: 1, continuation })).rejects.toThrow(
        InvalidContinuationError,
      );
      await expect(store.listUnattended(dueAt(now()), { limit: 1, continuation })).rejects.toThrow(
        InvalidContinuationError,
      );
    }
    for (const continuation of garbage) {
      await expect(store.listUnqueued({ limit: 1, continuation })).rejects.toThrow(
        InvalidContinuationError,
      );
    }
    for (const continuation of [...garbage, ofAnother]) {
      await expect(store.listRunning({ limit: 1, continuation })).rejects.toThrow(
        InvalidContinuationError,
      );
    }
  });

  state("what runs is told without whose it is, and nothing of what has ended", async (under) => {
    const { store } = under;
    const operation = {
      id: "o",
      kind: "update",
      correlationId: "c",
      startedAt: longAgo + 0.5,
    } as const;
    await create(store, [
      clusterDocument("a"),
      clusterDocument("b", { provisioningState: "Updating", operation, unqueued: false }),
      clusterDocument("c", { provisioningState: "Deleting", subscriptionId: otherPartition }),
      clusterDocument("d", { provisioningState: "Succeeded" }),
      clusterDocument("e", { provisioningState: "Failed", unqueued: false }),
      clusterDocument("f", {
        provisioningState: "Hibernating" as never,
        operation: "odd" as never,
      }),
      clusterDocument("g", { operation: { ...operation, kind: 7, startedAt: "x" } as never }),
      clusterDocument("h", { provisioningState: "Canceled" }),
    ]);
    await store.commit(partition, [{ create: operationDocument("o") }]);
    await store.commit("p", [
      {
        create: subscriptionDocument("p", {
          purge: { since: longAgo, nextAttemptAt: longAgo, retries: 0 },
        }),
      },
    ]);
    for (const limit of [1, 2, 5, 50]) {
      const all = await allPages(async (page) => store.listRunning(page), limit);
      const told = all.map((item) => JSON.stringify(item, ["kind", "state", "startedAt"]));
      expect(told.toSorted()).toEqual([
        '{"kind":"create","state":"Creating"}',
        '{"kind":"create","state":"Deleting"}',
        `{"kind":"update","state":"Updating","startedAt":${longAgo + 0.5}}`,
        '{"state":"Creating"}',
        '{"state":"Hibernating"}',
      ]);
      expect(all.flatMap((item) => Object.keys(item))).toHaveLength(9);
    }
  });

  state(
    "what runs goes on being told while a scheduling is written, until it ends",
    async (under) => {
      const { store } = under;
      await create(store, [clusterDocument("a")]);
      const [reference] = (await store.listUnqueued({ limit: 5 })).items;
      if (reference === undefined) throw new Error("not listed");
      await store.updateScheduling(reference, { unqueued: false, sweepAfter: 1, sweeps: 0 });
      expect((await store.listRunning({ limit: 5 })).items).toEqual([
        { kind: "create", state: "Creating" },
      ]);
      const stored = await store.read("cluster", reference.key);
      if (stored === undefined) throw new Error("gone");
      const document = { ...stored.document, provisioningState: "Succeeded" as const };
      await store.commit(partition, [{ replace: stored, document }]);
      expect((await store.listRunning({ limit: 5 })).items).toEqual([]);
    },
  );

  state(
    "subscriptions are listed while they are purged and due, over all partitions",
    async ({ store, now }) => {
      // one time for all of it, as that of a store elsewhere doesn't stand still
      const due = dueAt(now());
      const purge = (nextAttemptAt: number) => ({ since: longAgo, nextAttemptAt, retries: 0 });
      const documents = [
        subscriptionDocument("p1", { purge: purge(longAgo) }),
        subscriptionDocument("p2", { purge: purge(longAgo) }),
        subscriptionDocument("p3", { purge: purge(due.now + 1_000) }),
        subscriptionDocument("p4", {}),
        subscriptionDocument("p5", { purge: "of a newer release" as never }),
        // before the clock was set back
        subscriptionDocument("p6", { purge: purge(due.farthest + 1) }),
        subscriptionDocument("p7", { purge: purge(due.farthest) }),
      ];
      for (const document of documents) {
        await store.commit(document.subscriptionId, [{ create: document }]);
      }
      const list = (page: PageRequest) => store.listPurges(due, page);
      for (const limit of [1, 2, 10]) {
        const listed = await allPages(list, limit);
        const partitions = listed.map(({ document }) => document.subscriptionId);
        expect(partitions.toSorted()).toEqual(["p1", "p2", "p5", "p6"]);
      }
      const [first] = await allPages(list, 10);
      if (first === undefined) throw new Error("there is none");
      const { purge: _, ...ended } = first.document;
      await store.commit(ended.subscriptionId, [{ replace: first, document: ended }]);
      expect(await allPages(list, 10)).toHaveLength(3);
      const unattended = await store.listUnattended(due, { limit: 10 });
      expect(unattended.items).toEqual([]);
      expect((await store.listUnqueued({ limit: 10 })).items).toEqual([]);
    },
  );

  state("what has not succeeded is listed, over all partitions", async ({ store }) => {
    const seen: Readonly<Record<string, Partial<ClusterDocument>>> = {
      creating: { provisioningState: "Creating" },
      updating: { provisioningState: "Updating", unqueued: false },
      deleting: { provisioningState: "Deleting" },
      failed: { provisioningState: "Failed", unqueued: false },
      canceled: { provisioningState: "Canceled", unqueued: false },
      elsewhere: { subscriptionId: otherPartition, provisioningState: "Failed" },
      "of-a-newer-state": { provisioningState: "Hibernating" as never },
    };
    for (const [name, members] of Object.entries(seen)) {
      await create(store, [clusterDocument(name, members)]);
    }
    await create(store, [clusterDocument("succeeded", { provisioningState: "Succeeded" })]);
    await store.commit(partition, [{ create: operationDocument("o") }]);
    await store.commit(partition, [{ create: subscriptionDocument(partition) }]);

    const listed = async (query: UnsettledQuery): Promise<readonly string[]> =>
      (await allPages(async (page) => store.listUnsettled(query, page), 2))
        .map(({ key }) => key.id.replace("rg|", ""))
        .toSorted();
    expect(await listed({})).toEqual(Object.keys(seen).toSorted());
    expect(await listed({ state: "Failed" })).toEqual(["elsewhere", "failed"]);
    expect(await listed({ partition: otherPartition })).toEqual(["elsewhere"]);
    expect(await listed({ partition, state: "Failed" })).toEqual(["failed"]);
    expect(await listed({ partition, state: "Succeeded" })).toEqual([]);
    expect(await listed({ partition: "nobody's" })).toEqual([]);
    expect(await listed({ partition: "\ud800" })).toEqual([]);
  });

  state("of what has not succeeded it is told how it stands, and no secret", async ({ store }) => {
    const document = clusterDocument("c", {
      minimumSchemaVersion: 7,
      sweeps: 3,
      nextAttemptAt: longAgo + 1,
      work: { epoch: 4, attempts: 2, owner: "o", step: "s", stepStartedAt: longAgo },
      ofANewerRelease: "planted",
    });
    await create(store, [document, clusterDocument("minimal")]);
    const { items } = await store.listUnsettled({}, { limit: 5 });
    const { minimumSchemaVersion, resourceId, provisioningState, operation, work } = document;
    expect(items.find(({ key }) => key.id === document.id)).toEqual({
      key: { partition, id: document.id },
      standing: {
        minimumSchemaVersion,
        resourceId,
        provisioningState,
        operation,
        unqueued: true,
        sweeps: 3,
        nextAttemptAt: longAgo + 1,
        work,
      },
    });
    const minimal = items.find(({ key }) => key.id === "rg|minimal");
    expect(Object.keys(minimal?.standing ?? {})).not.toContain("minimumSchemaVersion");
  });

  state("one that lacks what every cluster has is listed by its key alone", async ({ store }) => {
    await create(store, [
      clusterDocument("a", { work: "nonsense" as never }),
      clusterDocument("b", { resourceId: undefined as never }),
      clusterDocument("c", { provisioningState: 5 as never }),
      clusterDocument("d", { operation: [] as never }),
      clusterDocument("whole"),
    ]);
    const { items } = await store.listUnsettled({}, { limit: 50 });
    const sorted = items.toSorted((one, other) => (one.key.id < other.key.id ? -1 : 1));
    expect(sorted.map(({ standing }) => standing?.resourceId)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      expect.stringContaining("whole"),
    ]);
  });

  state("pages of what has not succeeded go on while it succeeds", async ({ store }) => {
    await create(store, numbered(8));
    await create(store, numbered(8, { subscriptionId: otherPartition }));
    const all = await allPages(
      async (page) => store.listUnsettled({}, page),
      3,
      async ({ items }) => {
        for (const { key } of items) {
          const stored = await store.read("cluster", key);
          if (stored === undefined) throw new Error("gone");
          const document = { ...stored.document, provisioningState: "Succeeded" as const };
          await store.commit(key.partition, [{ replace: stored, document }]);
        }
      },
    );
    expect(new Set(all.map(({ key }) => `${key.partition} ${key.id}`)).size).toBe(16);
    expect(all).toHaveLength(16);
    expect((await store.listUnsettled({}, { limit: 5 })).items).toEqual([]);
    for (const continuation of ["", "garbage", "é"]) {
      await expect(store.listUnsettled({}, { limit: 1, continuation })).rejects.toThrow(
        InvalidContinuationError,
      );
    }
  });
}
