/** Embedded databases for tests: each in a folder of its own, on a clock that the test turns, gone afterwards. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { TestClock } from "../runtime/testClock.ts";

/** A folder that is removed with all that is in it. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "rp-sqlite-"));
  return {
    path,
    [Symbol.asyncDispose]: async () => rm(path, { recursive: true, force: true }),
  };
}

export interface SqliteFixture extends AsyncDisposable {
  readonly database: SqliteDatabase;
  /** A second connection to the same file; in memory the same one. */
  readonly other: SqliteDatabase;
  readonly clock: TestClock;
  /** The file, or `:memory:`. */
  readonly path: string;
}

/** A new file, opened twice as two processes would. */
export async function openFile(): Promise<SqliteFixture> {
  const folder = await temporaryFolder();
  return openTwice(folder, join(folder.path, "data", "rp.db"));
}

let emptyFile: Promise<Uint8Array> | undefined;

/** The same without flushes to the disk, which are most of a small test's time. */
export async function openUnflushedFile(): Promise<SqliteFixture> {
  emptyFile ??= makeEmptyFile();
  const folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await writeFile(path, await emptyFile);
  const fixture = await openTwice(folder, path);
  for (const database of [fixture.database, fixture.other]) {
    database.statement("PRAGMA synchronous = OFF").run();
  }
  return fixture;
}

async function makeEmptyFile(): Promise<Uint8Array> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const database = await SqliteDatabase.open({ path });
  await database.close();
  return await readFile(path);
}

async function openTwice(folder: TemporaryFolder, path: string): Promise<SqliteFixture> {
  const database = await SqliteDatabase.open({ path });
  const other = await SqliteDatabase.open({ path });
  return {
    database,
    other,
    clock: new TestClock(),
    path,
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await other.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export async function openMemory(): Promise<SqliteFixture> {
  const path = ":memory:";
  const database = await SqliteDatabase.open({ path });
  return {
    database,
    other: database,
    clock: new TestClock(),
    path,
    [Symbol.asyncDispose]: async () => database.close(),
  };
}
