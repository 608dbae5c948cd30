/** Creates for which an older key may still be needed: those that have not ended well, whatever else there is. */
import { expect, test } from "vitest";
import type { ClusterDocument } from "../../src/model/document.ts";
import { countUnendedCreates } from "../../src/store/countUnendedCreates.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { StoreUnavailableError, type Store } from "../../src/store/store.ts";
import { openPeer } from "./cosmosFixture.ts";
import { clusterDocument, partition } from "./documents.ts";
import { openMemory } from "./sqliteFixture.ts";

const operation = (kind: "create" | "update" | "delete"): ClusterDocument["operation"] => ({
  id: "operation",
  kind,
  correlationId: "correlation",
});

/** In which states there may be a cluster, and whether its create has ended well. */
const clusters: readonly (readonly [name: string, counts: boolean, Partial<ClusterDocument>])[] = [
  ["creating", true, { provisioningState: "Creating", operation: operation("create") }],
  ["failed", true, { provisioningState: "Failed", operation: operation("create") }],
  ["canceled", true, { provisioningState: "Canceled", operation: operation("create") }],
  ["created", false, { provisioningState: "Succeeded", operation: operation("create") }],
  ["updating", false, { provisioningState: "Updating", operation: operation("update") }],
  ["not-updated", false, { provisioningState: "Failed", operation: operation("update") }],
  ["deleting", false, { provisioningState: "Deleting", operation: operation("delete") }],
];

test("counts creates that run or failed, over pages, and no other operation, on each engine", async () => {
  await using memory = await openMemory();
  await using peer = await openPeer();
  for (const store of [new SqliteStore(memory), peer.store] satisfies Store[]) {
    expect(await countUnendedCreates(store)).toBe(0);
    let expected = 0;
    for (const [name, counts, more] of clusters) {
      // more than a page of those that count
      for (let copy = 0; copy < 40; copy += 1) {
        await store.commit(partition, [{ create: clusterDocument(`${name}-${copy}`, more) }]);
        if (counts) expected += 1;
      }
    }
    expect(await countUnendedCreates(store)).toBe(expected);
  }
});

test("takes a cluster that can't be read back for one that may need it", async () => {
  const key = { partition, id: "damaged" };
  const store: Pick<Store, "listUnsettled"> = { listUnsettled: async () => ({ items: [{ key }] }) };
  expect(await countUnendedCreates(store)).toBe(1);
});

test("says nothing when the store doesn't answer", async () => {
  const store: Pick<Store, "listUnsettled"> = {
    listUnsettled: async () => Promise.reject(new StoreUnavailableError("down")),
  };
  await expect(countUnendedCreates(store)).rejects.toBeInstanceOf(StoreUnavailableError);
});
