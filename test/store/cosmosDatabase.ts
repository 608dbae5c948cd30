/**
 * A database as the store wants to find it (docs/cosmos.md), for tests against servers that keep one: made for them, and removed
 * with all that is in it.
 */
import { randomUUID } from "node:crypto";
import type { ContainerDefinition, CosmosClient } from "@azure/cosmos";

/** -1: an item lives for ever unless it says otherwise. */
const neverByItself = -1;

const containers: readonly ContainerDefinition[] = [
  {
    id: "OpenShiftClusterDocuments",
    partitionKey: { paths: ["/subscriptionId"] },
    defaultTtl: neverByItself,
    indexingPolicy: {
      indexingMode: "consistent",
      includedPaths: [
        { path: "/id/?" },
        { path: "/subscriptionId/?" },
        { path: "/kind/?" },
        { path: "/scheduling/*" },
        { path: "/document/provisioningState/?" },
      ],
      excludedPaths: [{ path: "/*" }],
    },
  },
  {
    id: "Leases",
    partitionKey: { paths: ["/id"] },
    defaultTtl: neverByItself,
    indexingPolicy: {
      indexingMode: "consistent",
      includedPaths: [],
      excludedPaths: [{ path: "/*" }],
    },
  },
];

export interface CosmosDatabase extends AsyncDisposable {
  readonly name: string;
}

/**
 * @param client its owner is whoever made it; it must be allowed to make databases.
 * @param name never one that is in use.
 */
export async function createCosmosDatabase(
  client: CosmosClient,
  name = `rp-test-${randomUUID()}`,
): Promise<CosmosDatabase> {
  const { database } = await client.databases.create({ id: name });
  const remove = async (): Promise<void> => {
    await database.delete();
  };
  try {
    for (const container of containers) await database.containers.create(container);
  } catch (error) {
    await remove();
    throw error;
  }
  return { name, [Symbol.asyncDispose]: remove };
}
