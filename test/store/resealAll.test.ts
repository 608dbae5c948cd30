/** After a rotation everything is sealed by the newest key, whoever works on the documents meanwhile. */
import { expect, test } from "vitest";
import {
  providerPartition,
  schemaVersion,
  type ClusterDocument,
} from "../../src/model/document.ts";
import { systemRandom } from "../../src/runtime/ids.ts";
import { KeyRing } from "../../src/store/keyRing.ts";
import { resealAll } from "../../src/store/resealAll.ts";
import { SealedStore } from "../../src/store/sealedStore.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { StoreUnavailableError, type Store, type Stored } from "../../src/store/store.ts";
import { clusterDocument, partition } from "./documents.ts";
import { openPeer } from "./cosmosFixture.ts";
import { newKey, sealedStore, TestKeys } from "./sealedStoreFixture.ts";
import { keyDocument, notSealedBy } from "./secretsCases.ts";
import { openMemory } from "./sqliteFixture.ts";

const [first, second, lost] = [newKey("first"), newKey("second"), newKey("lost")];

/** As the program of the same name has it, with the newest key `second`. */
async function errand(behind: Store) {
  const keys = await KeyRing.open({
    source: new TestKeys(second, first),
    clock: { monotonic: () => 0 },
  });
  return { store: new SealedStore({ store: behind, keys, random: systemRandom }), keys };
}

/** A new store of each engine, gone with `using`. */
const engines = {
  SQLite: async () => {
    const fixture = await openMemory();
    return { behind: new SqliteStore(fixture), dispose: fixture };
  },
  "Cosmos DB": async () => {
    const fixture = await openPeer();
    return { behind: fixture.store, dispose: fixture };
  },
} as const satisfies Record<string, () => Promise<{ behind: Store; dispose: AsyncDisposable }>>;

test.each(Object.entries(engines))(
  "on %s: clear, old and new ones, more than a page of them; the second time there is nothing to do",
  async (_engine, open) => {
    const { behind, dispose } = await open();
    await using _ = dispose;
    const before = await sealedStore(behind, new TestKeys(first));
    const names = Array.from({ length: 230 }, (_each, index) => `c${index}`);
    for (const [index, name] of names.entries()) {
      const store = index % 2 === 0 ? before : behind;
      const secrets = { pullSecret: `secret of ${name}` };
      await store.commit(partition, [{ create: clusterDocument(name, { secrets }) }]);
    }
    await before.commit(providerPartition, [{ create: keyDocument }]);
    const after = await errand(behind);
    await after.store.commit(partition, [{ create: clusterDocument("new") }]);

    expect(await resealAll(after)).toEqual({ keyId: "second", resealed: 231, left: new Map() });
    expect(await notSealedBy(behind, "second", 50)).toEqual([]);
    expect(await resealAll(after)).toEqual({ keyId: "second", resealed: 0, left: new Map() });
    // without the old key everything is still there
    const alone = await sealedStore(behind, new TestKeys(second));
    for (const name of names) {
      const read = await alone.read("cluster", { partition, id: `rg|${name}` });
      const secrets = { pullSecret: `secret of ${name}` };
      expect(read?.document).toEqual(clusterDocument(name, { secrets }));
    }
    const key = { partition: providerPartition, id: keyDocument.id };
    expect((await alone.read("key", key))?.document).toEqual(keyDocument);
  },
);

test("what can't be resealed is left as it is, and counted by its reason", async () => {
  await using fixture = await openMemory();
  const behind = new SqliteStore(fixture);
  const before = await sealedStore(behind, new TestKeys(first));
  const stranger = await sealedStore(behind, new TestKeys(lost));
  await stranger.commit(partition, [
    { create: clusterDocument("a") },
    { create: clusterDocument("b") },
  ]);
  const [too] = await before.commit(partition, [
    { create: clusterDocument("too", { minimumSchemaVersion: schemaVersion + 1 }) },
    { create: clusterDocument("damaged") },
    { create: clusterDocument("fine") },
  ]);
  const damaged = await behind.read("cluster", { partition, id: "rg|damaged" });
  if (damaged === undefined) throw new Error("there is none");
  const secrets = { ...damaged.document.secrets, ciphertext: "AAAA" };
  const document = { ...damaged.document, secrets } as ClusterDocument;
  await behind.commit(partition, [{ replace: damaged, document }]);
  const { resealed, left } = await resealAll(await errand(behind));
  expect(resealed).toBe(1);
  expect(Object.fromEntries(left)).toEqual({
    'sealed by the key "lost", which is not there': 2,
    "written by a newer release": 1,
    damaged: 1,
  });
  const { etag } = (await behind.read("cluster", { partition, id: "rg|too" })) as Stored;
  expect(etag).toBe(too.etag);
});

test("one that others change while it is resealed has its turn again, and loses nothing", async () => {
  await using fixture = await openMemory();
  const behind = new SqliteStore(fixture);
  const before = await sealedStore(behind, new TestKeys(first));
  await before.commit(partition, [{ create: clusterDocument("c") }]);
  const { store, keys } = await errand(behind);
  let changes = 0;
  const racing = new Proxy(store, {
    get: (target, name: keyof Store) => {
      if (name !== "read") return (target[name] as () => unknown).bind(target);
      return async (...given: Parameters<Store["read"]>) => {
        const read = await target.read(...given);
        // a process that doesn't know the newest key yet
        const current = await before.read("cluster", { partition, id: "rg|c" });
        if (current !== undefined && changes < 3) {
          changes += 1;
          const changed = { ...current.document, revision: `r${changes}` };
          await before.commit(partition, [{ replace: current, document: changed }]);
        }
        return read;
      };
    },
  });
  const outcome = await resealAll({ store: racing, keys });
  expect(outcome).toEqual({ keyId: "second", resealed: 1, left: new Map() });
  const read = await store.read("cluster", { partition, id: "rg|c" });
  expect(read?.document.revision).toBe("r3");
});

test("a store that is down ends it, and what was done stays done", async () => {
  await using fixture = await openMemory();
  const behind = new SqliteStore(fixture);
  const before = await sealedStore(behind, new TestKeys(first));
  for (let index = 0; index < 30; index += 1) {
    await before.commit(partition, [{ create: clusterDocument(`c${index}`) }]);
  }
  const { store, keys } = await errand(behind);
  let commits = 0;
  const failing = new Proxy(store, {
    get: (target, name: keyof Store) => {
      if (name !== "commit") return (target[name] as () => unknown).bind(target);
      return async (...given: Parameters<Store["commit"]>) => {
        commits += 1;
        if (commits > 10) throw new StoreUnavailableError("down");
        return target.commit(...given);
      };
    },
  });
  await expect(resealAll({ store: failing, keys })).rejects.toThrow(StoreUnavailableError);
  expect((await notSealedBy(behind, "second", 50)).length).toBeLessThanOrEqual(20);
  expect((await resealAll({ store, keys })).left.size).toBe(0);
  expect(await notSealedBy(behind, "second", 50)).toEqual([]);
});

test("a key that becomes the newest meanwhile is told: there is more to do", async () => {
  await using fixture = await openMemory();
  const behind = new SqliteStore(fixture);
  const before = await sealedStore(behind, new TestKeys(first));
  await before.commit(partition, [{ create: clusterDocument("c") }]);
  const source = new TestKeys(second, first);
  const keys = await KeyRing.open({ source, clock: { monotonic: () => 0 } });
  const store = new SealedStore({ store: behind, keys, random: systemRandom });
  source.keys = [newKey("third"), second, first];
  const outcome = await resealAll({ store, keys });
  expect(outcome).toEqual({ keyId: "second", resealed: 1, left: new Map(), newerKeyId: "third" });
  const { keyId, newerKeyId } = await resealAll({ store, keys });
  expect([keyId, newerKeyId]).toEqual(["third", undefined]);
});
