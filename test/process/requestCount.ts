/**
 * How many requests have come to the peers of the Azure engines, in the words of `azureCosts.ts`. What is asked for again and again
 * while there is nothing to do is counted apart. What a request costs no peer can tell.
 */
import { activityKey } from "../../src/model/document.ts";
import { forwarderLeaseName } from "../../src/model/leaseNames.ts";
import { documentsContainer } from "../../src/store/cosmosLayout.ts";
import type { PeerRequest as QueuePeerRequest } from "../queue/storageQueuePeer.ts";
import type { PeerRequest as CosmosPeerRequest } from "../store/cosmosPeer.ts";
import type { CosmosRequest, Counts, QueueRequest } from "./azureCosts.ts";

/** By container and operation. */
const kinds: Readonly<Record<string, CosmosRequest>> = {
  "documents read": "point read",
  "documents batch": "batch",
  "documents create": "create",
  "documents query": "query",
  "leases read": "lease read",
  "leases create": "lease write",
  "leases replace": "lease write",
  "leases delete": "lease write",
};

export function countCosmos(requests: readonly CosmosPeerRequest[]): Counts<CosmosRequest> {
  const counts: Partial<Record<CosmosRequest, number>> = {};
  for (const { operation, container } of requests) {
    const where = container === documentsContainer.name ? "documents" : "leases";
    const kind = kinds[`${where} ${operation}`];
    if (kind === undefined) throw new Error(`${operation} of ${container} is not counted`);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** What is done for a cluster, rather than to find out whether there is anything to do. */
export function isOfCluster({ operation, container, id, body }: CosmosPeerRequest): boolean {
  if (operation === "account" || operation === "container" || operation === "query") return false;
  if (isOfActivity({ id, body })) return false;
  if (container === documentsContainer.name) return true;
  const name = id === "" ? (JSON.parse(body) as { readonly id: string }).id : id;
  return name !== forwarderLeaseName;
}

/** What is counted and published of all clusters together. */
export function isOfActivity({ id, body }: Pick<CosmosPeerRequest, "id" | "body">): boolean {
  return id === activityKey.id || body.includes('"kind":"activity"');
}

/** Without those that ask whether there is a message, and how many. */
export function countQueue(requests: readonly QueuePeerRequest[]): Counts<QueueRequest> {
  const counts: Partial<Record<QueueRequest, number>> = {};
  for (const { operation } of requests) {
    if (operation === "receive" || operation === "properties") continue;
    if (operation === "peek") throw new Error("a peek is not counted");
    counts[operation] = (counts[operation] ?? 0) + 1;
  }
  return counts;
}
