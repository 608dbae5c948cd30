/**
 * What a connection to an embedded database does before anything else: it settles how SQLite keeps the file, and takes the file's
 * tables from the version that they have to the one that this release knows. A file that isn't ours, or is a newer release's, must be
 * left as it is.
 */
import type { DatabaseSync } from "node:sqlite";
import { applicationId, minimumVersion, type Migration } from "./sqliteSchema.ts";

/** Versions before it can corrupt a file that several connections write. */
const sqliteVersionMin = "3.51.3";

/** @throws {Error} when the SQLite that this Node.js has is too old. */
export function assertSqliteVersion(connection: DatabaseSync): void {
  const version = String(
    connection.prepare("SELECT sqlite_version() AS version").get()?.["version"],
  );
  if (version.localeCompare(sqliteVersionMin, "en", { numeric: true }) < 0) {
    throw new Error(`SQLite ${version} may corrupt it; ${sqliteVersionMin} is the least`);
  }
}

/**
 * What every connection does first.
 *
 * @throws {Error} as `fileVersion`, or when its file system can't serve several processes.
 */
export function setUp(connection: DatabaseSync, known: readonly Migration[]): void {
  // before anything that writes: a file that isn't ours must be left as it is
  inTransaction(connection, "BEGIN", () => fileVersion(connection, known));
  connection.exec("PRAGMA page_size = 8192");
  const mode = connection.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal" && mode !== "memory") {
    throw new Error("its file system has no shared memory, which a write-ahead log needs");
  }
  connection.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -65536;
    PRAGMA mmap_size = 0;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
  `);
}

/**
 * Makes the tables, or brings them up to date.
 *
 * @returns whether there was nothing in the file before.
 * @throws {Error} as `fileVersion`.
 */
export function migrate(connection: DatabaseSync, known: readonly Migration[]): boolean {
  const version = inTransaction(connection, "BEGIN", () => fileVersion(connection, known));
  if (version >= known.length) return false;
  return inTransaction(connection, "BEGIN IMMEDIATE", () => {
    // again, now that nobody else can be at it
    const present = fileVersion(connection, known);
    if (present >= known.length) return false;
    for (const { sql } of known.slice(present)) connection.exec(sql);
    connection.exec(`
      CREATE TABLE IF NOT EXISTS format (version INTEGER NOT NULL) STRICT;
      DELETE FROM format;
      INSERT INTO format VALUES (${known.length});
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${minimumVersion(known)};
    `);
    return present === 0;
  });
}

function inTransaction<T>(
  connection: DatabaseSync,
  begin: "BEGIN" | "BEGIN IMMEDIATE",
  run: () => T,
): T {
  connection.exec(begin);
  try {
    const result = run();
    connection.exec("COMMIT");
    return result;
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

/**
 * To be called in a transaction, since others may be making the file.
 *
 * @returns how many migrations the file has behind it, which may be more than are known.
 * @throws {Error} when it isn't ours, or a newer release has changed it in a way that needs knowing.
 */
function fileVersion(connection: DatabaseSync, known: readonly Migration[]): number {
  const numberOf = (sql: string): number =>
    Number(Object.values(connection.prepare(sql).get() ?? {})[0]);
  const hasTable = (condition: string): boolean =>
    connection.prepare(`SELECT 1 FROM sqlite_schema WHERE ${condition}`).get() !== undefined;
  const minimum = numberOf("PRAGMA user_version");
  const isOurs = numberOf("PRAGMA application_id") === applicationId;
  if (!isOurs && (minimum !== 0 || hasTable("true"))) {
    throw new Error("it is a database of another program");
  }
  if (minimum > known.length) {
    throw new Error(
      `a newer release wrote it (it takes format ${minimum}, this release knows ${known.length})`,
    );
  }
  // before there was that table both numbers were the same
  return hasTable("name = 'format'") ? numberOf("SELECT version FROM format") : minimum;
}
