/**
 * The writes of one commit to the embedded database: checked before anything is written, then run in the commit's transaction. Each is
 * conditional, by its own text; a write that changes no row must fail.
 */
import type { DocumentKind, EpochMs, RpDocument } from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import { expiresAtOf, schedulingOf, type SchedulingColumns } from "./scheduling.ts";
import type { SqliteCalls } from "./sqliteCalls.ts";
import type { SqliteTransaction } from "./sqliteDatabase.ts";
import { StoreConflictError, type ETag, type Write } from "./store.ts";

/** How many expired rows a commit clears away besides its own work. */
const clearedPerCommit = 8;
/** By their indexes. */
const anyExpiredSql = `SELECT 1 WHERE EXISTS (SELECT 1 FROM documents WHERE expires_at <= ?1)
  OR EXISTS (SELECT 1 FROM leases WHERE expires_at <= ?1)`;

interface DocumentKeyOfKind extends DocumentKey {
  readonly kind: DocumentKind;
}

/** A document as it is stored. */
export interface DocumentRow {
  readonly key: DocumentKeyOfKind;
  readonly body: string;
  readonly bytes: number;
  readonly expiresAt: EpochMs | null;
  readonly scheduling: SchedulingColumns | undefined;
}

/** One write, checked: a create has only a row, a delete only what it replaces, a replace both. */
export interface CheckedWrite {
  readonly key: DocumentKeyOfKind;
  readonly row: DocumentRow | undefined;
  readonly replaces: ETag | undefined;
}

/** Runs the writes of commits, in transactions of the calls' database. */
export class SqliteWrites {
  readonly #calls: SqliteCalls;

  constructor(calls: SqliteCalls) {
    this.#calls = calls;
  }

  /**
   * Runs one write in the transaction.
   *
   * @returns the new ETag; `undefined` for a delete.
   * @throws {StoreConflictError}
   */
  apply(write: CheckedWrite, now: EpochMs, transaction: SqliteTransaction): string | undefined {
    const { key, row, replaces } = write;
    if (row === undefined) {
      this.#delete(key, replaces, now);
      return undefined;
    }
    const etag = transaction.nextUnique();
    if (replaces === undefined) this.#create(row, etag, now);
    else this.#replace(row, { etag, replaces, now });
    return etag;
  }

  #create(row: DocumentRow, etag: string, now: EpochMs): void {
    const insert = (): boolean =>
      this.#calls
        .statement(
          `INSERT INTO documents (etag, expires_at, active, unqueued, operation_id,
             next_attempt_at, sweep_after, sweeps, body, partition, id, kind)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (partition, id) DO NOTHING`,
        )
        .run(etag, ...columnsOf(row), ...keyColumnsOf(row.key)).changes === 1;
    if (insert()) return;
    // what has expired is in nobody's way
    this.#calls
      .statement("DELETE FROM documents WHERE partition = ? AND id = ? AND expires_at <= ?")
      .run(row.key.partition, row.key.id, now);
    if (!insert()) throw new StoreConflictError(`${row.key.id} exists already`);
  }

  #replace(
    row: DocumentRow,
    condition: { readonly etag: string; readonly replaces: ETag; readonly now: EpochMs },
  ): void {
    const { changes } = this.#calls
      .statement(
        `UPDATE documents SET etag = ?, expires_at = ?, active = ?, unqueued = ?, operation_id = ?,
           next_attempt_at = ?, sweep_after = ?, sweeps = ?, body = ?
         WHERE partition = ? AND id = ? AND kind = ? AND etag = ?
           AND (expires_at IS NULL OR expires_at > ?)`,
      )
      .run(
        condition.etag,
        ...columnsOf(row),
        ...keyColumnsOf(row.key),
        condition.replaces,
        condition.now,
      );
    if (changes !== 1) throw new StoreConflictError(`${row.key.id} has changed or is gone`);
  }

  #delete(key: DocumentKeyOfKind, etag: ETag | undefined, now: EpochMs): void {
    const { changes } = this.#calls
      .statement(
        `DELETE FROM documents WHERE partition = ? AND id = ? AND kind = ? AND etag = ?
           AND (expires_at IS NULL OR expires_at > ?)`,
      )
      .run(...keyColumnsOf(key), etag ?? null, now);
    if (changes !== 1) throw new StoreConflictError(`${key.id} has changed or is gone`);
  }

  /** Expired rows are as good as absent; this only gives their room back, a few at a time. */
  clearExpired(now: EpochMs): void {
    // seldom is there any, and two deletions of nothing cost ten times as much
    if (this.#calls.statement(anyExpiredSql).get(now) === undefined) return;
    this.#calls
      .statement(
        `DELETE FROM documents WHERE row_id IN
           (SELECT row_id FROM documents WHERE expires_at <= ? LIMIT ${clearedPerCommit})`,
      )
      .run(now);
    this.#calls
      .statement(
        `DELETE FROM leases WHERE name IN
           (SELECT name FROM leases WHERE expires_at <= ? LIMIT ${clearedPerCommit})`,
      )
      .run(now);
  }
}

/**
 * Checks a write.
 *
 * @throws {TypeError} when a document is not where the caller says.
 */
export function checkedWrite(partition: string, write: Write): CheckedWrite {
  if ("delete" in write) {
    const key = keyOf(write.delete.document, partition);
    return { key, row: undefined, replaces: write.delete.etag };
  }
  if ("create" in write) {
    const row = rowOf(write.create, partition);
    return { key: row.key, row, replaces: undefined };
  }
  const row = rowOf(write.document, partition);
  const key = keyOf(write.replace.document, partition);
  if (row.key.id !== key.id || row.key.kind !== key.kind) {
    throw new TypeError(
      `the ${row.key.kind} ${row.key.id} can't replace the ${key.kind} ${key.id}`,
    );
  }
  return { key, row, replaces: write.replace.etag };
}

function keyOf(document: RpDocument, partition: string): DocumentKeyOfKind {
  const { id, kind, subscriptionId } = document;
  if (subscriptionId !== partition) {
    throw new TypeError(`${id} belongs to the partition ${subscriptionId}, not to ${partition}`);
  }
  if (!id.isWellFormed() || !partition.isWellFormed()) {
    throw new TypeError(`the id ${JSON.stringify(id)} is not well-formed`);
  }
  return { partition, id, kind };
}

function rowOf(document: RpDocument, partition: string): DocumentRow {
  const key = keyOf(document, partition);
  const body = JSON.stringify(document);
  const members = document as RpDocument & Readonly<Record<string, unknown>>;
  return {
    key,
    body,
    bytes: Buffer.byteLength(body),
    expiresAt: expiresAtOf(key.kind, members),
    scheduling: schedulingOf(key.kind, members),
  };
}

/** As a reader will see it. */
export function documentOf({ body }: DocumentRow): RpDocument {
  return JSON.parse(body) as RpDocument;
}

/** In the order of the statements: expires_at, the scheduling columns, body. */
function columnsOf({ expiresAt, scheduling, body }: DocumentRow) {
  return [
    expiresAt,
    scheduling === undefined ? null : Number(scheduling.active),
    typeof scheduling?.unqueued === "boolean" ? Number(scheduling.unqueued) : null,
    scheduling?.operationId ?? null,
    scheduling?.nextAttemptAt ?? null,
    scheduling?.sweepAfter ?? null,
    scheduling?.sweeps ?? null,
    body,
  ] as const;
}

/** In the order of the statements: partition, id, kind. */
function keyColumnsOf({ partition, id, kind }: DocumentKeyOfKind) {
  return [partition, id, kind] as const;
}
