/**
 * The store keeps the port's promises on a real account, when the environment names one; docs/cosmos.md says how. It makes a
 * database of its own and removes it, or empties one that is named. Its time is real: the suite takes some five minutes.
 */
import { CosmosClient, type Container } from "@azure/cosmos";
import { DefaultAzureCredential } from "@azure/identity";
import { afterAll, beforeAll, describe } from "vitest";
import { openCosmos } from "../../src/store/cosmosConnection.ts";
import { readCosmosSettings, type CosmosSettings } from "../../src/store/cosmosSettings.ts";
import { CosmosStore } from "../../src/store/cosmosStore.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemIds, systemRandom } from "../../src/runtime/ids.ts";
import { createCosmosDatabase, type CosmosDatabase } from "./cosmosDatabase.ts";
import { storeSuite } from "./storeSuite.ts";

const { settings, faults } = readCosmosSettings({
  COSMOSDB_ACCOUNT: process.env["TEST_COSMOSDB_ACCOUNT"],
  COSMOSDB_ENDPOINT: process.env["TEST_COSMOSDB_ENDPOINT"],
  COSMOSDB_KEY: process.env["TEST_COSMOSDB_KEY"],
});
if (faults.length > 0) {
  const told = faults.map(({ variable, message }) => `${variable} ${message}`).join("; ");
  throw new Error(told.replaceAll("COSMOSDB_", "TEST_COSMOSDB_"));
}

/** Somebody else's, with both containers; absent: one is made. */
const givenDatabase = process.env["TEST_COSMOSDB_DATABASE"]?.trim() || undefined;
if (settings !== undefined && settings.key === undefined && givenDatabase === undefined) {
  throw new Error("TEST_COSMOSDB_DATABASE must be given with Entra, whose roles make no database");
}

/** The one that is named: nothing asks for it without. */
function account(): CosmosSettings {
  if (settings === undefined) throw new Error("no account is named");
  return settings;
}

async function makeDatabase({ endpoint, key }: CosmosSettings): Promise<CosmosDatabase> {
  const client = new CosmosClient({
    endpoint,
    ...(key === undefined
      ? { aadCredentials: new DefaultAzureCredential() }
      : { key: key.reveal() }),
    connectionPolicy: { enableEndpointDiscovery: endpoint.startsWith("https:") },
  });
  const made = await createCosmosDatabase(client);
  return {
    name: made.name,
    [Symbol.asyncDispose]: async () => {
      await made[Symbol.asyncDispose]();
      client.dispose();
    },
  };
}

async function empty(container: Container, partitionKey: "subscriptionId" | "id"): Promise<void> {
  const query = `SELECT c.id, c.${partitionKey} FROM c`;
  const { resources } = await container.items
    .query<Readonly<Record<"id" | "subscriptionId", string>>>(query)
    .fetchAll();
  for (const item of resources) await container.item(item.id, item[partitionKey]).delete();
}

const noTurning = "nobody sets the clock of a real account back";

describe.skipIf(settings === undefined)(
  "left out unless TEST_COSMOSDB_ENDPOINT or TEST_COSMOSDB_ACCOUNT names an account (docs/cosmos.md)",
  () => {
    let made: CosmosDatabase | undefined;
    beforeAll(async () => {
      if (givenDatabase === undefined) made = await makeDatabase(account());
    });
    afterAll(async () => made?.[Symbol.asyncDispose]());

    storeSuite(
      "store on an account of Cosmos DB",
      async () => {
        const signal = AbortSignal.timeout(30_000);
        const database = givenDatabase ?? made?.name ?? "";
        const connection = await openCosmos(account(), { database, signal });
        await empty(connection.documents, "subscriptionId");
        await empty(connection.leases, "id");
        const open = () =>
          new CosmosStore({ connection, clock: systemClock, ids: systemIds, random: systemRandom });
        return {
          store: open(),
          other: open(),
          now: () => systemClock.now(),
          advance: async (durationMs) => systemClock.sleep(durationMs),
          setBack: () => {},
          [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
        };
      },
      {
        "the clock is set back: a dead holder's lease still runs out": noTurning,
        "the clock is set back: who only asks makes a dead holder's lease run out too": noTurning,
        "the clock is set back: a live holder keeps its lease": noTurning,
        "the clock is set back: a renewal that made the lease longer still counts": noTurning,
      },
    );
  },
);
