/**
 * The tables of the embedded database, as a list of migrations. A migration that was released is never edited: a change
 * is a new entry at the end.
 *
 * Two releases may use one file side by side, and the older one may be started again. So a change only adds: a table, an
 * index, a column with a default; and with nothing that the older release's SQLite doesn't know. That release goes on with what
 * it knows, naming the columns that it writes. Only a change under which it would fail or do harm is marked as breaking: then
 * releases that don't know it are refused, and those that run end.
 *
 * A file says both how many migrations it has behind it (the table `format`) and how many a release must know to use it
 * (`PRAGMA user_version`).
 */

/** Marks a file as ours (`PRAGMA application_id`): "ARHP". */
export const applicationId = 0x41524850;

/** One change of the tables. */
export interface Migration {
  readonly sql: string;
  /** Whether a release that doesn't know it must not use the file from then on. */
  readonly isBreaking: boolean;
}

/** How many of these migrations a release must know to use a file that has them all behind it. */
export function minimumVersion(known: readonly Migration[]): number {
  return known.findLastIndex(({ isBreaking }) => isBreaking) + 1;
}

/**
 * A member of a body, `NULL` when the text is damaged. An index on it is right whichever release writes the body. Statements must
 * have it in the very same form, or they read the bodies.
 */
export function jsonMember(path: "operation.kind" | "provisioningState" | "operation.startedAt") {
  return `CASE WHEN json_valid(body) THEN json_extract(body, '$.${path}') END`;
}

/** What the rows of `documents_unsettled` have in common; an index has it, so it must never change. */
export const isUnsettledSql = `kind = 'cluster' AND (active = 1 OR ${jsonMember("provisioningState")} IN ('Failed', 'Canceled'))`;

/**
 * Entry `n` takes a file from version `n` to `n + 1`.
 *
 * Notes on `documents`: rows have a rowid because 2 kB bodies in a `WITHOUT ROWID` tree make everything slower. The
 * body stands last, so that what the forwarder's listings pass over costs none of its pages. The scheduling columns are filled for
 * clusters, and two of them for subscriptions that are purged, by whoever writes the body; the body stays the truth for
 * the members themselves. Times are REAL: what a document says is kept as it is, fractions included.
 *
 * Leases and messages keep how long they were meant to last beside when they end (`lease_ms`, `hidden_since`): an end that
 * is further away than that shows that the clock was set back.
 *
 * `probe` is always empty: its rows are taken back before they are committed (`SqliteDatabase.probe`).
 */
export const migrations: readonly Migration[] = [
  {
    isBreaking: true,
    sql: `
  CREATE TABLE sequence (
    last INTEGER NOT NULL
  ) STRICT;
  INSERT INTO sequence VALUES (0);

  CREATE TABLE documents (
    row_id INTEGER PRIMARY KEY,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    etag TEXT NOT NULL,
    expires_at REAL,
    active INTEGER,
    unqueued INTEGER,
    operation_id TEXT,
    next_attempt_at REAL,
    sweep_after REAL,
    sweeps REAL,
    due_at REAL GENERATED ALWAYS AS (max(next_attempt_at, sweep_after)) VIRTUAL,
    body TEXT NOT NULL,
    UNIQUE (partition, id)
  ) STRICT;
  CREATE INDEX documents_clusters ON documents (partition, id) WHERE kind = 'cluster';
  CREATE INDEX documents_unqueued ON documents (partition, id) WHERE unqueued = 1;
  CREATE INDEX documents_unattended ON documents (due_at, partition, id)
    WHERE active = 1 AND unqueued = 0;
  CREATE INDEX documents_purges ON documents (next_attempt_at, partition)
    WHERE kind = 'subscription' AND active = 1;
  CREATE INDEX documents_expiring ON documents (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    expires_at REAL NOT NULL,
    lease_ms REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX leases_expiring ON leases (expires_at);

  CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    visible_at REAL NOT NULL,
    hidden_since REAL NOT NULL,
    pop_receipt INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX messages_visible ON messages (visible_at, pop_receipt);
  CREATE INDEX messages_hidden ON messages (hidden_since);

  CREATE TABLE probe (
    body BLOB NOT NULL
  ) STRICT;
  `,
  },
  {
    // an index of expressions, as a release that doesn't know a column would not fill it
    isBreaking: false,
    sql: `CREATE INDEX documents_unsettled ON documents (partition, id, ${jsonMember("provisioningState")})
      WHERE ${isUnsettledSql};`,
  },
  {
    isBreaking: false,
    sql: `
  CREATE INDEX documents_running ON documents (partition, id,
    ${jsonMember("operation.kind")},
    ${jsonMember("provisioningState")},
    ${jsonMember("operation.startedAt")})
    WHERE kind = 'cluster' AND active = 1;
  `,
  },
  {
    // the few keys among all records of operations, which a start would read on its way to them
    isBreaking: false,
    sql: `CREATE INDEX documents_keys ON documents (partition, id) WHERE kind = 'key';`,
  },
];
