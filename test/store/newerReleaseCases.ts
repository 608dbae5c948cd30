/** Documents that a newer release wrote: every store must keep what nobody here knows. */
import fc from "fast-check";
import { expect } from "vitest";
import type { ClusterDocument } from "../../src/model/document.ts";
import { StoreConflictError, type ClusterReference, type Store } from "../../src/store/store.ts";
import type { StoreCase } from "./storeUnderTest.ts";
import { canonical, clusterDocument, dueAt, operationDocument, partition } from "./documents.ts";

/** Any JSON, with the names that are traps in JavaScript. */
const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.jsonValue({ stringUnit: "grapheme", maxDepth: 1 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom("__proto__", "constructor", "toJSON", "unqueued", "sweeps", "", "0"),
        fc.string({ unit: "grapheme", maxLength: 5 }),
      ),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value;

/** A cluster with unknown members at its top and deep in it; `__proto__` may be one. */
function withUnknown(name: string, unknown: unknown): ClusterDocument {
  const known = clusterDocument(name);
  const member = JSON.parse(`{"__proto__": ${JSON.stringify(unknown)}}`) as object;
  return clusterDocument(name, {
    ...member,
    fromTheFuture: unknown,
    cluster: { ...known.cluster, ...member, network: { ...known.cluster.network, ...member } },
    installation: { unknown, list: [unknown, { unknown }] },
  });
}

async function onlyReference(store: Store): Promise<ClusterReference> {
  const { items } = await store.listUnqueued({ limit: 10 });
  expect(items).toHaveLength(1);
  return items[0] as ClusterReference;
}

export function newerReleaseCases(state: StoreCase): void {
  state("unknown members survive a round trip, at any depth", async ({ store, other }) => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(anyJson, async (unknown) => {
        count += 1;
        const document = withUnknown(`c${count}`, unknown);
        const [created] = await store.commit(partition, [{ create: document }]);
        expect(canonical(created.document)).toBe(canonical(document));
        const read = await other.read("cluster", { partition, id: document.id });
        expect(canonical(read?.document)).toBe(canonical(document));
        await store.commit(partition, [{ delete: created }]);
      }),
      { numRuns: 50 },
    );
  });

  state("updating the scheduling leaves everything else alone", async ({ store, other }) => {
    let count = 0;
    const scheduling = fc.record({
      unqueued: fc.boolean(),
      sweepAfter: fc.nat(2 ** 45),
      sweeps: fc.nat(1_000),
    });
    await fc.assert(
      fc.asyncProperty(anyJson, scheduling, async (unknown, changes) => {
        count += 1;
        const document = withUnknown(`c${count}`, unknown);
        const [created] = await store.commit(partition, [{ create: document }]);
        const reference = await onlyReference(store);
        expect(reference.etag).toBe(created.etag);
        await store.updateScheduling(reference, changes);
        const read = await other.read("cluster", { partition, id: document.id });
        expect(canonical(read?.document)).toBe(canonical({ ...document, ...changes }));
        expect(read?.etag).not.toBe(created.etag);
        if (read !== undefined) await store.commit(partition, [{ delete: read }]);
      }),
      { numRuns: 50 },
    );
  });

  state("updating the scheduling of what has changed is a conflict", async ({ store }) => {
    const document = clusterDocument("c");
    const [old] = await store.commit(partition, [{ create: document }]);
    const reference = await onlyReference(store);
    const changes = { unqueued: false, sweepAfter: 1, sweeps: 1 };
    const [next] = await store.commit(partition, [{ replace: old, document }]);
    await expect(store.updateScheduling(reference, changes)).rejects.toThrow(StoreConflictError);
    expect(await store.read("cluster", { partition, id: document.id })).toEqual(next);
    await store.commit(partition, [{ delete: next }]);
    await expect(store.updateScheduling(reference, changes)).rejects.toThrow(StoreConflictError);
    expect(await store.read("cluster", { partition, id: document.id })).toBeUndefined();
    await store.commit(partition, [{ create: document }]);
    await expect(store.updateScheduling(reference, changes)).rejects.toThrow(StoreConflictError);
  });

  state("after an update of the scheduling older copies are stale", async ({ store }) => {
    const document = clusterDocument("c");
    const [old] = await store.commit(partition, [{ create: document }]);
    const reference = await onlyReference(store);
    await store.updateScheduling(reference, { unqueued: false, sweepAfter: 1, sweeps: 0 });
    await expect(store.commit(partition, [{ replace: old, document }])).rejects.toThrow(
      StoreConflictError,
    );
  });

  state("a member named like an operation's expiry doesn't end a cluster", async (under) => {
    const { store, now, advance } = under;
    const document = clusterDocument("c", { expiresAt: now() + 1_000 });
    await store.commit(partition, [{ create: document }]);
    await advance(60_000);
    await store.commit(partition, [{ create: operationDocument("o") }]);
    const read = await store.read("cluster", { partition, id: document.id });
    expect(read?.document).toEqual(document);
    expect((await store.listUnqueued({ limit: 10 })).items).toHaveLength(1);
  });

  state("one cluster that nobody here understands doesn't hide the others", async (under) => {
    const { store, now } = under;
    const odd = {
      a: { operation: undefined },
      c: { operation: { id: 7 }, nextAttemptAt: "soon", sweeps: null },
      e: { operation: [], cluster: null, secrets: "sealed", minimumSchemaVersion: 99 },
    };
    for (const unqueued of [true, false]) {
      const names = ["a", "b", "c", "d", "e", "f"].map((name) => `${name}-${unqueued}`);
      await store.commit(
        partition,
        names.map((name) => {
          const members = odd[name[0] as keyof typeof odd] as object | undefined;
          return { create: clusterDocument(name, { unqueued, ...members }) };
        }),
      );
    }
    const unqueued = (await store.listUnqueued({ limit: 20 })).items;
    expect(unqueued.map(({ key }) => key.id).toSorted()).toEqual([
      "rg|b-true",
      "rg|d-true",
      "rg|f-true",
    ]);
    const unattended = (await store.listUnattended(dueAt(now()), { limit: 20 })).items;
    expect(unattended.map(({ key }) => key.id).toSorted()).toEqual([
      "rg|b-false",
      "rg|d-false",
      "rg|f-false",
    ]);
    expect((await store.listClusters({ partition }, { limit: 20 })).items).toHaveLength(12);
  });
}
