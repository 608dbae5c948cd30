/**
 * The store on Cosmos DB keeps the port's promises, over the real SDK and real sockets; and what only it can get wrong. The
 * server is our own peer. Two more run the same suite: `test/cosmosdb-server/` and, when one is named, an account
 * (`cosmosAccount.slow.test.ts`).
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { CosmosOpenError, openCosmos } from "../../src/store/cosmosConnection.ts";
import type { Charge } from "../../src/store/cosmosCalls.ts";
import {
  DocumentUnreadableError,
  StoreConflictError,
  StoreUnavailableError,
  type Store,
} from "../../src/store/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { anyKey, openPeer } from "./cosmosFixture.ts";
import { CosmosPeer, type PeerOperation, type PeerRequest } from "./cosmosPeer.ts";
import {
  clusterDocument,
  dueAt,
  operationDocument,
  partition,
  subscriptionDocument,
} from "./documents.ts";
import { storeSuite } from "./storeSuite.ts";

const documents = "OpenShiftClusterDocuments";

storeSuite("store on a Cosmos peer", async () => {
  const fixture = await openPeer();
  const { clock, store, other } = fixture;
  return {
    store,
    other,
    now: () => clock.now(),
    advance: async (durationMs) => clock.advance(durationMs),
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
  };
});

/** Every partition that a request of this kind names in its header. */
function partitionsOf(requests: readonly PeerRequest[]): readonly unknown[] {
  return requests.map(({ headers }) => headers["x-ms-documentdb-partitionkey"]);
}

const header = JSON.stringify([partition]);

test("a read is one point read, a commit one batch, each with its partition in the header", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  const cluster = clusterDocument("c");
  const writes = [{ create: cluster }, { create: operationDocument("o") }] as const;
  const [stored] = await store.commit(partition, writes);
  expect(peer.operations).toEqual(["batch"]);
  await store.read("cluster", { partition, id: cluster.id });
  expect(peer.operations).toEqual(["batch", "read"]);
  await store.commit(partition, [{ replace: stored, document: { ...cluster, revision: "2" } }]);
  expect(peer.operations).toEqual(["batch", "read", "batch"]);
  expect(partitionsOf(peer.requests)).toEqual([header, header, header]);
});

test("a commit is atomic, asks for no content back, and never upserts", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  expect(peer.requests[0]?.headers).toMatchObject({
    prefer: "return=minimal",
    "x-ms-cosmos-batch-atomic": "true",
  });
  expect(peer.requests[0]?.headers).not.toHaveProperty("x-ms-documentdb-is-upsert");
});

test("scheduling is updated by one patch, under the ETag and in the partition", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  const [reference] = (await store.listUnqueued({ limit: 1 })).items;
  if (reference === undefined) throw new Error("not listed");
  peer.requests.length = 0;
  await store.updateScheduling(reference, { unqueued: false, sweepAfter: 1, sweeps: 1 });
  expect(peer.operations).toEqual(["batch"]);
  expect(partitionsOf(peer.requests)).toEqual([header]);
  const [asked] = JSON.parse(peer.requests[0]?.body ?? "") as readonly object[];
  expect(asked).toMatchObject({ operationType: "Patch", ifMatch: reference.etag });
  expect(peer.requests[0]?.headers["prefer"]).toBe("return=minimal");
  expect(peer.requests[0]?.body).not.toContain("auths");
});

test("a lease is taken, renewed and released by one request each", async () => {
  await using fixture = await openPeer();
  const { peer, store, clock } = fixture;
  const lease = { name: "forwarder", owner: "me" };
  await store.acquireLease({ ...lease, leaseMs: 10_000 });
  await clock.advance(3_000);
  await store.renewLease(lease, { leaseMs: 10_000 });
  await store.releaseLease(lease);
  expect(peer.operations).toEqual(["create", "replace", "delete"]);
});

test("a lease that somebody has is asked for again by one read, and taken as soon as it is free", async () => {
  await using fixture = await openPeer();
  const { peer, store, other, clock } = fixture;
  const lease = { name: "forwarder", owner: "me" };
  await store.acquireLease({ ...lease, leaseMs: 10_000 });
  const asked = async (): Promise<readonly [boolean, ...typeof peer.operations]> => {
    peer.requests.length = 0;
    const request = { name: "forwarder", owner: "you", leaseMs: 10_000 };
    const { acquired } = await other.acquireLease(request);
    return [acquired, ...peer.operations];
  };
  expect(await asked()).toEqual([false, "create", "read"]);
  await clock.advance(5_000);
  expect(await asked()).toEqual([false, "read"]);
  await store.renewLease(lease, { leaseMs: 10_000 });
  await clock.advance(6_000);
  expect(await asked()).toEqual([false, "read"]);
  await store.releaseLease(lease);
  expect(await asked()).toEqual([true, "read", "create"]);
  await other.releaseLease({ name: "forwarder", owner: "you" });
  await store.acquireLease({ ...lease, leaseMs: 10_000 });
  expect(await asked()).toEqual([false, "create", "read"]);
  // nobody renews it any more
  await clock.advance(9_000);
  expect(await asked()).toEqual([false, "read"]);
  await clock.advance(4_000);
  expect(await asked()).toEqual([true, "create", "read", "replace"]);
});

test("a listing is one query, without the plan that the SDK asks for", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  for (const list of [
    async () => store.listClusters({ partition }, { limit: 5 }),
    async () => store.listUnqueued({ limit: 5 }),
    async () => store.listUnattended(dueAt(0), { limit: 5 }),
    async () => store.listPurges(dueAt(0), { limit: 5 }),
    async () => store.listUnsettled({}, { limit: 5 }),
  ]) {
    peer.requests.length = 0;
    await list();
    expect(peer.operations).toEqual(["query"]);
  }
});

test("no scan of the forwarder brings a secret out of the service", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  const secrets = { pullSecret: '{"auths":{"secret":{}}}' };
  await store.commit(partition, [{ create: clusterDocument("c", { secrets }) }]);
  await store.listUnqueued({ limit: 5 });
  await store.listUnattended(dueAt(0), { limit: 5 });
  const queries = peer.requests.filter(({ operation }) => operation === "query");
  expect(queries).toHaveLength(2);
  for (const { body } of queries) {
    const { query } = JSON.parse(body) as { readonly query: string };
    expect(query).toMatch(
      /^SELECT c\.id, c\.subscriptionId, c\._etag, c\.scheduling, c\.document\.operation FROM c /,
    );
  }
  const { scheduling } = peer.item(documents, partition, "rg|c") ?? {};
  expect(Object.keys(scheduling as object).toSorted()).toEqual(
    ["active", "nextAttemptAt", "operationId", "sweepAfter", "sweeps", "unqueued"].toSorted(),
  );
});

test("a stale ETag of one of several changes nothing of the others", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  const cluster = clusterDocument("c");
  const subscription = subscriptionDocument(partition);
  const [stale, current] = await store.commit(partition, [
    { create: cluster },
    { create: subscription },
  ]);
  await store.commit(partition, [{ replace: stale, document: cluster }]);
  const before = peer.item(documents, partition, subscription.id);
  await expect(
    store.commit(partition, [
      { replace: current, document: subscription },
      { create: operationDocument("o") },
      { replace: stale, document: cluster },
    ]),
  ).rejects.toThrow(StoreConflictError);
  expect(peer.item(documents, partition, subscription.id)).toEqual(before);
  expect(peer.item(documents, partition, "o")).toBeUndefined();
});

test("the service forgets operations by itself, and clusters never", async () => {
  await using fixture = await openPeer();
  const { peer, store, clock } = fixture;
  const expiresAt = clock.now() + 7 * 24 * 3_600_000;
  await store.commit(partition, [
    { create: clusterDocument("c", { expiresAt: 1, ttl: 1 }) },
    { create: operationDocument("running") },
    { create: operationDocument("ended", { expiresAt }) },
  ]);
  const ttlOf = (id: string): unknown => peer.item(documents, partition, id)?.["ttl"];
  expect([ttlOf("rg|c"), ttlOf("running"), ttlOf("ended")]).toEqual([
    undefined,
    undefined,
    604_800,
  ]);
});

test("nor does what operators list, which a damaged item doesn't hide", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  const secrets = { pullSecret: '{"auths":{"secret":{}}}' };
  await store.commit(partition, [
    { create: clusterDocument("c", { secrets }) },
    { create: clusterDocument("damaged", { secrets }) },
  ]);
  const item = peer.item(documents, partition, "rg|damaged") ?? {};
  peer.put(documents, partition, { ...item, document: "no object" });
  const { items } = await store.listUnsettled({}, { limit: 5 });
  expect(items.map(({ key, standing }) => [key.id, standing?.provisioningState])).toEqual([
    ["rg|c", "Creating"],
    ["rg|damaged", undefined],
  ]);
  const [asked] = peer.requests.filter(({ operation }) => operation === "query");
  const { query } = JSON.parse(asked?.body ?? "") as { readonly query: string };
  expect(query).not.toMatch(/c\.document[^.]|secrets|\*/);
});

test("a damaged item hides no other, and its scheduling can be written", async () => {
  const unreadable: unknown[] = [];
  await using fixture = await openPeer({ onUnreadable: ({ id }) => void unreadable.push(id) });
  const { peer, store } = fixture;
  await store.commit(partition, [
    { create: clusterDocument("damaged") },
    { create: clusterDocument("whole") },
  ]);
  const id = "rg|damaged";
  const item = peer.item(documents, partition, id) ?? {};
  peer.put(documents, partition, { ...item, document: "no object" });
  await expect(store.read("cluster", { partition, id })).rejects.toThrow(DocumentUnreadableError);
  const { items } = await store.listClusters({ partition }, { limit: 5 });
  expect(items.map(({ name }) => name)).toEqual(["whole"]);
  const references = (await store.listUnqueued({ limit: 5 })).items;
  expect(references).toHaveLength(2);
  for (const reference of references) {
    await store.updateScheduling(reference, { unqueued: false, sweepAfter: 1, sweeps: 0 });
  }
  expect((await store.listUnqueued({ limit: 5 })).items).toEqual([]);
  expect(unreadable).toEqual([id, id]);
});

test("secrets stand beside the document, where a listing leaves them; in items of before they stood in it", async () => {
  await using fixture = await openPeer();
  const { peer, store } = fixture;
  await store.commit(partition, [
    { create: clusterDocument("new", { secrets: { pullSecret: "planted" } }) },
    { create: clusterDocument("old", { secrets: { pullSecret: "planted" } }) },
  ]);
  const item = peer.item(documents, partition, "rg|new") ?? {};
  expect(item["secrets"]).toEqual({ pullSecret: "planted" });
  expect(item["document"]).not.toHaveProperty("secrets");
  const { secrets, document, ...old } = peer.item(documents, partition, "rg|old") ?? {};
  peer.put(documents, partition, { ...old, document: { ...(document as object), secrets } });

  const { items } = await store.listClusters({ partition }, { limit: 5 });
  expect(items.map(({ name }) => name)).toEqual(["new", "old"]);
  // neither leaves the service
  const [asked] = peer.requests.filter(({ operation }) => operation === "query");
  const { query } = JSON.parse(asked?.body ?? "") as { readonly query: string };
  expect(query).not.toMatch(/c\.document[^.]|secrets|\*/);
  expect(JSON.stringify(items)).not.toContain("planted");
  for (const id of ["rg|new", "rg|old"]) {
    const stored = await store.read("cluster", { partition, id });
    if (stored === undefined) throw new Error("gone");
    expect(stored.document.secrets).toEqual({ pullSecret: "planted" });
    // written anew, it is in the new form
    await store.commit(partition, [{ replace: stored, document: stored.document }]);
    expect(peer.item(documents, partition, id)?.["document"]).not.toHaveProperty("secrets");
  }
  const listed = await store.listNotSealedBy("key", { limit: 5 });
  expect(listed.items.map(({ key }) => key.id)).toEqual(["rg|new", "rg|old"]);
});

test("what a call has cost is told, refused requests included", async () => {
  const charges: unknown[] = [];
  await using fixture = await openPeer({ onCharge: (charge) => void charges.push(charge) });
  const { peer, store } = fixture;
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  peer.fail("read", { status: 429 });
  await store.read("cluster", { partition, id: "rg|c" });
  expect(charges).toEqual([
    { operation: "commit", requestUnits: 1.5 },
    { operation: "read", requestUnits: 3 },
  ]);
});

test("each request that is made again is told, with the reason", async () => {
  const retries: string[] = [];
  await using fixture = await openPeer({ onRetry: (reason) => retries.push(reason) });
  const { peer, store } = fixture;
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  expect(retries).toEqual([]);
  peer.fail("read", { status: 429 }, { status: 503 }, { reset: "before" });
  await store.read("cluster", { partition, id: "rg|c" });
  expect(retries).toEqual(["putOff", "unanswered", "unanswered"]);
});

test("every call tells its cost, once and by its own name", async () => {
  const charges: Charge[] = [];
  await using fixture = await openPeer({ onCharge: (charge) => void charges.push(charge) });
  const { store } = fixture;
  const lease = { name: "lease", owner: "me" };
  const page = { limit: 5 };
  const scheduling = { unqueued: false, sweepAfter: 1, sweeps: 0 };
  // in this order, each finds what those before it left
  const calls: Readonly<Record<keyof Store, () => Promise<unknown>>> = {
    commit: async () => store.commit(partition, [{ create: clusterDocument("c") }]),
    read: async () => store.read("cluster", { partition, id: "rg|c" }),
    listClusters: async () => store.listClusters({ partition }, page),
    listUnqueued: async () => store.listUnqueued(page),
    listUnattended: async () => store.listUnattended(dueAt(0), page),
    listPurges: async () => store.listPurges(dueAt(0), page),
    listUnsettled: async () => store.listUnsettled({}, page),
    listRunning: async () => store.listRunning(page),
    listNotSealedBy: async () => store.listNotSealedBy("key", page),
    updateScheduling: async () => {
      const [reference] = (await store.listUnqueued(page)).items;
      if (reference === undefined) throw new Error("not listed");
      charges.length = 0;
      await store.updateScheduling(reference, scheduling);
    },
    acquireLease: async () => store.acquireLease({ ...lease, leaseMs: 10_000 }),
    renewLease: async () => store.renewLease(lease, { leaseMs: 10_000 }),
    leaseRemainingMs: async () => store.leaseRemainingMs(lease.name),
    releaseLease: async () => store.releaseLease(lease),
    ping: async () => store.ping(),
  };
  for (const [operation, call] of Object.entries(calls)) {
    charges.length = 0;
    await call();
    expect(charges).toEqual([{ operation, requestUnits: 1.5 }]);
  }
});

test.each([
  ["a conflict", { status: 207, text: '[{"statusCode":409}]' }, StoreConflictError],
  ["a refusal", { status: 403 }, StoreUnavailableError],
])("a call that fails tells its cost as well: %s", async (_title, fault, failure) => {
  const charges: Charge[] = [];
  await using fixture = await openPeer({ onCharge: (charge) => void charges.push(charge) });
  const { peer, store } = fixture;
  peer.fail("batch", fault);
  await expect(store.commit(partition, [{ create: clusterDocument("c") }])).rejects.toThrow(
    failure,
  );
  expect(charges).toEqual([{ operation: "commit", requestUnits: 1.5 }]);
});

test.each<[string, Parameters<typeof openPeer>[0], RegExp]>([
  ["another consistency", { consistency: "Session" }, /must be Strong, and is Session/],
  ["another partition key", { partitionKey: "/id" }, /must be \/subscriptionId, and is \/id/],
  ["no time to live", { defaultTtl: 3_600 }, /time to live of OpenShiftClusterDocuments/],
])("an account that can't keep the promises is not opened: %s", async (_title, options, reason) => {
  const opening = openPeer(options);
  await expect(opening).rejects.toThrow(CosmosOpenError);
  await expect(opening).rejects.toThrow(reason);
});

test.each<[string, number, PeerOperation, RegExp]>([
  [
    "a container is missing",
    404,
    "container",
    /no container OpenShiftClusterDocuments in a database OpenShiftClusters.*the deployment must create/,
  ],
  ["nobody has such a key", 401, "account", /answered 401 .*; look at the key/],
  ["no right to it", 403, "account", /answered 403 .*; .*Cosmos DB Built-in Data Contributor/],
])(
  "it is said what to do about an account that refuses: %s",
  async (_title, status, operation, told) => {
    await using peer = await CosmosPeer.start({ clock: systemClock });
    peer.fail(operation, { status });
    const signal = AbortSignal.timeout(30_000);
    const opening = openCosmos({ endpoint: peer.url, key: anyKey }, { signal });
    await expect(opening).rejects.toThrow(CosmosOpenError);
    await expect(opening).rejects.toThrow(told);
  },
);

test("the SDK is not loaded before an account is opened", async () => {
  const script = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve: (name, context, next) => { seen.push(name); return next(name, context); } });
    await import("./src/store/cosmosStore.ts");
    const { openCosmos } = await import("./src/store/cosmosConnection.ts");
    const isLoaded = () => seen.some((name) => name.startsWith("@azure/"));
    const before = isLoaded();
    const { AccountKey } = await import("./src/accountSettings.ts");
    const settings = { endpoint: "http://127.0.0.1:1", key: new AccountKey("aaaa") };
    await openCosmos(settings, { signal: AbortSignal.timeout(30_000) }).catch(() => {});
    console.log(JSON.stringify([before, isLoaded()]));
    process.exit();`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { cwd: new URL("../..", import.meta.url).pathname },
  );
  expect(JSON.parse(stdout)).toEqual([false, true]);
});

test("an account that doesn't answer is waited for until the signal", async () => {
  await using peer = await CosmosPeer.start({ clock: systemClock });
  peer.fail("account", { hang: "before" });
  const limit = new AbortController();
  const reason = new Error("given up");
  const opening = openCosmos({ endpoint: peer.url, key: anyKey }, { signal: limit.signal });
  await peer.arrival("account");
  limit.abort(reason);
  await expect(opening).rejects.toBe(reason);
});

test("an account that nobody answers for is not opened, and the key is not shown", async () => {
  const settings = { endpoint: "http://127.0.0.1:1", key: anyKey };
  const error: unknown = await openCosmos(settings, {
    signal: AbortSignal.timeout(30_000),
  }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CosmosOpenError);
  expect(String(error)).toContain("ECONNREFUSED");
  expect(String(error)).not.toContain("kkkk");
  expect(error).not.toHaveProperty("cause");
});
