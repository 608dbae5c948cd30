/** A process that lacks the key by which one cluster, `lost`, is sealed. */
import { clusterKey } from "../../src/model/resourceId.ts";
import { SealingKeyUnknownError, type Store } from "../../src/store/store.ts";
import { partition } from "../store/documents.ts";

const lost = clusterKey({ subscriptionId: partition, resourceGroup: "rg", name: "lost" }).id;

/** A store that can't open that cluster as long as the key is away. */
export function withoutKey(isAway: () => boolean): (store: Store) => Store {
  return (store) =>
    new Proxy(store, {
      get: (target, name: keyof Store) => {
        if (name !== "read") return (target[name] as () => unknown).bind(target);
        return async (...given: Parameters<Store["read"]>) => {
          if (given[1].id !== lost || !isAway()) return target.read(...given);
          throw new SealingKeyUnknownError("it is sealed by another key", "key-1");
        };
      },
    });
}
