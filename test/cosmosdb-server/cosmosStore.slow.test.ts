/**
 * The store on Cosmos DB over a server that nobody here wrote: what the protocol and the query language mean is not our own
 * reading of them alone. What that server can't do is left out by name below; `test/store/cosmosFaults.test.ts` has the rest.
 */
import { CosmosClient, type FeedOptions } from "@azure/cosmos";
import { expect, test, vi } from "vitest";
import { attemptLimitMs } from "../../src/store/cosmosCalls.ts";
import { openCosmos, type CosmosConnection } from "../../src/store/cosmosConnection.ts";
import { CosmosStore } from "../../src/store/cosmosStore.ts";
import { StoreConflictError, type Page, type PageRequest } from "../../src/store/store.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { HastyClock } from "../runtime/hastyClock.ts";
import { anyKey } from "../store/cosmosFixture.ts";
import { createCosmosDatabase } from "../store/cosmosDatabase.ts";
import {
  clusterDocument,
  dueAt,
  longAgo,
  otherPartition,
  partition,
  subscriptionDocument,
} from "../store/documents.ts";
import { storeSuite } from "../store/storeSuite.ts";
import { BatchProxy } from "./batchProxy.ts";

/** Of the secrets of every cluster in the suite, and of those that are planted here. */
const secrets = ["auths", "planted-secret"];

async function openServer() {
  const clock = new HastyClock(attemptLimitMs / 2);
  // the only clock that the server reads
  const dateNow = vi.spyOn(Date, "now").mockImplementation(() => clock.now());
  const proxy = await BatchProxy.start({ clock, secrets });
  const client = new CosmosClient({
    endpoint: proxy.url,
    key: anyKey.reveal(),
    connectionPolicy: { enableEndpointDiscovery: false },
  });
  const database = await createCosmosDatabase(client);
  const connections: CosmosConnection[] = [];
  const open = async (): Promise<CosmosStore> => {
    const connection = await openCosmos(
      { endpoint: proxy.url, key: anyKey },
      { signal: AbortSignal.timeout(30_000), database: database.name },
    );
    connections.push(connection);
    const random = { fraction: () => 0.5, integer: () => 0, bytes: () => new Uint8Array() };
    return new CosmosStore({ connection, clock, ids: systemIds, random });
  };
  return {
    store: await open(),
    other: await open(),
    clock,
    proxy,
    documents: client.database(database.name).container("OpenShiftClusterDocuments"),
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) connection[Symbol.dispose]();
      client.dispose();
      dateNow.mockRestore();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

const keepsForEver = "the server keeps `ttl` like any other member and forgets nothing";

storeSuite(
  "store on @vercel/cosmosdb-server",
  async () => {
    const opened = await openServer();
    const { clock } = opened;
    return {
      ...opened,
      now: () => clock.now(),
      advance: async (durationMs) => clock.advance(durationMs),
      setBack: (durationMs) => clock.setBack(durationMs),
    };
  },
  {
    "an operation is forgotten when its time has come": keepsForEver,
    "an operation that ends gets its time with the last write": keepsForEver,
  },
);

const purge = { since: longAgo, nextAttemptAt: longAgo, retries: 0 };

/** All pages of at most 7, with something done after each. */
async function pagesOfSeven<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  between: (page: Page<T>) => Promise<void> = async () => {},
): Promise<readonly T[]> {
  const items: T[] = [];
  let continuation: string | undefined;
  do {
    const page = await list({ limit: 7, ...(continuation !== undefined && { continuation }) });
    expect(page.items.length).toBeLessThanOrEqual(7);
    items.push(...page.items);
    continuation = page.continuation;
    await between(page);
  } while (continuation !== undefined);
  return items;
}

test("of 20 writers at once one wins each round, until each has won", async () => {
  await using opened = await openServer();
  const { store, other } = opened;
  const cluster = clusterDocument("c", { installation: { winners: [] } });
  const key = { partition, id: cluster.id };
  await store.commit(partition, [{ create: cluster }]);
  let waiting = Array.from({ length: 20 }, (_, writer) => writer);
  const winners: number[] = [];
  while (waiting.length > 0) {
    const read = await Promise.all(
      waiting.map(async (writer) => (writer % 2 === 0 ? store : other).read("cluster", key)),
    );
    const outcomes = await Promise.allSettled(
      waiting.map(async (writer, index) => {
        const replace = read[index];
        if (replace === undefined) throw new Error("it is gone");
        const installation = { winners: [...winners, writer] };
        const document = { ...replace.document, installation };
        await (writer % 2 === 0 ? store : other).commit(partition, [{ replace, document }]);
        return writer;
      }),
    );
    const won = outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(won).toHaveLength(1);
    for (const each of outcomes) {
      if (each.status === "rejected") expect(each.reason).toBeInstanceOf(StoreConflictError);
    }
    winners.push(...won);
    waiting = waiting.filter((writer) => !won.includes(writer));
  }
  const last = await store.read("cluster", key);
  expect(last?.document.installation).toEqual({ winners });
});

test("hundreds of clusters come page by page, each once, also while they change", async () => {
  await using opened = await openServer();
  const { store, clock } = opened;
  const clusters = Array.from({ length: 300 }, (_, index) =>
    clusterDocument(`c${String(index).padStart(3, "0")}`, {
      subscriptionId: index % 3 === 0 ? otherPartition : partition,
    }),
  );
  for (const subscriptionId of [partition, otherPartition]) {
    const own = clusters.filter((cluster) => cluster.subscriptionId === subscriptionId);
    const ids = own.map(({ id }) => id);
    for (const half of [own.slice(0, 100), own.slice(100)]) {
      await store.commit(
        subscriptionId,
        half.toReversed().map((create) => ({ create })),
      );
    }
    const listed = await pagesOfSeven(async (page) =>
      store.listClusters({ partition: subscriptionId }, page),
    );
    expect(listed.map(({ id }) => id)).toEqual(ids);
  }
  const allIds = clusters.map(({ id }) => id);
  const unqueued = await pagesOfSeven(
    async (page) => store.listUnqueued(page),
    async ({ items }) => {
      for (const item of items) {
        await store.updateScheduling(item, { unqueued: false, sweepAfter: longAgo, sweeps: 0 });
      }
    },
  );
  expect(unqueued.map(({ key }) => key.id).toSorted()).toEqual(allIds);
  const unattended = await pagesOfSeven(async (page) =>
    store.listUnattended(dueAt(clock.now()), page),
  );
  expect(unattended.map(({ key }) => key.id).toSorted()).toEqual(allIds);
});

test("a listing of one partition says so in its text, as this server looks at nothing else", async () => {
  await using opened = await openServer();
  const { store, proxy } = opened;
  await store.commit(partition, [{ create: clusterDocument("here") }]);
  const there = clusterDocument("there", { subscriptionId: otherPartition });
  await store.commit(otherPartition, [{ create: there }]);
  for (const query of [{ partition }, { partition, idPrefix: "rg|" }]) {
    const { items } = await store.listClusters(query, { limit: 10 });
    expect(items.map(({ name }) => name)).toEqual(["here"]);
  }
  expect(proxy.queries.map((query) => query.partition)).toEqual([partition, partition]);
});

test("no scan over all partitions brings a secret", async () => {
  await using opened = await openServer();
  const { store, proxy, clock } = opened;
  const planted = { secrets: { pullSecret: "planted-secret" } };
  await store.commit(partition, [
    { create: clusterDocument("waits", planted) },
    { create: clusterDocument("runs", { ...planted, unqueued: false }) },
    { create: subscriptionDocument(partition, { purge }) },
  ]);
  await store.listUnqueued({ limit: 5 });
  await store.listUnattended(dueAt(clock.now()), { limit: 5 });
  await store.listPurges(dueAt(clock.now()), { limit: 5 });
  await store.listUnsettled({}, { limit: 5 });
  const found = proxy.queries.map(({ partition: named, count }) => [named, count]);
  expect(found).toEqual([
    [undefined, 1],
    [undefined, 1],
    [undefined, 1],
    [undefined, 2],
  ]);
});

test.each<[string, FeedOptions, RegExp]>([
  ["of one partition, with nothing of it in the text", { partitionKey: partition }, /partition/],
  ["over all partitions that brings a secret", {}, /brings a secret/],
])("the proxy tells of a query %s", async (_title, feed, breach) => {
  const opened = await openServer();
  const { store, documents } = opened;
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  const { resources } = await documents.items.query("SELECT * FROM c", feed).fetchAll();
  expect(resources).toHaveLength(1);
  await expect(opened[Symbol.asyncDispose]()).rejects.toThrow(breach);
});
