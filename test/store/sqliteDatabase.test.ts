/** The embedded database's file: who may open it, what a commit means, and what happens when something goes wrong. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import { SqliteQueue } from "../../src/queue/sqliteQueue.ts";
import { QueueUnavailableError } from "../../src/queue/queue.ts";
import {
  SqliteDatabase,
  SqliteFileLostError,
  SqliteOpenError,
} from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from "../../src/store/store.ts";
import { settled, TestClock } from "../runtime/testClock.ts";
import { clusterDocument, operationDocument, partition } from "./documents.ts";
import { openFile, openMemory, temporaryFolder } from "./sqliteFixture.ts";

const clock = new TestClock();

const scripts = {
  compareAndSwap: new URL("./processes/compareAndSwap.ts", import.meta.url),
  writeUntilKilled: new URL("./processes/writeUntilKilled.ts", import.meta.url),
};

function startProcess(script: keyof typeof scripts, ...args: readonly string[]): ChildProcess {
  const command = [scripts[script].pathname, ...args];
  return spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
}

function failure(errcode: number): Error {
  return Object.assign(new Error("simulated"), { code: "ERR_SQLITE_ERROR", errcode });
}

/** The next time the statement runs it fails instead. */
function failOnce(database: SqliteDatabase, sql: string, error: Error): void {
  const real = database.statement.bind(database);
  const spy = vi.spyOn(database, "statement").mockImplementation((text) => {
    if (text !== sql) return real(text);
    spy.mockRestore();
    throw error;
  });
}

test("reopening finds everything as it was", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const first = await SqliteDatabase.open({ path });
  const [document, operation] = [clusterDocument("c"), operationDocument("o")];
  const store = new SqliteStore({ database: first, clock });
  const [stored] = await store.commit(partition, [{ create: document }, { create: operation }]);
  await store.acquireLease({ name: "lease", owner: "me", leaseMs: 5_000 });
  const queue = new SqliteQueue({ database: first, clock });
  await queue.send("held");
  const [held] = await queue.receive({ max: 1, visibilityMs: 5_000 });
  await queue.send("waiting");
  await first.close();

  await using second = await SqliteDatabase.open({ path });
  const again = new SqliteStore({ database: second, clock });
  expect(await again.read("cluster", { partition, id: document.id })).toEqual(stored);
  expect((await again.read("operation", { partition, id: "o" }))?.document).toEqual(operation);
  expect((await again.listUnqueued({ limit: 5 })).items).toHaveLength(1);
  expect(await again.renewLease({ name: "lease", owner: "me" }, { leaseMs: 5_000 })).toBe(true);
  const queueAgain = new SqliteQueue({ database: second, clock });
  const [waiting] = await queueAgain.receive({ max: 5, visibilityMs: 5_000 });
  expect(waiting?.body).toBe("waiting");
  if (held === undefined) throw new Error("nothing was received");
  await queueAgain.complete(held);
  // numbers go on: an ETag of before the restart never comes back
  await again.commit(partition, [{ delete: stored }]);
  const [anew] = await again.commit(partition, [{ create: document }]);
  expect(anew.etag).not.toBe(stored.etag);
});

test("processes that open and write one file at once add up exactly", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "new", "deep", "rp.db");
  const children = [1, 2, 3, 4].map(() => startProcess("compareAndSwap", path, "50"));
  const codes = await Promise.all(children.map(async (child) => once(child, "exit")));
  expect(codes.map(([code]) => code as unknown)).toEqual([0, 0, 0, 0]);
  await using database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock });
  const counter = await store.read("cluster", { partition, id: "rg|counter" });
  expect(counter?.document.sweeps).toBe(200);
});

test("a process killed right after it acknowledged has lost nothing", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const child = startProcess("writeUntilKilled", path);
  const exited = once(child, "exit");
  const acknowledged: string[] = [];
  if (child.stdout === null) throw new Error("no output");
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line);
    if (acknowledged.length === 100) child.kill("SIGKILL");
  }
  expect(await exited).toEqual([null, "SIGKILL"]);

  await using database = await SqliteDatabase.open({ path });
  expect(database.statement("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  const store = new SqliteStore({ database, clock });
  const found = new Set<string>();
  for (let continuation: string | undefined, last = false; !last;) {
    const page = await store.listUnqueued({
      limit: 500,
      ...(continuation === undefined ? {} : { continuation }),
    });
    for (const { key } of page.items) found.add(key.id);
    ({ continuation } = page);
    last = continuation === undefined;
  }
  const bodies = new Set(
    database
      .statement("SELECT body FROM messages")
      .all()
      .map(({ body }) => String(body)),
  );
  expect(acknowledged.length).toBeGreaterThanOrEqual(100);
  expect(acknowledged.filter((name) => !found.has(`rg|${name}`))).toEqual([]);
  expect(acknowledged.filter((name) => !bodies.has(name))).toEqual([]);
});

test("two that open an empty folder at once share one database", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a", "b", "rp.db");
  const databases = await Promise.all([1, 2, 3].map(async () => SqliteDatabase.open({ path })));
  const stores = databases.map((database) => new SqliteStore({ database, clock }));
  await stores[0]?.commit(partition, [{ create: clusterDocument("c") }]);
  for (const store of stores) {
    expect(await store.read("cluster", { partition, id: "rg|c" })).toBeDefined();
  }
  for (const database of databases) await database.close();
});

test("a file that another is just making is waited for", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const maker = new DatabaseSync(path);
  maker.exec("BEGIN EXCLUSIVE; CREATE TABLE t (a)");
  const opening = SqliteDatabase.open({ path });
  const outcome = opening.catch((error: unknown) => error);
  await settled();
  maker.exec("ROLLBACK");
  maker.close();
  expect(await outcome).toBeInstanceOf(SqliteDatabase);
  await (await opening).close();
});

test("nobody else on the machine may read it", async () => {
  await using fixture = await openFile();
  await fixture.database.write(() => undefined);
  const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
  expect(await mode(dirname(fixture.path))).toBe(0o700);
  for (const suffix of ["", "-wal", "-shm"]) {
    expect(await mode(`${fixture.path}${suffix}`)).toBe(0o600);
  }
});

test("a commit is flushed, to a write-ahead log", async () => {
  await using fixture = await openFile();
  const pragma = (name: string): unknown =>
    Object.values(fixture.database.statement(`PRAGMA ${name}`).get() ?? {})[0];
  const settings = ["journal_mode", "synchronous", "page_size", "mmap_size"].map(pragma);
  expect(settings).toEqual(["wal", 2, 8192, 0]);
});

test("a file of a newer release is refused and left alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await (await SqliteDatabase.open({ path })).close();
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA user_version = 99");
  raw.close();
  const before = await readFile(path);
  const open = SqliteDatabase.open({ path });
  await expect(open).rejects.toThrow(SqliteOpenError);
  await expect(open).rejects.toThrow(/rp\.db cannot be opened: a newer release wrote it.*99/);
  expect(before.equals(await readFile(path))).toBe(true);
});

test("a file that is no database is refused and left alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "notes.txt");
  const text = "this is no database\n".repeat(500);
  await writeFile(path, text);
  await expect(SqliteDatabase.open({ path })).rejects.toThrow(
    /notes\.txt cannot be opened: file is not a database/,
  );
  expect(await readFile(path, "utf8")).toBe(text);
});

test("a database of another program is refused and left alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "other.db");
  const raw = new DatabaseSync(path);
  raw.exec("CREATE TABLE documents (id)");
  raw.close();
  const before = await readFile(path);
  await expect(SqliteDatabase.open({ path })).rejects.toThrow(/other\.db .*another program/);
  expect(before.equals(await readFile(path))).toBe(true);
});

test("what can't be a file is refused with its path", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "file"), "");
  await mkdir(join(folder.path, "folder"));
  for (const path of [
    join(folder.path, "file", "rp.db"),
    join(folder.path, "folder"),
    // nobody can make a folder there
    "/proc/nowhere/deep/rp.db",
  ]) {
    const open = SqliteDatabase.open({ path });
    await expect(open).rejects.toThrow(SqliteOpenError);
    await expect(open).rejects.toThrow(path);
  }
});

test("a half-made file is finished by the next to open it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await writeFile(path, "");
  await using database = await SqliteDatabase.open({ path });
  await expect(new SqliteStore({ database, clock }).ping()).resolves.toBeUndefined();
});

test("in one group a conflict undoes only its own part", async () => {
  await using fixture = await openFile();
  const { database } = fixture;
  const store = new SqliteStore({ database, clock });
  const queue = new SqliteQueue({ database, clock });
  const [old] = await store.commit(partition, [{ create: clusterDocument("old") }]);
  await store.commit(partition, [{ replace: old, document: old.document }]);
  const begins = vi.spyOn(database, "statement");
  const outcomes = await Promise.allSettled([
    store.commit(partition, [{ create: operationDocument("before") }]),
    store.commit(partition, [
      { create: operationDocument("undone") },
      { replace: old, document: old.document },
    ]),
    queue.send("message"),
    store.commit(partition, [{ create: operationDocument("after") }]),
  ]);
  expect(begins.mock.calls.filter(([sql]) => sql === "COMMIT")).toHaveLength(1);
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  expect(outcomes[1]).toMatchObject({ reason: expect.any(StoreConflictError) });
  const found = async (id: string): Promise<boolean> =>
    (await store.read("operation", { partition, id })) !== undefined;
  expect(await found("before")).toBe(true);
  expect(await found("undone")).toBe(false);
  expect(await found("after")).toBe(true);
  expect(await queue.receive({ max: 5, visibilityMs: 1_000 })).toHaveLength(1);
});

test("many writes at once are committed in bounded groups", async () => {
  await using fixture = await openMemory();
  const { database } = fixture;
  const store = new SqliteStore({ database, clock });
  const statements = vi.spyOn(database, "statement");
  const commits = (): number => statements.mock.calls.filter(([sql]) => sql === "COMMIT").length;
  const small = Array.from({ length: 250 }, async (_, index) =>
    store.commit(partition, [{ create: operationDocument(`small-${index}`) }]),
  );
  await Promise.all(small);
  expect(commits()).toBe(3);
  const installation = { notes: "x".repeat(600_000) };
  const large = Array.from({ length: 4 }, async (_, index) =>
    store.commit(partition, [{ create: clusterDocument(`large-${index}`, { installation }) }]),
  );
  await Promise.all(large);
  expect(commits()).toBe(3 + 4);
});

test("nobody is told of success before the commit", async () => {
  await using fixture = await openFile();
  const { database, other } = fixture;
  const store = new SqliteStore({ database, clock });
  const elsewhere = new SqliteStore({ database: other, clock });
  const document = clusterDocument("c");
  await store.commit(partition, [{ create: document }]);
  expect(await elsewhere.read("cluster", { partition, id: document.id })).toBeDefined();
});

test.each([
  ["a full disk", 13, StoreUnavailableError],
  ["a failing disk", 10 | (4 << 8), StoreOutcomeUnknownError],
])("a commit that fails by %s fails everybody in it", async (_name, errcode, expected) => {
  await using fixture = await openFile();
  const { database } = fixture;
  const store = new SqliteStore({ database, clock });
  const queue = new SqliteQueue({ database, clock });
  failOnce(database, "COMMIT", failure(errcode));
  const documents = [operationDocument("one"), operationDocument("two")];
  const writes = documents.map(async (create) => store.commit(partition, [{ create }]));
  const sent = queue.send("message");
  await expect(Promise.all(writes)).rejects.toThrow(expected);
  await expect(sent).rejects.toThrow(QueueUnavailableError);
  for (const { id } of documents) {
    expect(await store.read("operation", { partition, id })).toBeUndefined();
  }
  // and the next is served
  await store.commit(partition, [{ create: operationDocument("one") }]);
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toEqual([]);
});

test("when the engine has rolled back by itself everybody is told", async () => {
  await using fixture = await openFile();
  const { database } = fixture;
  const store = new SqliteStore({ database, clock });
  const good = store.commit(partition, [{ create: operationDocument("good") }]);
  const fatal = database.write(() => {
    database.statement("ROLLBACK").run();
    throw failure(10);
  });
  const [first, second] = await Promise.allSettled([good, fatal]);
  expect(first).toMatchObject({ reason: expect.any(StoreUnavailableError) });
  expect(second.status).toBe("rejected");
  expect(await store.read("operation", { partition, id: "good" })).toBeUndefined();
  await store.commit(partition, [{ create: operationDocument("good") }]);
});

test("a full disk makes the store unavailable until there is room", async () => {
  await using fixture = await openFile();
  const { database } = fixture;
  const store = new SqliteStore({ database, clock });
  const queue = new SqliteQueue({ database, clock });
  const pages = Number(database.statement("PRAGMA page_count").get()?.["page_count"]);
  database.statement(`PRAGMA max_page_count = ${pages + 1}`).get();
  const large = clusterDocument("large", { installation: { notes: "x".repeat(200_000) } });
  await expect(
    store.commit(partition, [{ create: operationDocument("with") }, { create: large }]),
  ).rejects.toThrow(StoreUnavailableError);
  await expect(queue.send("x".repeat(48_000))).rejects.toThrow(QueueUnavailableError);
  expect(await store.read("operation", { partition, id: "with" })).toBeUndefined();
  await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
  database.statement("PRAGMA max_page_count = 100000").get();
  await expect(store.ping()).resolves.toBeUndefined();
  await store.commit(partition, [{ create: operationDocument("with") }, { create: large }]);
  expect(await store.read("cluster", { partition, id: large.id })).toBeDefined();
});

test("a database that may only be read is unavailable for writes", async () => {
  await using fixture = await openFile();
  const { database } = fixture;
  const store = new SqliteStore({ database, clock });
  const create = operationDocument("o");
  database.statement("PRAGMA query_only = 1").run();
  await expect(store.commit(partition, [{ create }])).rejects.toThrow(StoreUnavailableError);
  await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
  expect(await store.read("operation", { partition, id: "o" })).toBeUndefined();
  database.statement("PRAGMA query_only = 0").run();
  await store.commit(partition, [{ create }]);
});

test("a ping is a durable commit that leaves nothing behind", async () => {
  await using fixture = await openFile();
  const { database } = fixture;
  const pages = (): unknown => database.statement("PRAGMA page_count").get()?.["page_count"];
  const before = pages();
  const statements = vi.spyOn(database, "statement");
  const store = new SqliteStore({ database, clock });
  for (let count = 0; count < 5; count += 1) await store.ping();
  expect(statements.mock.calls.filter(([sql]) => sql === "COMMIT")).toHaveLength(5);
  statements.mockRestore();
  expect(database.statement("SELECT count(*) AS count FROM probe").get()).toEqual({ count: 0 });
  expect(pages()).toBe(before);
  failOnce(database, "COMMIT", failure(10));
  await expect(store.ping()).rejects.toThrow(StoreOutcomeUnknownError);
});

test.each(["", "-wal"])(
  "a database of which a file was removed or replaced (rp.db%s) is lost for good",
  async (suffix) => {
    for (const isReplaced of [false, true]) {
      await using fixture = await openFile();
      const { database, path } = fixture;
      const store = new SqliteStore({ database, clock });
      const queue = new SqliteQueue({ database, clock });
      await store.commit(partition, [{ create: operationDocument("first") }]);
      const file = `${path}${suffix}`;
      await rename(file, `${file}.elsewhere`);
      if (isReplaced) await writeFile(file, await readFile(`${file}.elsewhere`));
      const write = store.commit(partition, [{ create: operationDocument("lost") }]);
      await expect(write).rejects.toThrow(StoreUnavailableError);
      await expect(write).rejects.toThrow(
        `The database file ${file} was removed or replaced while the process ran; start it again.`,
      );
      // others of this process may have missed it
      await rename(`${file}.elsewhere`, file);
      await expect(queue.send("message")).rejects.toThrow(QueueUnavailableError);
      await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
      await expect(store.read("operation", { partition, id: "first" })).rejects.toThrow(
        StoreUnavailableError,
      );
      const { signal } = new AbortController();
      expect(await database.untilLost(clock, signal)).toBeInstanceOf(SqliteFileLostError);
    }
  },
);

test("that the database is lost is noticed without a write, and told once it is", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  let told: unknown = "nothing";
  const { signal } = new AbortController();
  void database.untilLost(turned, signal).then((lost) => (told = lost));
  await turned.advance(3_600_000);
  expect(told).toBe("nothing");
  await rm(dirname(path), { recursive: true });
  await turned.advance(1_000);
  expect(told).toBeInstanceOf(SqliteFileLostError);
  await expect(database.read(() => undefined)).rejects.toThrow(SqliteFileLostError);
});

test("a write that finds the database lost makes it known at once", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const { signal } = new AbortController();
  const lost = database.untilLost(turned, signal);
  await rm(dirname(path), { recursive: true });
  await expect(database.write(() => undefined)).rejects.toThrow(SqliteFileLostError);
  expect(await lost).toBeInstanceOf(SqliteFileLostError);
});

test("whoever waits for the database to be lost may give up", async () => {
  await using fixture = await openFile();
  const controller = new AbortController();
  const lost = fixture.database.untilLost(fixture.clock, controller.signal);
  await settled();
  controller.abort();
  expect(await lost).toBeUndefined();
  await fixture.database.write(() => undefined);
});

test("a database that can't be looked at takes no writes, until it can", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const controller = new AbortController();
  const lost = database.untilLost(turned, controller.signal);
  await rename(dirname(path), `${dirname(path)}.elsewhere`);
  // a link to itself
  await symlink(dirname(path), dirname(path));
  await turned.advance(60_000);
  await expect(database.write(() => undefined)).rejects.toThrow(/rp\.db cannot be looked at/);
  await rm(dirname(path));
  await rename(`${dirname(path)}.elsewhere`, dirname(path));
  await database.write(() => undefined);
  controller.abort();
  expect(await lost).toBeUndefined();
});

test("a lost database leaves the one in its place alone", async () => {
  await using fixture = await openFile();
  const { path } = fixture;
  await using lost = await SqliteDatabase.open({ path });
  await rename(dirname(path), `${dirname(path)}.elsewhere`);
  await using inPlace = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database: inPlace, clock });
  await store.commit(partition, [{ create: operationDocument("kept") }]);
  await expect(lost.write(() => undefined)).rejects.toThrow(SqliteFileLostError);
  await lost.close();
  await store.commit(partition, [{ create: operationDocument("kept too") }]);
  await using reader = await SqliteDatabase.open({ path });
  const found = reader.statement("SELECT count(*) AS count FROM documents").get();
  expect(found).toEqual({ count: 2 });
});

test("a lock held by another process is waited for while the event loop turns", async () => {
  await using fixture = await openFile();
  const store = new SqliteStore({ database: fixture.database, clock });
  const raw = new DatabaseSync(fixture.path);
  raw.exec("BEGIN IMMEDIATE");
  let done = false;
  const write = store
    .commit(partition, [{ create: operationDocument("o") }])
    .finally(() => (done = true));
  await settled();
  expect(done).toBe(false);
  // reads are not in its way
  expect(await store.read("operation", { partition, id: "o" })).toBeUndefined();
  raw.exec("COMMIT");
  raw.close();
  await expect(write).resolves.toHaveLength(1);
});

test("a lock held for too long makes the store unavailable", async () => {
  await using fixture = await openFile();
  await using impatient = await SqliteDatabase.open({ path: fixture.path, busyLimitMs: 0 });
  const store = new SqliteStore({ database: impatient, clock });
  const queue = new SqliteQueue({ database: impatient, clock });
  const raw = new DatabaseSync(fixture.path);
  raw.exec("BEGIN IMMEDIATE");
  const create = operationDocument("o");
  const [written, sent, pinged] = await Promise.allSettled([
    store.commit(partition, [{ create }]),
    queue.send("message"),
    store.ping(),
  ]);
  expect(pinged).toMatchObject({ reason: expect.any(StoreUnavailableError) });
  expect(written).toMatchObject({ reason: expect.any(StoreUnavailableError) });
  expect(sent).toMatchObject({ reason: expect.any(QueueUnavailableError) });
  raw.exec("COMMIT");
  raw.close();
  await store.commit(partition, [{ create }]);
  expect(await queue.receive({ max: 5, visibilityMs: 1_000 })).toEqual([]);
});

test("a write given up while it waits is not done; others are", async () => {
  await using fixture = await openFile();
  const store = new SqliteStore({ database: fixture.database, clock });
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("given up");
  const abandoned = store.commit(partition, [{ create: operationDocument("a") }], { signal });
  const kept = store.commit(partition, [{ create: operationDocument("b") }]);
  controller.abort(reason);
  await expect(abandoned).rejects.toBe(reason);
  await kept;
  expect(await store.read("operation", { partition, id: "a" })).toBeUndefined();
  expect(await store.read("operation", { partition, id: "b" })).toBeDefined();
});

test("giving up after a write is done changes nothing", async () => {
  await using fixture = await openFile();
  const store = new SqliteStore({ database: fixture.database, clock });
  const controller = new AbortController();
  const { signal } = controller;
  const [stored] = await store.commit(partition, [{ create: operationDocument("a") }], { signal });
  controller.abort();
  expect(await store.read("operation", { partition, id: "a" })).toEqual(stored);
});

test("closing commits what was handed in", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock });
  const writes = Array.from({ length: 250 }, async (_, index) =>
    store.commit(partition, [{ create: operationDocument(`o${index}`) }]),
  );
  await Promise.all([database.close(), database.close()]);
  await Promise.all(writes);
  await using again = await SqliteDatabase.open({ path });
  const counted = again.statement("SELECT count(*) AS count FROM documents").get();
  expect(counted?.["count"]).toBe(250);
});
