/** Clusters whose secrets nobody can open any more, beside one that is well: what a process meets when its key was lost. */
import type { Store } from "../../src/store/store.ts";
import type { SealedStore } from "../../src/store/sealedStore.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { clusterDocument, operationDocument, partition } from "./documents.ts";
import { newKey, sealedStore, TestKeys } from "./sealedStoreFixture.ts";

const lostSecrets = { pullSecret: "of-a-cluster-whose-key-is-lost" } as const;

/** How a cluster came to have secrets that can't be opened, by the name of the cluster. */
export const lostClusters = ["lost", "damaged", "stripped"] as const;

/**
 * Makes them, each Failed, in a store of one engine.
 *
 * @returns the store as a process has it that lacks the key of `lost`.
 */
export async function withLostClusters(
  behind: Store,
  clock: Pick<Clock, "monotonic">,
): Promise<SealedStore> {
  const ours = newKey("ours");
  for (const name of lostClusters) {
    const key = name === "lost" ? newKey("key-that-is-lost") : ours;
    const store = await sealedStore(behind, new TestKeys(key), clock);
    const document = clusterDocument(name, {
      provisioningState: "Failed",
      unqueued: false,
      secrets: lostSecrets,
    });
    const operation = { ...operationDocument(`of ${name}`), status: "Failed" } as const;
    await store.commit(partition, [
      { create: { ...document, operation: { ...document.operation, id: operation.id } } },
      { create: operation },
    ]);
    const stored = await behind.read("cluster", { partition, id: document.id });
    if (stored === undefined) throw new Error("there is none");
    const other =
      name === "damaged"
        ? { ...stored.document.secrets, ciphertext: "AAAA" }
        : { pullSecret: "put-there-by-somebody" };
    if (name === "lost") continue;
    await behind.commit(partition, [
      { replace: stored, document: { ...stored.document, secrets: other } },
    ]);
  }
  return sealedStore(behind, new TestKeys(ours), clock);
}
