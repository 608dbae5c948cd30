/** A deleted subscription loses all its clusters, whatever happens meanwhile (ARM-112, decision 22). */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { purgeSubscriptions } from "../../src/forwarder/purgeSubscriptions.ts";
import type { ClusterDocument, SubscriptionDocument } from "../../src/model/document.ts";
import { schemaVersion } from "../../src/model/document.ts";
import { subscriptionKey } from "../../src/model/subscription.ts";
import { silentLog } from "../../src/runtime/log.ts";
import type { LogIds } from "../../src/model/logIds.ts";
import { layeredPort } from "../../src/runtime/portLayer.ts";
import { untraced } from "../../src/runtime/traces.ts";
import { attributedStore } from "../../src/store/attributedStore.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  StoreUnavailableError,
  type CallOptions,
  type Store,
  type Stored,
} from "../../src/store/store.ts";
import { SqliteQueue } from "../../src/queue/sqliteQueue.ts";
import { RecordedTraces } from "../runtime/recordedTraces.ts";
import { TestClock } from "../runtime/testClock.ts";
import { lostClusters, withLostClusters } from "../store/lostKey.ts";
import {
  clusterDocument,
  dueAt,
  operationDocument,
  partition,
  subscriptionDocument,
} from "../store/documents.ts";

let clock: TestClock;
let database: SqliteDatabase;
let store: SqliteStore;
let lastId = 0;

beforeEach(async () => {
  clock = new TestClock();
  database = await SqliteDatabase.open({ path: ":memory:" });
  store = new SqliteStore({ database, clock });
});
afterEach(async () => database.close());

const key = subscriptionKey(partition);

async function announce(state: SubscriptionDocument["state"]): Promise<void> {
  const stored = await store.read("subscription", key);
  const document: SubscriptionDocument = {
    kind: "subscription",
    id: key.id,
    subscriptionId: partition,
    schemaVersion,
    state,
    changedAt: clock.now(),
    ...(state === "Deleted" ? { purge: { since: clock.now(), nextAttemptAt: 0, retries: 0 } } : {}),
  };
  await store.commit(partition, [
    stored === undefined ? { create: document } : { replace: stored, document },
  ]);
}

async function create(name: string, members: Partial<ClusterDocument> = {}): Promise<void> {
  const cluster = clusterDocument(name, members);
  const operation = operationDocument(cluster.operation.id);
  await store.commit(partition, [{ create: cluster }, { create: operation }]);
}

function options(used: Store = store, traces?: RecordedTraces) {
  return {
    store: used,
    clock,
    ids: { guid: () => `id-${(lastId += 1)}` },
    log: silentLog,
    timing: { heartbeatMs: 2_000, leaseMs: 6_000, visibilityMs: 8_000 },
    tracing:
      traces === undefined
        ? untraced({ store: used })
        : traces.tracing(used, new SqliteQueue({ database, clock })),
    location: "eastus",
    mayAct: () => true,
    signal: new AbortController().signal,
  };
}

async function clusters(): Promise<readonly ClusterDocument[]> {
  return (await wholeClusters()).map(({ document }) => document);
}

/** All of them, to be written. */
async function wholeClusters(): Promise<readonly Stored<ClusterDocument>[]> {
  const { items } = await store.listClusters({ partition }, { limit: 1000 });
  const read = items.map(async ({ id }) => store.read("cluster", { partition, id }));
  return (await Promise.all(read)).filter((stored) => stored !== undefined);
}

/** What the workers do in the end. */
async function finishDeletions(): Promise<void> {
  for (const stored of await wholeClusters()) {
    if (stored.document.provisioningState === "Deleting") {
      await store.commit(partition, [{ delete: stored }]);
    }
  }
}

async function purge(): Promise<SubscriptionDocument["purge"]> {
  return (await store.read("subscription", key))?.document.purge;
}

test("ARM-112: clusters in every state are deleted, a running operation is canceled, and the end waits for late writes", async () => {
  await create("running", { provisioningState: "Creating" });
  await create("done", { provisioningState: "Succeeded" });
  await create("failed", { provisioningState: "Failed" });
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(3);
  for (const cluster of await clusters()) {
    expect(cluster).toMatchObject({ provisioningState: "Deleting", unqueued: true });
    const record = await store.read("operation", { partition, id: cluster.operation.id });
    expect(record?.document).toMatchObject({ operationKind: "delete", status: "InProgress" });
  }
  const canceled = await store.read("operation", { partition, id: "operation of running" });
  expect(canceled?.document.status).toBe("Canceled");

  // a PUT that had read Registered comes late
  await finishDeletions();
  await clock.advance(5_000);
  await purgeSubscriptions(options());
  expect(await purge()).toBeDefined();
  await create("late", { provisioningState: "Creating" });
  await clock.advance(5_000);
  expect(await purgeSubscriptions(options())).toBe(1);
  await finishDeletions();

  await clock.advance(60_000);
  await purgeSubscriptions(options());
  expect(await purge()).toBeUndefined();
  expect((await store.read("subscription", key))?.document.state).toBe("Deleted");
  expect((await store.listPurges(dueAt(clock.now() + 1), { limit: 10 })).items).toEqual([]);
});

test("a state that only a newer release knows is one to delete from", async () => {
  await create("odd", { provisioningState: "Odd" as "Failed" });
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(1);
});

test("many clusters over many pages", async () => {
  for (let index = 0; index < 95; index += 1) await create(`c${index}`);
  await announce("Deleted");
  // each pass has a bound, and the next goes on at once
  expect(await purgeSubscriptions(options())).toBe(50);
  await clock.advance(1);
  expect(await purgeSubscriptions(options())).toBe(45);
  expect(new Set((await clusters()).map((cluster) => cluster.provisioningState))).toEqual(
    new Set(["Deleting"]),
  );
});

test("a crash after any commit is carried on by the next look; none is deleted twice", async () => {
  for (let index = 0; index < 5; index += 1) await create(`c${index}`);
  await announce("Deleted");
  let begun = 0;
  for (let left = 1; left < 30; left += 1) {
    let calls = 0;
    const crashing = new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name, target) as unknown;
        if (typeof method !== "function") return method;
        return async (...given: unknown[]): Promise<unknown> => {
          calls += 1;
          if (calls > left) throw new StoreUnavailableError("the process died");
          return Reflect.apply(method, target, given) as unknown;
        };
      },
    });
    try {
      begun += await purgeSubscriptions(options(crashing));
    } catch {
      // dead
    }
    await clock.advance(2_001);
  }
  const operations = (await clusters()).map(({ operation }) => operation);
  expect(operations.every(({ kind }) => kind === "delete")).toBe(true);
  expect(new Set(operations.map(({ id }) => id)).size).toBe(5);
  expect(begun).toBeLessThanOrEqual(5);
  let deletions = 0;
  for (let id = 1; id <= lastId; id += 1) {
    const record = await store.read("operation", { partition, id: `id-${id}` });
    if (record?.document.operationKind === "delete") deletions += 1;
  }
  expect(deletions).toBe(5);
});

test("decision 22: once it has left Deleted no deletion begins, not even in the middle of a look", async () => {
  for (let index = 0; index < 5; index += 1) await create(`c${index}`);
  await announce("Deleted");
  let commits = 0;
  const back = new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name, target) as unknown;
      if (typeof method !== "function") return method;
      return async (...given: unknown[]): Promise<unknown> => {
        if (name === "commit" && (commits += 1) === 3) {
          await clock.advance(1);
          await announce("Registered");
        }
        return Reflect.apply(method, target, given) as unknown;
      };
    },
  });
  expect(await purgeSubscriptions(options(back))).toBe(2);
  await clock.advance(600_000);
  expect(await purgeSubscriptions(options())).toBe(0);
  const states = (await clusters()).map((cluster) => cluster.provisioningState);
  expect(states.filter((state) => state === "Deleting")).toHaveLength(2);
});

test("a deletion that failed is begun again, more and more rarely, for ever", async () => {
  const operation = { id: "old", kind: "delete", correlationId: "c" } as const;
  await announce("Deleted");
  await create("stuck", { provisioningState: "Failed", operation });
  const begunAt: number[] = [];
  const start = clock.now();
  while (clock.now() - start < 3_600_000) {
    if ((await purgeSubscriptions(options())) > 0) begunAt.push(clock.now() - start);
    for (const cluster of await wholeClusters()) {
      const document = { ...cluster.document, provisioningState: "Failed" } as const;
      await store.commit(partition, [{ replace: cluster, document }]);
    }
    await clock.advance(1_000);
  }
  expect(begunAt.length).toBeGreaterThan(10);
  expect(begunAt.length).toBeLessThan(30);
  expect(begunAt.at(-1)).toBeGreaterThan(2_400_000);
});

test("a record that can't be read keeps no other cluster, and one of a newer release is left alone", async () => {
  await create("a", { provisioningState: "Creating" });
  await create("b", { provisioningState: "Creating" });
  await create("c");
  const newer = await store.read("operation", { partition, id: "operation of b" });
  if (newer === undefined) throw new Error("there is none");
  const document = { ...newer.document, minimumSchemaVersion: schemaVersion + 1 };
  await store.commit(partition, [{ replace: newer, document }]);
  await announce("Deleted");
  const damaged = new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name, target) as unknown;
      if (typeof method !== "function") return method;
      return async (...given: unknown[]): Promise<unknown> => {
        if (name === "read" && JSON.stringify(given).includes("operation of a")) {
          throw new DocumentUnreadableError("its text is damaged");
        }
        return Reflect.apply(method, target, given) as unknown;
      };
    },
  });
  expect(await purgeSubscriptions(options(damaged))).toBe(1);
  const [a, b, c] = await clusters();
  expect([a?.operation.kind, b?.operation.kind, c?.operation.kind]).toEqual([
    "create",
    "create",
    "delete",
  ]);
});

test("a subscription that is odd keeps no other from its turn", async () => {
  await store.commit("odd", [{ create: subscriptionDocument("odd", { purge: null as never }) }]);
  await create("c");
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(1);
});

test.each([
  ["that a newer release marked as not for us", { minimumSchemaVersion: schemaVersion + 1 }],
  ["that has left Deleted, though its purge is still there", { state: "Registered" } as const],
])("a subscription %s is left as it is, and others go on", async (_what, members) => {
  const other = "00000000-0000-4000-8000-0000000000ff";
  const [left] = await store.commit(other, [
    {
      create: subscriptionDocument(other, {
        purge: { since: clock.now(), nextAttemptAt: 0, retries: 0 },
        ...members,
      }),
    },
    { create: clusterDocument("kept", { subscriptionId: other }) },
  ]);
  await create("c");
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(1);
  expect(await store.read("subscription", subscriptionKey(other))).toEqual(left);
  const kept = await store.listClusters({ partition: other }, { limit: 10 });
  expect(kept.items.map(({ provisioningState }) => provisioningState)).toEqual(["Creating"]);
});

test("one pass has its bound over all subscriptions, and none of it after the lease has gone", async () => {
  const other = "00000000-0000-4000-8000-0000000000ff";
  const purging = { purge: { since: clock.now(), nextAttemptAt: 0, retries: 0 } };
  await store.commit(other, [{ create: subscriptionDocument(other, purging) }]);
  for (let index = 0; index < 50; index += 1) {
    await create(`c${index}`);
    const cluster = clusterDocument(`c${index}`, { subscriptionId: other });
    await store.commit(other, [{ create: cluster }]);
  }
  await announce("Deleted");
  const looks = vi.spyOn(store, "listClusters");
  expect(await purgeSubscriptions({ ...options(), mayAct: () => false })).toBe(0);
  expect(looks).not.toHaveBeenCalled();
  expect(await purgeSubscriptions(options())).toBe(50);
});

test("a cluster that can't be opened keeps no other, and is deleted once it can", async () => {
  await create("lost");
  await create("other");
  await announce("Deleted");
  let isAway = true;
  const sealed = new Proxy(store, {
    get: (target, name: keyof Store) => {
      if (name !== "read") return (target[name] as () => unknown).bind(target);
      return async (...given: Parameters<Store["read"]>) => {
        if (given[1].id !== "rg|lost" || !isAway) return target.read(...given);
        throw new SealingKeyUnknownError("it is sealed by another key", "key-1");
      };
    },
  });
  expect(await purgeSubscriptions(options(sealed))).toBe(1);
  isAway = false;
  await clock.advance(60_000);
  expect(await purgeSubscriptions(options(sealed))).toBe(1);
  for (const { provisioningState } of await clusters()) expect(provisioningState).toBe("Deleting");
});

test("a store that is down ends the pass", async () => {
  await create("c");
  await announce("Deleted");
  const down = new StoreUnavailableError("down");
  vi.spyOn(store, "listClusters").mockRejectedValue(down);
  await expect(purgeSubscriptions(options())).rejects.toBe(down);
});

test("a cluster that can't be deleted makes the looks rarer, one that is being deleted doesn't", async () => {
  await create("c");
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(1);
  await clock.advance(5_000);
  expect(await purgeSubscriptions(options())).toBe(0);
  expect((await purge())?.retries).toBe(0);
  await create("odd", { work: null as unknown as ClusterDocument["work"] });
  await clock.advance(5_000);
  expect(await purgeSubscriptions(options())).toBe(0);
  expect(await purge()).toMatchObject({ retries: 1, nextAttemptAt: clock.now() + 4_000 });
  const odd = await store.read("cluster", { partition, id: "rg|odd" });
  if (odd === undefined) throw new Error("there is none");
  await store.commit(partition, [{ delete: odd }]);
  await clock.advance(5_000);
  await purgeSubscriptions(options());
  expect(await purge()).toMatchObject({ retries: 1, nextAttemptAt: clock.now() + 2_000 });
});

test("ARM-81: a record that is over stays as it is, even if its cluster seems to run", async () => {
  await create("c", { provisioningState: "Creating" });
  const key = { partition, id: "operation of c" };
  const running = await store.read("operation", key);
  if (running === undefined) throw new Error("there is none");
  const document = { ...running.document, status: "Failed" } as const;
  const [over] = await store.commit(partition, [{ replace: running, document }]);
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(1);
  expect(await store.read("operation", key)).toEqual(over);
});

test("one odd cluster, or one of a newer release, keeps no other", async () => {
  await create("a", { work: null as unknown as ClusterDocument["work"] });
  await create("b", { minimumSchemaVersion: schemaVersion + 1 });
  await create("c");
  await announce("Deleted");
  expect(await purgeSubscriptions(options())).toBe(1);
  const [a, b, c] = await clusters();
  expect([a?.operation.kind, b?.operation.kind, c?.operation.kind]).toEqual([
    "create",
    "create",
    "delete",
  ]);
  expect(await purge()).toBeDefined();
});

test("each deletion has a trace of its own, which its cluster carries on", async () => {
  await create("one", { provisioningState: "Succeeded" });
  await create("other", { provisioningState: "Creating" });
  await announce("Deleted");
  const traces = new RecordedTraces();
  expect(await purgeSubscriptions(options(store, traces))).toBe(2);
  const spans = traces.named("purge");
  expect(spans.map(({ parentId, endings }) => [parentId, endings])).toEqual([
    [undefined, 1],
    [undefined, 1],
  ]);
  for (const { operation } of await clusters()) {
    const [span] = spans.filter(({ attributes }) => attributes["rp.operation.id"] === operation.id);
    expect(operation.trace).toEqual({
      operationId: operation.id,
      requestId: operation.id,
      traceparent: `00-${span?.context.traceId}-${span?.context.spanId}-01`,
    });
    expect(span === undefined ? [] : traces.below(span)).toContain("commit");
  }
  // looking for clusters is nobody's trace
  expect(traces.spans.filter(({ name }) => name.startsWith("list"))).toEqual([]);
});

test("clusters whose secrets can't be opened go with their subscription", async () => {
  const sealed = await withLostClusters(store, clock);
  await announce("Deleted");
  expect(await purgeSubscriptions(options(sealed))).toBe(lostClusters.length);
  for (const name of lostClusters) {
    const stored = await store.read("cluster", { partition, id: `rg|${name}` });
    expect(stored?.document.provisioningState).toBe("Deleting");
  }
});

test("what is asked of the store says for which subscription, and for which deletion", async () => {
  await create("one");
  await announce("Deleted");
  const asked: [method: string, logIds: LogIds | undefined][] = [];
  const noting = layeredPort(store, async ({ method, given, run }) => {
    asked.push([method, (given.at(-1) as CallOptions).logIds]);
    return run();
  });
  const enginesWithin = (_current: unknown, logIds: () => LogIds) => ({
    store: attributedStore(noting, logIds),
  });
  const own = options();
  await purgeSubscriptions({ ...own, tracing: { ...own.tracing, enginesWithin } });
  const [deleting] = await wholeClusters();
  const { id: operationId, correlationId } = deleting?.document.operation ?? {};
  expect(asked.find(([method]) => method === "listClusters")?.[1]).toEqual({
    subscriptionId: partition,
  });
  expect(asked.find(([method]) => method === "commit")?.[1]).toMatchObject({
    subscriptionId: partition,
    resourceId: deleting?.document.resourceId,
    operationId,
    requestId: operationId,
    correlationId,
    traceId: expect.any(String) as string,
  });
});
