/**
 * The Azure engines as servers that nobody here wrote, on the machine's clock: `@vercel/cosmosdb-server` behind its proxy for batches,
 * and Azurite. What a real process does on them is not our own reading of the protocols alone. Both forget all when they end.
 */
import { CosmosClient } from "@azure/cosmos";
import { QueueClient, StorageSharedKeyCredential } from "@azure/storage-queue";
import { queueName } from "../../src/queue/storageQueueConnection.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { cosmosDatabase } from "../../src/store/cosmosLayout.ts";
import { Azurite, azuriteAccount } from "../azurite/azurite.ts";
import { BatchProxy } from "../cosmosdb-server/batchProxy.ts";
import { createCosmosDatabase } from "../store/cosmosDatabase.ts";
import { anyKey } from "../store/cosmosFixture.ts";
import type { FreshEngines } from "./engineSuite.ts";
import { makeKeyFile } from "./keyFile.ts";

/** Of every cluster, in a member of this name. */
const secrets = ["pullSecret"];

/** Both servers, with a database and a queue as the program wants to find them. */
export async function startForeignServers(): Promise<FreshEngines> {
  await using started = new AsyncDisposableStack();
  const proxy = started.use(await BatchProxy.start({ clock: systemClock, secrets }));
  const client = new CosmosClient({
    endpoint: proxy.url,
    key: anyKey.reveal(),
    connectionPolicy: { enableEndpointDiscovery: false },
  });
  started.defer(() => client.dispose());
  await createCosmosDatabase(client, cosmosDatabase);

  const azurite = started.use(await Azurite.start());
  await azurite.run();
  const { name, key } = azuriteAccount;
  const credential = new StorageSharedKeyCredential(name, key);
  await new QueueClient(`${azurite.endpoint}/${queueName}`, credential).create();

  const keyFile = started.use(makeKeyFile());
  const servers = started.move();
  return {
    settings: {
      COSMOSDB_ENDPOINT: proxy.url,
      COSMOSDB_KEY: anyKey.reveal(),
      STORAGE_QUEUE_ENDPOINT: azurite.endpoint,
      STORAGE_KEY: key,
      SEALING_KEY_FILE: keyFile.path,
    },
    [Symbol.asyncDispose]: async () => servers.disposeAsync(),
  };
}
