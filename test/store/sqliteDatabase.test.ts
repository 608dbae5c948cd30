/** The embedded database's file: who may open it, what a commit means, and what happens when something goes wrong. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import {
  mkdir,
  open as openHandle,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import { SqliteQueue } from "../../src/queue/sqliteQueue.ts";
import { QueueUnavailableError } from "../../src/queue/queue.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteFileLostError, SqliteOpenError } from "../../src/store/sqliteFailure.ts";
import { migrations, type Migration } from "../../src/store/sqliteSchema.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import {
  DocumentUnreadableError,
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

test("what a savepoint would take back is kept in memory", async () => {
  await using fixture = await openFile();
  expect(fixture.database.statement("PRAGMA temp_store").get()).toEqual({ temp_store: 2 });
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

/** What newer releases may add, and what they may not without saying so. */
const addition: Migration = {
  isBreaking: false,
  sql: `
    ALTER TABLE documents ADD COLUMN newer TEXT NOT NULL DEFAULT 'default';
    CREATE INDEX documents_newer ON documents (newer);
    ALTER TABLE messages ADD COLUMN newer INTEGER;
    ALTER TABLE leases ADD COLUMN newer REAL NOT NULL DEFAULT 1.5;
  `,
};
const breakingChange: Migration = {
  isBreaking: true,
  sql: "ALTER TABLE documents RENAME COLUMN sweeps TO rounds",
};

test("an older release opens what a newer one has added to, and writes rows with columns that it doesn't know", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const extended = [...migrations, addition];
  await using newer = await SqliteDatabase.open({ path, migrations: extended });
  await using older = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database: older, clock });
  const queue = new SqliteQueue({ database: older, clock });
  const [kept] = await store.commit(partition, [{ create: clusterDocument("kept") }]);
  await store.commit(partition, [{ create: operationDocument("o") }]);
  await queue.send("message");
  await store.acquireLease({ name: "lease", owner: "me", leaseMs: 5_000 });
  await store.ping();
  const rows = (): unknown =>
    newer.statement("SELECT id, newer FROM documents ORDER BY row_id").all();
  expect(rows()).toEqual([
    { id: kept.document.id, newer: "default" },
    { id: "o", newer: "default" },
  ]);

  // what the newer one has put there stays when the older one replaces the document
  await newer.write(() => newer.statement("UPDATE documents SET newer = 'kept'").run());
  const [replaced] = await store.commit(partition, [{ replace: kept, document: kept.document }]);
  expect(rows()).toEqual([
    { id: kept.document.id, newer: "kept" },
    { id: "o", newer: "kept" },
  ]);
  const fromNewer = new SqliteStore({ database: newer, clock });
  expect(await fromNewer.read("cluster", { partition, id: kept.document.id })).toEqual(replaced);
  expect(await queue.receive({ max: 5, visibilityMs: 1_000 })).toHaveLength(1);
});

test("an older release goes on while a newer one adds to the file, which happens once", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await using older = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database: older, clock });
  const turned = new TestClock();
  const controller = new AbortController();
  const lost = older.untilLost(turned, controller.signal);
  await store.commit(partition, [{ create: operationDocument("before") }]);
  const open = async () => SqliteDatabase.open({ path, migrations: [...migrations, addition] });
  const newer = await Promise.all([open(), open()]);
  await store.commit(partition, [{ create: operationDocument("after") }]);
  await using again = await open();
  const found = again.statement("SELECT id, newer FROM documents ORDER BY row_id").all();
  expect(found).toEqual([
    { id: "before", newer: "default" },
    { id: "after", newer: "default" },
  ]);
  await turned.advance(60_000);
  controller.abort();
  expect(await lost).toBeUndefined();
  for (const database of newer) await database.close();
});

test("an older release is refused after a breaking change, and one that runs ends", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await using writing = await SqliteDatabase.open({ path });
  await using idle = await SqliteDatabase.open({ path });
  const turned = new TestClock();
  const told = idle.untilLost(turned, new AbortController().signal);
  const changed = [...migrations, addition, breakingChange];
  await using newer = await SqliteDatabase.open({ path, migrations: changed });
  const store = new SqliteStore({ database: writing, clock });
  const write = store.commit(partition, [{ create: operationDocument("o") }]);
  await expect(write).rejects.toThrow(StoreUnavailableError);
  await expect(write).rejects.toThrow(
    /newer release has changed the database file .* start the newer/,
  );
  await turned.advance(1_000);
  expect(await told).toBeInstanceOf(SqliteFileLostError);
  await expect(SqliteDatabase.open({ path })).rejects.toThrow(
    `a newer release wrote it (it takes format ${changed.length}, this release knows ${migrations.length})`,
  );
  expect(newer.statement("SELECT count(*) AS count FROM documents").get()).toEqual({ count: 0 });

  // what comes after it is again for everybody who knows it
  const further = { isBreaking: false, sql: "CREATE TABLE further (a INTEGER) STRICT" };
  await using newest = await SqliteDatabase.open({ path, migrations: [...changed, further] });
  await newest.write(() => undefined);
  await newer.write(() => undefined);
  await (await SqliteDatabase.open({ path, migrations: changed })).close();
});

test("a file of the release before that rule is opened, and updated once", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await (await SqliteDatabase.open({ path, migrations: migrations.slice(0, 1) })).close();
  const raw = new DatabaseSync(path);
  raw.exec("DROP TABLE format");
  raw.close();
  const present = await SqliteDatabase.open({ path });
  await new SqliteStore({ database: present, clock }).ping();
  await present.close();
  for (let round = 0; round < 2; round += 1) {
    await using newer = await SqliteDatabase.open({ path, migrations: [...migrations, addition] });
    expect(newer.statement("SELECT version FROM format").all()).toEqual([
      { version: migrations.length + 1 },
    ]);
    // to that release it is a file of its own
    expect(newer.statement("PRAGMA user_version").get()).toEqual({ user_version: 1 });
  }
});

test("a file that is no database is refused and left alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "notes.txt");
  const text = "this is no database\n".repeat(500);
  await writeFile(path, text);
  await expect(SqliteDatabase.open({ path })).rejects.toThrow(
    /notes\.txt cannot be opened: file is not a database\. If it was one of ours .* restore a backup/,
  );
  expect(await readFile(path, "utf8")).toBe(text);
});

test("a file that SQLite may not use as it must is refused with what to look at", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await (await SqliteDatabase.open({ path })).close();
  // in the place of its log, so that not even the superuser can open that
  await mkdir(`${path}-wal`);
  await expect(SqliteDatabase.open({ path })).rejects.toThrow(
    /rp\.db cannot be opened: .*\. It and its folder must be such that this user may write them/,
  );
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

test("a database knows whether it is new, also in a file without a byte", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await writeFile(path, "");
  {
    await using database = await SqliteDatabase.open({ path });
    expect(database.isNew).toBe(true);
    await using second = await SqliteDatabase.open({ path });
    expect(second.isNew).toBe(false);
  }
  await using again = await SqliteDatabase.open({ path });
  expect(again.isNew).toBe(false);
});

test.each(["", "-wal", "-shm"])(
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
        `The database file ${file} was removed or replaced while the process ran; start it again`,
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

/** Fills the first page of a table with what no page can be. Nobody may have the file open. */
async function damageTable(path: string, table: string): Promise<void> {
  const raw = new DatabaseSync(path);
  const page = raw.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(table);
  const pageBytes = Number(raw.prepare("PRAGMA page_size").get()?.["page_size"]);
  raw.close();
  const file = await openHandle(path, "r+");
  await file.write(
    Buffer.alloc(pageBytes, 0xee),
    0,
    pageBytes,
    (Number(page?.["rootpage"]) - 1) * pageBytes,
  );
  await file.close();
}

test("a damaged file ends all reading and writing, and is told with what to do", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await using sound = await SqliteDatabase.open({ path });
  await new SqliteStore({ database: sound, clock }).commit(partition, [
    { create: operationDocument("o") },
  ]);
  await sound.close();
  await damageTable(path, "documents");

  await using database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock });
  const queue = new SqliteQueue({ database, clock });
  const turned = new TestClock();
  const told = database.untilLost(turned, new AbortController().signal);
  // what it holds beside that table may be sound
  await queue.send("message");
  const read = store.read("operation", { partition, id: "o" });
  await expect(read).rejects.toThrow(StoreUnavailableError);
  await expect(read).rejects.toThrow(
    `The database file ${path} is damaged (database disk image is malformed).`,
  );
  expect(await told).toBeInstanceOf(SqliteFileLostError);
  expect((await told)?.message).toContain("restore a backup");
  await expect(queue.send("message")).rejects.toThrow(QueueUnavailableError);
  await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
});

test.each([
  ["a statement", "INSERT INTO probe (body) VALUES (zeroblob(32768))", 11],
  ["the commit", "COMMIT", 11],
  ["the beginning", "BEGIN IMMEDIATE", 26],
])("a write that meets the damage by %s fails its whole group", async (_name, sql, errcode) => {
  await using fixture = await openFile();
  const { database, other } = fixture;
  const store = new SqliteStore({ database, clock });
  failOnce(database, sql, failure(errcode));
  const outcomes = await Promise.allSettled([
    store.commit(partition, [{ create: operationDocument("o") }]),
    store.ping(),
  ]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ reason: expect.any(StoreUnavailableError) });
    expect(outcome).toMatchObject({ reason: { cause: expect.any(SqliteFileLostError) } });
  }
  const { signal } = new AbortController();
  expect(await database.untilLost(clock, signal)).toBeInstanceOf(SqliteFileLostError);
  expect(other.statement("SELECT count(*) AS count FROM documents").get()).toEqual({ count: 0 });
});

test("one document whose text is damaged is no damaged file", async () => {
  await using fixture = await openFile();
  const { database, clock: turned } = fixture;
  const store = new SqliteStore({ database, clock });
  const controller = new AbortController();
  const lost = database.untilLost(turned, controller.signal);
  const creates = ["bad", "good"].map((id) => ({ create: operationDocument(id) }));
  await store.commit(partition, creates);
  await database.write(() => {
    database.statement("UPDATE documents SET body = '{' WHERE id = 'bad'").run();
  });
  await expect(store.read("operation", { partition, id: "bad" })).rejects.toThrow(
    DocumentUnreadableError,
  );
  expect(await store.read("operation", { partition, id: "good" })).toBeDefined();
  await store.ping();
  await turned.advance(60_000);
  controller.abort();
  expect(await lost).toBeUndefined();
});

test("a damaged file that can't be opened is left as it is, with what stands in its log alone", async () => {
  await using fixture = await openFile();
  const { database, path } = fixture;
  database.statement("PRAGMA wal_checkpoint(TRUNCATE)").get();
  const store = new SqliteStore({ database, clock });
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  const damaged = `${path}.damaged`;
  const file = await readFile(path);
  // the page that says which tables there are
  await writeFile(damaged, file.fill(0xee, 100, 300));
  await writeFile(`${damaged}-wal`, await readFile(`${path}-wal`));
  const parts = async () => [await readFile(damaged), await readFile(`${damaged}-wal`)];
  const before = await parts();
  expect(before[1]?.length).toBeGreaterThan(0);
  await expect(SqliteDatabase.open({ path: damaged })).rejects.toThrow(/restore a backup/);
  expect(await parts()).toEqual(before);
});

test("a file that is cut short, or into which a shorter one was copied, is damaged", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const store = new SqliteStore({ database, clock });
  const backup = await readFile(path);
  const notes = "x".repeat(200_000);
  await store.commit(partition, [{ create: clusterDocument("c", { installation: { notes } }) }]);
  database.statement("PRAGMA wal_checkpoint(TRUNCATE)").get();
  let told: unknown = "nothing";
  void database.untilLost(turned, new AbortController().signal).then((lost) => (told = lost));
  await turned.advance(60_000);
  expect(told).toBe("nothing");
  // the same file, so that its place tells nothing
  await writeFile(path, backup);
  await turned.advance(1_000);
  expect(told).toBeInstanceOf(SqliteFileLostError);
  await expect(store.ping()).rejects.toThrow(/is damaged \(it became shorter\)/);
});

test("a file that was made shorter, and written again into its log alone, is not damaged", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const store = new SqliteStore({ database, clock });
  const controller = new AbortController();
  const lost = database.untilLost(turned, controller.signal);
  const notes = "x".repeat(200_000);
  const large = (id: string) => clusterDocument(id, { installation: { notes } });
  const [first] = await store.commit(partition, [{ create: large("c") }]);
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  await turned.advance(1_000);
  await store.commit(partition, [{ delete: first }]);
  raw.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  raw.close();
  const { size } = await stat(path);
  {
    await using other = await SqliteDatabase.open({ path });
    const otherStore = new SqliteStore({ database: other, clock });
    const [second] = await otherStore.commit(partition, [{ create: large("d") }]);
    expect((await stat(path)).size).toBe(size);
    await turned.advance(60_000);
    expect(await store.read("cluster", { partition, id: second.document.id })).toEqual(second);
  }
  controller.abort();
  expect(await lost).toBeUndefined();
});

test("a file that was made shorter by who knows how to is not damaged", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const store = new SqliteStore({ database, clock });
  const controller = new AbortController();
  const lost = database.untilLost(turned, controller.signal);
  const notes = "x".repeat(200_000);
  const [large] = await store.commit(partition, [
    { create: clusterDocument("c", { installation: { notes } }) },
  ]);
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  await turned.advance(1_000);
  const { size } = await stat(path);
  await store.commit(partition, [{ delete: large }]);
  raw.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  raw.close();
  expect((await stat(path)).size).toBeLessThan(size);
  await turned.advance(60_000);
  await store.ping();
  controller.abort();
  expect(await lost).toBeUndefined();
});

/** A copy of a database's files as a killed process leaves them, with all of it in the log or only the end. */
async function leftBehind(
  folder: string,
  options: { readonly isLogWhole: boolean },
): Promise<{ readonly path: string; readonly log: string; readonly id: string }> {
  await using fixture = await openFile();
  const store = new SqliteStore({ database: fixture.database, clock });
  await store.commit(partition, [{ create: operationDocument("first") }]);
  if (!options.isLogWhole) fixture.database.statement("PRAGMA wal_checkpoint(TRUNCATE)").get();
  const document = clusterDocument("c");
  await store.commit(partition, [{ create: document }]);
  const path = join(folder, "left.db");
  const log = `${path}-wal`;
  await writeFile(path, await readFile(fixture.path));
  await writeFile(log, await readFile(`${fixture.path}-wal`));
  return { path, log, id: document.id };
}

const losses = [
  ["emptied", async (path: string) => writeFile(path, "")],
  // which SQLite takes for empty as well
  ["cut to a byte", async (path: string) => writeFile(path, "x")],
  ["removed", async (path: string) => rm(path)],
] as const;

test.each(losses)(
  "a file that was %s beside a log which holds all of it is refused, with what brings it back",
  async (_what, lose) => {
    await using folder = await temporaryFolder();
    const { path, log, id } = await leftBehind(folder.path, { isLogWhole: true });
    await lose(path);
    const before = [await readdir(folder.path), await readFile(log)];
    // a supervisor starts it more than once
    for (let start = 0; start < 2; start += 1) {
      const open = SqliteDatabase.open({ path });
      await expect(open).rejects.toThrow(SqliteOpenError);
      await expect(open).rejects.toThrow(
        /it is empty or gone, beside its log\. .* still holds all/,
      );
      await expect(open).rejects.toThrow(`run "(umask 077; truncate -s 8192 ${path})"`);
      expect([await readdir(folder.path), await readFile(log)]).toEqual(before);
    }

    await (await openHandle(path, "a")).close();
    await truncate(path, 8192);
    await using database = await SqliteDatabase.open({ path });
    expect(database.statement("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    const store = new SqliteStore({ database, clock });
    expect(await store.read("operation", { partition, id: "first" })).toBeDefined();
    expect(await store.read("cluster", { partition, id })).toBeDefined();
  },
);

test.each(losses)(
  "a file that was %s beside a log which holds a part of it is refused, and asks for a backup",
  async (_what, lose) => {
    await using folder = await temporaryFolder();
    const { path, log } = await leftBehind(folder.path, { isLogWhole: false });
    await lose(path);
    const before = await readFile(log);
    const open = SqliteDatabase.open({ path });
    await expect(open).rejects.toThrow(SqliteOpenError);
    await expect(open).rejects.toThrow(/doesn't hold all of it\. .*restore a backup/);
    expect(before.equals(await readFile(log))).toBe(true);
  },
);

test("a file that is emptied is noticed while all of it stands in its log, which is kept", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const store = new SqliteStore({ database, clock });
  await store.commit(partition, [{ create: operationDocument("o") }]);
  const told = database.untilLost(turned, new AbortController().signal);
  await writeFile(path, "");
  const write = store.commit(partition, [{ create: operationDocument("refused") }]);
  await expect(write).rejects.toThrow(StoreUnavailableError);
  await expect(write).rejects.toThrow(/rp\.db was emptied\. Its log still holds all of it/);
  expect(await told).toBeInstanceOf(SqliteFileLostError);
  const before = await readFile(`${path}-wal`);
  await database.close();
  expect((await stat(path)).size).toBe(0);
  expect(before.equals(await readFile(`${path}-wal`))).toBe(true);
});

test("a process killed at any moment of making a database leaves one that the next finishes", async () => {
  const seen = new Set<string>();
  for (let moment = 1; moment <= 6; moment += 1) {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "rp.db");
    const files = [path, `${path}-journal`, `${path}-wal`];
    const look = (): string =>
      files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? "none").join(" ");
    const child = startProcess("writeUntilKilled", path);
    const exited = once(child, "exit");
    const first = look();
    for (let changes = 0, last = first; changes < moment;) {
      const now = look();
      if (now !== last) changes += 1;
      last = now;
      await new Promise((resume) => setImmediate(resume));
    }
    child.kill("SIGKILL");
    await exited;
    seen.add(look());

    await using database = await SqliteDatabase.open({ path });
    await new SqliteStore({ database, clock }).ping();
    expect(database.statement("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  }
  expect(seen.size).toBeGreaterThan(1);
});

test.each([
  ["to nothing", () => 0],
  ["in its header", () => 20],
  ["by a byte", (bytes: number) => bytes - 1],
])("a log that was cut %s ends all reading and writing", async (_how, left) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const log = `${path}-wal`;
  await (await SqliteDatabase.open({ path })).close();
  // with an empty log at its start
  await using database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock });
  const turned = new TestClock();
  const told = database.untilLost(turned, new AbortController().signal);
  await store.commit(partition, [{ create: operationDocument("o") }]);
  await truncate(log, left((await stat(log)).size));
  const { size } = await stat(log);
  const write = store.commit(partition, [{ create: operationDocument("refused") }]);
  await expect(write).rejects.toThrow(StoreUnavailableError);
  await expect(write).rejects.toThrow(/rp\.db is damaged \(.*\)\. .*restore a backup/);
  expect(await told).toBeInstanceOf(SqliteFileLostError);
  await expect(store.read("operation", { partition, id: "o" })).rejects.toThrow(
    StoreUnavailableError,
  );
  await database.close();
  expect((await stat(log)).size).toBe(size);
});

test("a log that was cut is noticed without a write", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  let told: unknown = "nothing";
  void database.untilLost(turned, new AbortController().signal).then((lost) => (told = lost));
  await turned.advance(60_000);
  expect(told).toBe("nothing");
  await truncate(`${path}-wal`, 0);
  await turned.advance(1_000);
  expect(told).toBeInstanceOf(SqliteFileLostError);
});

test("a log that SQLite makes shorter, or begins anew, is not damaged", async () => {
  await using fixture = await openFile();
  const { database, path, clock: turned } = fixture;
  const log = `${path}-wal`;
  const store = new SqliteStore({ database, clock });
  const controller = new AbortController();
  const lost = database.untilLost(turned, controller.signal);
  const notes = "x".repeat(200_000);
  const bytes = async (): Promise<number> => (await stat(log)).size;
  const raw = new DatabaseSync(path);
  const grow = async (id: string): Promise<number> => {
    await store.commit(partition, [{ create: clusterDocument(id, { installation: { notes } }) }]);
    return await bytes();
  };

  let before = await grow("truncated by a checkpoint");
  raw.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  expect(await bytes()).toBe(0);
  await turned.advance(1_000);
  await store.ping();

  before = await grow("begun anew in place");
  raw.exec("PRAGMA wal_checkpoint(RESTART)");
  await turned.advance(1_000);
  await store.ping();
  expect(await bytes()).toBe(before);

  before = await grow("limited after it began anew");
  raw.exec("PRAGMA journal_size_limit = 0; PRAGMA wal_checkpoint(RESTART)");
  raw.exec("UPDATE sequence SET last = last + 1");
  expect(await bytes()).toBeLessThan(before);
  await turned.advance(1_000);
  await store.ping();

  before = await grow("closed by another");
  raw.close();
  expect(await bytes()).toBe(before);
  await turned.advance(1_000);
  await store.ping();

  // what was cut off here was left over from before the log began anew
  database.statement("PRAGMA wal_checkpoint(RESTART)").get();
  await store.ping();
  await truncate(log, (await bytes()) - 10_000);
  await turned.advance(1_000);
  await store.ping();
  controller.abort();
  expect(await lost).toBeUndefined();
});

test("a log that others make shorter just while it is looked at is not damaged", async () => {
  await using fixture = await openFile();
  const { database, path } = fixture;
  const store = new SqliteStore({ database, clock });
  const raw = new DatabaseSync(path);
  const real = database.statement.bind(database);
  let truncations = 0;
  const spy = vi.spyOn(database, "statement").mockImplementation((sql) => {
    const statement = real(sql);
    if (!sql.includes("NOOP") || truncations === 0) return statement;
    const get = (): unknown => {
      raw.exec("UPDATE sequence SET last = last + 1");
      const found = statement.get();
      raw.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      truncations -= 1;
      return found;
    };
    return { get } as unknown as StatementSync;
  });
  for (let count = 1; count < 5; count += 1) {
    truncations = count;
    await store.ping();
    expect(truncations).toBe(0);
  }
  // nobody can tell
  truncations = Infinity;
  await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
  spy.mockRestore();
  raw.close();
  await store.ping();
});

test("processes that write are not disturbed by one that truncates the log all the time", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await using database = await SqliteDatabase.open({ path, busyLimitMs: 60_000 });
  const store = new SqliteStore({ database, clock });
  const turned = new TestClock();
  const controller = new AbortController();
  const lost = database.untilLost(turned, controller.signal);
  const raw = new DatabaseSync(path, { timeout: 5_000 });
  const truncateLog = raw.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  let processes = 0;
  // a busy machine may hold this one back until the others have ended: then there are more of them
  for (let truncations = 0; truncations <= 10;) {
    const children = [1, 2].map(() => startProcess("compareAndSwap", path, "100"));
    processes += children.length;
    let isOver = false;
    const exits = Promise.all(children.map(async (child) => once(child, "exit"))).finally(
      () => (isOver = true),
    );
    while (!isOver) {
      if (truncateLog.get()?.["busy"] === 0) truncations += 1;
      await turned.advance(1_000);
      await store.ping();
    }
    expect((await exits).map(([code]) => code as unknown)).toEqual([0, 0]);
  }
  raw.close();
  controller.abort();
  expect(await lost).toBeUndefined();
  const counter = await store.read("cluster", { partition, id: "rg|counter" });
  expect(counter?.document.sweeps).toBe(100 * processes);
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
