/** The SQLite store keeps the port's promises, in a file and in memory; and what only it can get wrong. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { migrations } from "../../src/store/sqliteSchema.ts";
import { runningSql } from "../../src/store/sqliteQueries.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import {
  DocumentUnreadableError,
  StoreConflictError,
  StoreUnavailableError,
} from "../../src/store/store.ts";
import type { DocumentKey } from "../../src/model/resourceId.ts";
import { TestClock } from "../runtime/testClock.ts";
import { clusterDocument, dueAt, longAgo, operationDocument, partition } from "./documents.ts";
import {
  openMemory,
  openUnflushedFile,
  temporaryFolder,
  type SqliteFixture,
} from "./sqliteFixture.ts";
import { storeSuite } from "./storeSuite.ts";
import type { StoreUnderTest } from "./storeUnderTest.ts";

function underTest(fixture: SqliteFixture): StoreUnderTest {
  const { database, other, clock } = fixture;
  return {
    store: new SqliteStore({ database, clock }),
    other: new SqliteStore({ database: other, clock }),
    now: () => clock.now(),
    advance: async (durationMs) => clock.advance(durationMs),
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
  };
}

storeSuite("SQLite store in a file", async () => underTest(await openUnflushedFile()));
storeSuite("SQLite store in memory", async () => underTest(await openMemory()));

test("a damaged document stops nobody but its reader", async () => {
  await using fixture = await openUnflushedFile();
  const { database, clock, path } = fixture;
  const told: DocumentKey[] = [];
  const store = new SqliteStore({ database, clock, onUnreadable: (key) => told.push(key) });
  const due = { unqueued: false, sweepAfter: longAgo, nextAttemptAt: longAgo };
  for (const name of ["a", "b", "c"]) {
    await store.commit(partition, [{ create: clusterDocument(name) }]);
    await store.commit(partition, [{ create: clusterDocument(`${name}-due`, due) }]);
  }
  const damaged = { partition, id: "rg|b" };
  const raw = new DatabaseSync(path);
  raw.exec(`UPDATE documents SET body = '{"kind":"clu' WHERE id LIKE 'rg|b%'`);
  raw.close();

  const unqueued = await store.listUnqueued({ limit: 10 });
  expect(unqueued.items.map(({ key }) => key.id)).toEqual(["rg|a", "rg|b", "rg|c"]);
  const unattended = await store.listUnattended(dueAt(clock.now()), { limit: 10 });
  expect(unattended.items).toHaveLength(3);
  const { items: running } = await store.listRunning({ limit: 10 });
  expect(running.filter(({ kind }) => kind === "create")).toHaveLength(4);
  expect(running.filter((item) => Object.keys(item).length === 0)).toHaveLength(2);
  const first = await store.listClusters({ partition }, { limit: 3 });
  expect(first.items.map(({ name }) => name)).toEqual(["a", "a-due"]);
  const second = await store.listClusters(
    { partition },
    { limit: 3, continuation: first.continuation ?? "" },
  );
  expect(second.items.map(({ name }) => name)).toEqual(["c", "c-due"]);
  expect(second.continuation).toBeUndefined();
  expect(told.map(({ id }) => id)).toEqual(["rg|b", "rg|b-due"]);
  const read = store.read("cluster", damaged);
  await expect(read).rejects.toThrow(DocumentUnreadableError);
  await expect(read).rejects.toThrow(/rg\|b.*damaged/);
  // the sweep and the forwarder can still put it aside
  told.length = 0;
  for (const reference of unqueued.items) {
    const scheduling = { unqueued: false, sweepAfter: clock.now() + 1_000, sweeps: 3 };
    await store.updateScheduling(reference, scheduling);
    await expect(store.updateScheduling(reference, scheduling)).rejects.toThrow(StoreConflictError);
  }
  expect(told).toEqual([damaged]);
  expect((await store.listUnqueued({ limit: 10 })).items).toEqual([]);
  const later = await store.listUnattended(dueAt(clock.now() + 1_001), { limit: 10 });
  expect(later.items.find(({ key }) => key.id === damaged.id)?.sweeps).toBe(3);
});

test("a file from before operators' listing has it once it is updated, also of what an older release writes then", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const older = await SqliteDatabase.open({ path, migrations: migrations.slice(0, 1) });
  const earlier = new SqliteStore({ database: older, clock: new TestClock() });
  for (const name of ["damaged", "failed", "succeeds"]) {
    await earlier.commit(partition, [{ create: clusterDocument(name) }]);
  }
  const raw = new DatabaseSync(path);
  raw.exec(`UPDATE documents SET body = '{"kind":"clu' WHERE id = 'rg|damaged'`);
  raw.close();
  const settle = async (name: string, provisioningState: "Failed" | "Succeeded"): Promise<void> => {
    const stored = await earlier.read("cluster", { partition, id: `rg|${name}` });
    if (stored === undefined) throw new Error("gone");
    const document = { ...stored.document, provisioningState };
    await earlier.commit(partition, [{ replace: stored, document }]);
  };
  await settle("failed", "Failed");
  await using newer = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database: newer, clock: new TestClock() });
  const listed = async (): Promise<readonly unknown[]> =>
    (await store.listUnsettled({}, { limit: 5 })).items.map(({ key, standing }) => [
      key.id,
      standing?.provisioningState,
    ]);
  const rest = [
    ["rg|damaged", undefined],
    ["rg|failed", "Failed"],
  ];
  expect(await listed()).toEqual([...rest, ["rg|succeeds", "Creating"]]);
  await settle("succeeds", "Succeeded");
  expect(await listed()).toEqual(rest);
  await older.close();
});

/** What a store asks a database from now on, and the database past that. */
function notedStatements(database: SqliteDatabase) {
  const asked: string[] = [];
  const prepare = database.statement.bind(database);
  database.statement = (sql) => {
    asked.push(sql);
    return prepare(sql);
  };
  return { asked, prepare };
}

test("what operators list is found without a look at what has succeeded", async () => {
  await using fixture = await openMemory();
  const { database, clock } = fixture;
  const store = new SqliteStore({ database, clock });
  const { asked, prepare } = notedStatements(database);
  await store.listUnsettled({}, { limit: 5 });
  await store.listUnsettled({ partition, state: "Failed" }, { limit: 5 });
  expect(asked).toHaveLength(2);
  for (const sql of asked) {
    const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all("", "", null, 1);
    expect(plan.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH documents USING INDEX documents_unsettled \(/),
    ]);
  }
});

test("what is sealed is found without a look at the records of operations", async () => {
  await using fixture = await openMemory();
  const { database, clock } = fixture;
  const store = new SqliteStore({ database, clock });
  const { asked, prepare } = notedStatements(database);
  await store.listNotSealedBy("a key", { limit: 5 });
  const [sql = ""] = asked;
  const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all("", "", "a key", 1);
  const looks = plan
    .map(({ detail }) => String(detail))
    .filter((each) => each.includes("documents"));
  expect(looks).toEqual([
    expect.stringMatching(/^SEARCH documents USING INDEX documents_clusters \(/),
    expect.stringMatching(/^SEARCH documents USING INDEX documents_keys \(/),
  ]);
});

test("what runs is counted without reading a body, nor a row of what has ended", async () => {
  await using fixture = await openMemory();
  const steps = fixture.database
    .statement(`EXPLAIN ${runningSql}`)
    .all("", "", 10) as unknown as readonly { readonly opcode: string; readonly p1: number }[];
  const index = fixture.database
    .statement("SELECT rootpage FROM sqlite_schema WHERE name = 'documents_running'")
    .get();
  const opened = steps.filter(({ opcode }) => opcode === "OpenRead") as unknown as readonly {
    readonly p1: number;
    readonly p2: number;
  }[];
  const cursor = opened.find(({ p2 }) => p2 === index?.["rootpage"])?.p1;
  expect(cursor).toBeDefined();
  const columns = steps.filter(({ opcode }) => opcode === "Column");
  expect(columns.length).toBeGreaterThanOrEqual(5);
  expect(columns.filter(({ p1 }) => p1 !== cursor)).toEqual([]);
  expect(steps.filter(({ opcode }) => opcode === "Function")).toEqual([]);
});

test("what an older release has written is counted, damaged documents too, and what it goes on writing", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const clock = new TestClock();
  const former = migrations.slice(0, 1);
  await using older = await SqliteDatabase.open({ path, migrations: former });
  const before = new SqliteStore({ database: older, clock });
  for (const name of ["a", "b"]) {
    await before.commit(partition, [{ create: clusterDocument(name) }]);
  }
  await older.write(() =>
    older.statement(`UPDATE documents SET body = '{"kind' WHERE id = 'rg|b'`).run(),
  );
  await using database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock });
  const running = async () => (await store.listRunning({ limit: 10 })).items;
  expect(await running()).toEqual([{ kind: "create", state: "Creating" }, {}]);
  await before.commit(partition, [{ create: clusterDocument("c") }]);
  const stored = await before.read("cluster", { partition, id: "rg|a" });
  if (stored === undefined) throw new Error("gone");
  const document = { ...stored.document, provisioningState: "Succeeded" as const };
  await before.commit(partition, [{ replace: stored, document }]);
  expect(await running()).toEqual([{}, { kind: "create", state: "Creating" }]);
});

test("what has expired is cleared away by later commits", async () => {
  await using fixture = await openMemory();
  const { database, clock } = fixture;
  const store = new SqliteStore({ database, clock });
  const count = (table: string): unknown =>
    database.statement(`SELECT count(*) AS count FROM ${table}`).get()?.["count"];
  for (let index = 0; index < 20; index += 1) {
    const expiresAt = clock.now() + 1_000;
    await store.commit(partition, [{ create: operationDocument(`o${index}`, { expiresAt }) }]);
    await store.acquireLease({ name: `l${index}`, owner: "o", leaseMs: 1_000 });
  }
  expect([count("documents"), count("leases")]).toEqual([20, 20]);
  await clock.advance(1_000);
  for (let index = 0; index < 5; index += 1) {
    await store.commit(partition, [{ create: operationDocument(`p${index}`) }]);
  }
  expect([count("documents"), count("leases")]).toEqual([5, 0]);
});

test("a lease ends at its millisecond", async () => {
  await using fixture = await openMemory();
  const store = new SqliteStore(fixture);
  const lease = { name: "lease", owner: "one" };
  await store.acquireLease({ ...lease, leaseMs: 1_000 });
  await fixture.clock.advance(999);
  expect(await store.leaseRemainingMs("lease")).toBe(1);
  const early = await store.acquireLease({ name: "lease", owner: "two", leaseMs: 1_000 });
  expect(early).toEqual({ acquired: false, remainingMs: 1 });
  await fixture.clock.advance(1);
  expect(await store.leaseRemainingMs("lease")).toBeUndefined();
  expect(await store.renewLease(lease, { leaseMs: 1_000 })).toBe(false);
  const late = await store.acquireLease({ name: "lease", owner: "two", leaseMs: 1_000 });
  expect(late.acquired).toBe(true);
});

test("an id that SQLite can't keep as it is is refused, and never found", async () => {
  await using fixture = await openMemory();
  const { database, clock } = fixture;
  const store = new SqliteStore({ database, clock });
  await store.commit(partition, [{ create: clusterDocument("c", { id: "\ufffd" }) }]);
  const lone = clusterDocument("c", { id: "\ud800" });
  await expect(store.commit(partition, [{ create: lone }])).rejects.toThrow(TypeError);
  expect(await store.read("cluster", { partition, id: "\ud800" })).toBeUndefined();
  expect((await store.listClusters({ partition, idPrefix: "\ud800" }, { limit: 5 })).items).toEqual(
    [],
  );
});

test("a closed database is an unavailable store", async () => {
  await using fixture = await openMemory();
  const { database, clock } = fixture;
  const store = new SqliteStore({ database, clock });
  await database.close();
  await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
  await expect(store.read("cluster", { partition, id: "c" })).rejects.toThrow(
    StoreUnavailableError,
  );
  await expect(store.commit(partition, [{ create: clusterDocument("c") }])).rejects.toThrow(
    StoreUnavailableError,
  );
});
