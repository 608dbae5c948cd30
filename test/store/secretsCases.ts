/** What every store must do with the secrets of documents, sealed or not: it keeps them, and no listing brings them. */
import { expect } from "vitest";
import { providerPartition, type KeyDocument } from "../../src/model/document.ts";
import type { PageRequest, SecretsReference, Store } from "../../src/store/store.ts";
import type { StoreCase } from "./storeUnderTest.ts";
import {
  clusterDocument,
  dueAt,
  operationDocument,
  otherPartition,
  partition,
  subscriptionDocument,
} from "./documents.ts";

/** Secrets as if they had been sealed by a key. */
function sealedBy(keyId: string): never {
  return { sealed: 1, keyId, nonce: "bm9uY2U=", ciphertext: "Y2lwaGVydGV4dA==" } as never;
}

export const keyDocument: KeyDocument = {
  kind: "key",
  id: "skipToken",
  subscriptionId: providerPartition,
  schemaVersion: 1,
  secrets: { key: "a2V5" },
};

/** All that is not sealed by a key, by pages, in the order of ids. */
export async function notSealedBy(
  store: Store,
  keyId: string,
  limit: number,
): Promise<readonly SecretsReference[]> {
  const found: SecretsReference[] = [];
  let page: PageRequest | undefined = { limit };
  while (page !== undefined) {
    const { items, continuation }: Awaited<ReturnType<Store["listNotSealedBy"]>> =
      await store.listNotSealedBy(keyId, page);
    found.push(...items);
    page = continuation === undefined ? undefined : { limit, continuation };
  }
  return found.toSorted((one, other) => (one.key.id < other.key.id ? -1 : 1));
}

export function secretsCases(state: StoreCase): void {
  state("no listing brings a secret", async ({ store, now }) => {
    const secrets = { pullSecret: "planted", later: "planted too" } as object;
    for (const [name, unqueued] of [
      ["a", true],
      ["b", false],
    ] as const) {
      await store.commit(partition, [
        { create: clusterDocument(name, { unqueued, secrets: secrets as never }) },
      ]);
    }
    await store.commit(providerPartition, [
      { create: { ...keyDocument, secrets: { key: "planted" } } },
    ]);
    const page = { limit: 10 };
    const listings = [
      await store.listClusters({ partition }, page),
      await store.listUnqueued(page),
      await store.listUnattended(dueAt(now()), page),
      await store.listNotSealedBy("a key", page),
    ];
    expect(listings.map(({ items }) => items.length)).toEqual([2, 1, 1, 3]);
    expect(JSON.stringify(listings)).not.toContain("planted");
    for (const listed of listings[0]?.items ?? []) expect(listed).not.toHaveProperty("secrets");
    const read = await store.read("cluster", { partition, id: "rg|a" });
    expect(read?.document.secrets).toEqual(secrets);
  });

  state("what no key or another key has sealed is listed, over all partitions", async (under) => {
    const { store } = under;
    await store.commit(partition, [
      { create: clusterDocument("clear") },
      { create: clusterDocument("first", { secrets: sealedBy("first") }) },
      { create: clusterDocument("second", { secrets: sealedBy("second") }) },
      { create: clusterDocument("odd", { secrets: "no object" as never }) },
      { create: clusterDocument("none", { secrets: undefined as never }) },
      { create: operationDocument("o") },
      { create: subscriptionDocument(partition) },
    ]);
    await store.commit(otherPartition, [
      { create: clusterDocument("elsewhere", { subscriptionId: otherPartition }) },
    ]);
    await store.commit(providerPartition, [{ create: keyDocument }]);
    for (const limit of [1, 2, 50]) {
      const found = await notSealedBy(store, "first", limit);
      const whole = found.filter(({ key }) => key.id !== "rg|odd" && key.id !== "rg|none");
      expect(whole.filter(({ kind }) => kind === "cluster")).toEqual([
        { kind: "cluster", key: { partition, id: "rg|clear" } },
        { kind: "cluster", key: { partition: otherPartition, id: "rg|elsewhere" } },
        { kind: "cluster", key: { partition, id: "rg|second" }, keyId: "second" },
      ]);
      expect(found.filter(({ kind }) => kind === "key").map(({ key }) => key)).toEqual([
        { partition: providerPartition, id: "skipToken" },
      ]);
    }
  });
}
