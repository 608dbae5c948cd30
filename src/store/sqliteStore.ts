/**
 * The store on the embedded database. Documents are JSON text beside a few columns that the listings need; no listing
 * of the forwarder parses a body, so that neither a secret nor a document it can't read is in its way.
 */
import { type SqliteDatabase, type SqliteTransaction } from "./sqliteDatabase.ts";
import { SqliteOutcomeUnknownError, SqliteUnavailableError } from "./sqliteFailure.ts";
import { standingOf } from "../model/clusterStanding.ts";
import {
  expiresAtOf,
  runningOperationFrom,
  schedulingOf,
  type SchedulingColumns,
} from "./scheduling.ts";
import { committed } from "./committed.ts";
import { continuationAt, placeOf } from "./continuation.ts";
import { isUnsettledSql, jsonMember } from "./sqliteSchema.ts";
import {
  commitBytesMax,
  DocumentUnreadableError,
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  writesMax,
  type CallOptions,
  type ClusterReference,
  type Committed,
  type DueQuery,
  type ETag,
  type Lease,
  type LeaseAttempt,
  type Page,
  type PageRequest,
  type RunningOperation,
  type Scheduling,
  type SecretsReference,
  type Store,
  type Stored,
  type UnsettledCluster,
  type UnsettledQuery,
  type Write,
  type OnUnreadable,
} from "./store.ts";
import type { Clock } from "../runtime/clock.ts";
import {
  listedCluster,
  type ClusterDocument,
  type DocumentKind,
  type DocumentOfKind,
  type EpochMs,
  type ListedCluster,
  type RpDocument,
  type SubscriptionDocument,
} from "../model/document.ts";
import { originOf, type OperationOrigin } from "../model/operationOrigin.ts";
import type { DocumentKey } from "../model/resourceId.ts";

/** How many expired rows a commit clears away besides its own work. */
const clearedPerCommit = 8;
/** By their indexes. */
const anyExpiredSql = `SELECT 1 WHERE EXISTS (SELECT 1 FROM documents WHERE expires_at <= ?1)
  OR EXISTS (SELECT 1 FROM leases WHERE expires_at <= ?1)`;

/**
 * Of the body, of which the listings read nothing else; a column of its own would keep a former operation's when an older
 * release starts another.
 */
const operationColumn =
  "CASE WHEN json_valid(body) THEN json_extract(body, '$.operation') END AS operation";

/** Two ranges of the index, so that the many whose time is yet to come are not looked at. */
const unattendedSql = inRangesSql({
  limit: "?6",
  order: "due_at, partition, id",
  ranges: [
    "due_at < ?1",
    `due_at > ?2 AND (next_attempt_at < ?1 OR next_attempt_at > ?2)
       AND (sweep_after < ?1 OR sweep_after > ?2)`,
  ],
  select: (range) =>
    `SELECT partition, id, etag, operation_id, ${operationColumn}, next_attempt_at, sweeps, due_at
     FROM documents
     WHERE active = 1 AND unqueued = 0 AND ${range} AND (due_at, partition, id) > (?3, ?4, ?5)`,
});
const purgesSql = inRangesSql({
  limit: "?5",
  order: "next_attempt_at, partition",
  ranges: ["next_attempt_at < ?1", "next_attempt_at > ?2"],
  select: (range) =>
    `SELECT partition, id, etag, body, next_attempt_at FROM documents
     WHERE kind = 'subscription' AND active = 1 AND ${range}
       AND (next_attempt_at, partition) > (?3, ?4)`,
});

/** Left to itself, SQLite would look at every cluster: most of them rest. */
const unsettledSql = unsettledAfter("(partition, id) > (?1, ?2)");
const unsettledOfPartitionSql = unsettledAfter("partition = ?1 AND id > ?2");

function unsettledAfter(place: string): string {
  return `SELECT partition, id, etag, body FROM documents INDEXED BY documents_unsettled
    WHERE ${isUnsettledSql} AND ${place} AND (?3 IS NULL OR ${jsonMember("provisioningState")} = ?3)
    ORDER BY partition, id LIMIT ?4`;
}

/** Answered from its index alone, which is named as SQLite would rather take the one of all clusters, and read every body. */
export const runningSql = `SELECT partition, id, ${jsonMember("operation.kind")} AS operation_kind,
    ${jsonMember("provisioningState")} AS state, ${jsonMember("operation.startedAt")} AS started_at
  FROM documents INDEXED BY documents_running
  WHERE kind = 'cluster' AND active = 1 AND (partition, id) > (?, ?)
  ORDER BY partition, id LIMIT ?`;

/**
 * Of all documents that may be sealed and of no others: each start asks for the first of them, which lie behind any number of
 * records. A damaged one can't be opened by any key.
 */
const notSealedBySql = inRangesSql({
  limit: "?4",
  order: "partition, id",
  ranges: ["documents_clusters WHERE kind = 'cluster'", "documents_keys WHERE kind = 'key'"],
  select: (range) =>
    `SELECT partition, id, kind, json_extract(body, '$.secrets.keyId') AS key_id
     FROM documents INDEXED BY ${range} AND (partition, id) > (?1, ?2)
       AND CASE WHEN json_valid(body)
         THEN json_type(body, '$.secrets') IS NOT NULL
           AND json_extract(body, '$.secrets.keyId') IS NOT ?3
         END`,
});

/** What lies in one of the ranges, in order. */
function inRangesSql(options: {
  readonly limit: string;
  readonly order: string;
  readonly ranges: readonly string[];
  readonly select: (range: string) => string;
}): string {
  const { limit, order, ranges, select } = options;
  const limited = ranges.map(
    (range) => `SELECT * FROM (${select(range)} ORDER BY ${order} LIMIT ${limit})`,
  );
  return `SELECT * FROM (${limited.join(" UNION ALL ")}) ORDER BY ${order} LIMIT ${limit}`;
}

export interface SqliteStoreOptions {
  readonly database: SqliteDatabase;
  /** The store's clock: leases and expiry go by it. All processes on the file share the machine's. */
  readonly clock: Clock;
  /** Told of a document whose text is damaged, when a listing leaves it out or its scheduling is updated. */
  readonly onUnreadable?: OnUnreadable;
}

export class SqliteStore implements Store {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #onUnreadable: OnUnreadable;

  constructor({ database, clock, onUnreadable = () => {} }: SqliteStoreOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#onUnreadable = onUnreadable;
  }

  async read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options: CallOptions = {},
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    // SQLite would look for another text
    if (!key.partition.isWellFormed() || !key.id.isWellFormed()) return undefined;
    const row = await this.#read(
      () =>
        this.#database
          .statement(
            `SELECT etag, body FROM documents
             WHERE partition = ? AND id = ? AND kind = ? AND (expires_at IS NULL OR expires_at > ?)`,
          )
          .get(key.partition, key.id, kind, this.#clock.now()) as BodyRow | undefined,
      options,
    );
    if (row === undefined) return undefined;
    try {
      return storedFrom<DocumentOfKind<K>>(row);
    } catch (cause) {
      throw new DocumentUnreadableError(
        `the text of the ${kind} ${JSON.stringify(key)} is damaged`,
        { cause },
      );
    }
  }

  async commit<const W extends readonly Write[]>(
    partition: string,
    writes: W,
    options: CallOptions = {},
  ): Promise<Committed<W>> {
    if (writes.length > writesMax) {
      throw new RangeError(`${writes.length} writes in one commit; ${writesMax} is the most`);
    }
    const steps = writes.map((write) => stepOf(partition, write));
    const bytes = steps.reduce((sum, step) => sum + (step.row?.bytes ?? 0), 0);
    if (bytes > commitBytesMax) {
      throw new RangeError(`${bytes} bytes in one commit; ${commitBytesMax} is the most`);
    }
    const etags = await this.#write(
      (transaction) => {
        const now = this.#clock.now();
        const written = steps.map((step) => this.#apply(step, now, transaction));
        this.#clearExpired(now);
        return written;
      },
      options,
      bytes,
    );
    const results = steps.map(({ row }, index) =>
      row === undefined ? undefined : committed(etags[index] as ETag, () => textOf(row)),
    );
    return results as Committed<W>;
  }

  async listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ListedCluster>> {
    const { partition, idPrefix = "" } = query;
    if (!partition.isWellFormed() || !idPrefix.isWellFormed()) return { items: [] };
    const [after] = placeOf("clusters", page, ["string"]) ?? [];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(
            // the `+` keeps the index for the other lower bound, where the page begins
            `SELECT partition, id, etag, body FROM documents
             WHERE kind = 'cluster' AND partition = ? AND id ${after === undefined ? ">=" : ">"} ?
               AND +id >= ? AND id < ?
             ORDER BY id LIMIT ?`,
          )
          .all(
            partition,
            after ?? idPrefix,
            idPrefix,
            endOfPrefix(idPrefix) ?? behindAllTexts,
            page.limit + 1,
          ) as unknown as (KeyRow & BodyRow)[],
      options,
    );
    return pageOf("clusters", rows, page, {
      place: (row) => [row.id],
      item: (row) => {
        const stored = this.#readable<ClusterDocument>(row, options);
        return stored && listedCluster(stored.document);
      },
    });
  }

  async listUnqueued(
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    const [partition, id] = placeOf("unqueued", page, ["string", "string"]) ?? ["", ""];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(
            `SELECT partition, id, etag, operation_id, ${operationColumn}, next_attempt_at, sweeps
             FROM documents
             WHERE unqueued = 1 AND (partition, id) > (?, ?)
             ORDER BY partition, id LIMIT ?`,
          )
          .all(partition, id, page.limit + 1) as unknown as ReferenceRow[],
      options,
    );
    return pageOf("unqueued", rows, page, {
      place: (row) => [row.partition, row.id],
      item: referenceFrom,
    });
  }

  async listUnattended(
    query: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    const place = placeOf("unattended", page, ["number", "string", "string"]);
    const [dueAt, partition, id] = place ?? [Number.NEGATIVE_INFINITY, "", ""];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(unattendedSql)
          .all(
            query.now,
            query.farthest,
            dueAt,
            partition,
            id,
            page.limit + 1,
          ) as unknown as (ReferenceRow & { readonly due_at: number })[],
      options,
    );
    return pageOf("unattended", rows, page, {
      place: (row) => [row.due_at, row.partition, row.id],
      item: referenceFrom,
    });
  }

  async listRunning(page: PageRequest, options: CallOptions = {}): Promise<Page<RunningOperation>> {
    const [partition, id] = placeOf("running", page, ["string", "string"]) ?? ["", ""];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(runningSql)
          .all(partition, id, page.limit + 1) as unknown as RunningRow[],
      options,
    );
    return pageOf("running", rows, page, {
      place: (row) => [row.partition, row.id],
      item: ({ operation_kind: kind, state, started_at: startedAt }) =>
        runningOperationFrom({ kind, state, startedAt }),
    });
  }

  async listPurges(
    query: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    const place = placeOf("purges", page, ["number", "string"]);
    const [nextAttemptAt, partition] = place ?? [Number.NEGATIVE_INFINITY, ""];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(purgesSql)
          .all(
            query.now,
            query.farthest,
            nextAttemptAt,
            partition,
            page.limit + 1,
          ) as unknown as (KeyRow & BodyRow & { readonly next_attempt_at: number })[],
      options,
    );
    return pageOf("purges", rows, page, {
      place: (row) => [row.next_attempt_at, row.partition],
      item: (row) => this.#readable<SubscriptionDocument>(row, options),
    });
  }

  async listUnsettled(
    { partition, state }: UnsettledQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<UnsettledCluster>> {
    if (partition?.isWellFormed() === false) return { items: [] };
    const [afterPartition, afterId] = placeOf("unsettled", page, ["string", "string"]) ?? ["", ""];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(partition === undefined ? unsettledSql : unsettledOfPartitionSql)
          .all(
            partition ?? afterPartition,
            afterId,
            state ?? null,
            page.limit + 1,
          ) as unknown as (KeyRow & BodyRow)[],
      options,
    );
    return pageOf("unsettled", rows, page, {
      place: (row) => [row.partition, row.id],
      item: (row) => {
        const standing = standingOf(this.#readable(row, options)?.document);
        return { key: keyFrom(row), ...(standing === undefined ? {} : { standing }) };
      },
    });
  }

  async listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<SecretsReference>> {
    const [partition, id] = placeOf("secrets", page, ["string", "string"]) ?? ["", ""];
    const rows = await this.#read(
      () =>
        this.#database
          .statement(notSealedBySql)
          .all(partition, id, keyId, page.limit + 1) as unknown as SecretsRow[],
      options,
    );
    return pageOf("secrets", rows, page, {
      place: (row) => [row.partition, row.id],
      item: ({ kind, key_id: named, ...row }) => ({
        kind,
        key: keyFrom(row),
        ...(typeof named === "string" ? { keyId: named } : {}),
      }),
    });
  }

  async updateScheduling(
    reference: ClusterReference,
    scheduling: Scheduling,
    options: CallOptions = {},
  ): Promise<void> {
    const { key, etag } = reference;
    const { unqueued, sweepAfter, sweeps } = scheduling;
    await this.#write((transaction) => {
      const row = this.#database
        .statement(
          `SELECT etag, body FROM documents
           WHERE partition = ? AND id = ? AND etag = ? AND kind = 'cluster'`,
        )
        .get(key.partition, key.id, etag) as BodyRow | undefined;
      if (row === undefined) throw new StoreConflictError(`${key.id} has changed or is gone`);
      const document = this.#readable<ClusterDocument>({ ...row, ...key }, options)?.document;
      // what can't be read is left as it is, but its columns must not keep it listed for ever
      const body =
        document === undefined
          ? row.body
          : JSON.stringify({ ...document, unqueued, sweepAfter, sweeps });
      // `active` stays what the last writer of the state said, who may know more states
      this.#database
        .statement(
          `UPDATE documents SET etag = ?, unqueued = ?, sweep_after = ?, sweeps = ?, body = ?
           WHERE partition = ? AND id = ?`,
        )
        .run(
          transaction.nextUnique(),
          unqueued ? 1 : 0,
          sweepAfter,
          sweeps,
          body,
          key.partition,
          key.id,
        );
    }, options);
  }

  async acquireLease(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<LeaseAttempt> {
    const { name, owner, leaseMs } = request;
    return this.#write((): LeaseAttempt => {
      const now = this.#clock.now();
      const remainingMs = this.#curtailedMs(name);
      if (remainingMs !== undefined && this.#lease(name)?.owner !== owner) {
        return { acquired: false, remainingMs };
      }
      this.#database
        .statement(
          `INSERT INTO leases (name, owner, expires_at, lease_ms) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (name) DO UPDATE SET owner = ?2, expires_at = ?3, lease_ms = ?4`,
        )
        .run(name, owner, now + leaseMs, leaseMs);
      return { acquired: true, lease: { name, owner } };
    }, options);
  }

  async renewLease(
    lease: Lease,
    request: { readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#write(() => {
      const now = this.#clock.now();
      const { changes } = this.#database
        .statement(
          `UPDATE leases SET expires_at = ?, lease_ms = ?
           WHERE name = ? AND owner = ? AND expires_at > ?`,
        )
        .run(now + request.leaseMs, request.leaseMs, lease.name, lease.owner, now);
      return changes === 1;
    }, options);
  }

  async releaseLease(lease: Lease, options: CallOptions = {}): Promise<void> {
    await this.#write(() => {
      this.#database
        .statement("DELETE FROM leases WHERE name = ? AND owner = ?")
        .run(lease.name, lease.owner);
    }, options);
  }

  async leaseRemainingMs(name: string, options: CallOptions = {}): Promise<number | undefined> {
    const held = await this.#read(() => this.#lease(name), options);
    const remainingMs = heldMs(held, this.#clock.now());
    if (held === undefined || remainingMs === undefined || remainingMs <= held.lease_ms) {
      return remainingMs;
    }
    return this.#write(() => this.#curtailedMs(name), options);
  }

  async ping(options: CallOptions = {}): Promise<void> {
    try {
      await this.#database.probe(options.signal);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  /** One damaged document must not take a whole listing with it. */
  #readable<D extends RpDocument>(
    row: KeyRow & BodyRow,
    { logIds }: CallOptions,
  ): Stored<D> | undefined {
    try {
      return storedFrom<D>(row);
    } catch (cause) {
      this.#onUnreadable(keyFrom(row), cause, logIds);
      return undefined;
    }
  }

  #lease(name: string): LeaseRow | undefined {
    return this.#database
      .statement("SELECT owner, expires_at, lease_ms FROM leases WHERE name = ?")
      .get(name) as LeaseRow | undefined;
  }

  /**
   * How much longer somebody holds it. A lease that would last longer than it was granted for was granted before the clock
   * was set back: from now on it counts anew. A live holder renews it meanwhile, a dead one's runs out.
   */
  #curtailedMs(name: string): number | undefined {
    const now = this.#clock.now();
    const held = this.#lease(name);
    const remainingMs = heldMs(held, now);
    if (held === undefined || remainingMs === undefined || remainingMs <= held.lease_ms) {
      return remainingMs;
    }
    this.#database
      .statement("UPDATE leases SET expires_at = ? WHERE name = ?")
      .run(now + held.lease_ms, name);
    return held.lease_ms;
  }

  /**
   * @returns the new ETag; `undefined` for a delete.
   * @throws {StoreConflictError}
   */
  #apply(step: Step, now: EpochMs, transaction: SqliteTransaction): string | undefined {
    const { key, row, replaces } = step;
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
      this.#database
        .statement(
          `INSERT INTO documents (etag, expires_at, active, unqueued, operation_id,
             next_attempt_at, sweep_after, sweeps, body, partition, id, kind)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (partition, id) DO NOTHING`,
        )
        .run(etag, ...columnsOf(row), ...keyColumnsOf(row.key)).changes === 1;
    if (insert()) return;
    // what has expired is in nobody's way
    this.#database
      .statement("DELETE FROM documents WHERE partition = ? AND id = ? AND expires_at <= ?")
      .run(row.key.partition, row.key.id, now);
    if (!insert()) throw new StoreConflictError(`${row.key.id} exists already`);
  }

  #replace(
    row: DocumentRow,
    condition: { readonly etag: string; readonly replaces: ETag; readonly now: EpochMs },
  ): void {
    const { changes } = this.#database
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
    const { changes } = this.#database
      .statement(
        `DELETE FROM documents WHERE partition = ? AND id = ? AND kind = ? AND etag = ?
           AND (expires_at IS NULL OR expires_at > ?)`,
      )
      .run(...keyColumnsOf(key), etag ?? null, now);
    if (changes !== 1) throw new StoreConflictError(`${key.id} has changed or is gone`);
  }

  /** Expired rows are as good as absent; this only gives their room back, a few at a time. */
  #clearExpired(now: EpochMs): void {
    // seldom is there any, and two deletions of nothing cost ten times as much
    if (this.#database.statement(anyExpiredSql).get(now) === undefined) return;
    this.#database
      .statement(
        `DELETE FROM documents WHERE row_id IN
           (SELECT row_id FROM documents WHERE expires_at <= ? LIMIT ${clearedPerCommit})`,
      )
      .run(now);
    this.#database
      .statement(
        `DELETE FROM leases WHERE name IN
           (SELECT name FROM leases WHERE expires_at <= ? LIMIT ${clearedPerCommit})`,
      )
      .run(now);
  }

  async #read<T>(read: () => T, { signal }: CallOptions): Promise<T> {
    try {
      return await this.#database.read(read, signal);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async #write<T>(
    write: (transaction: SqliteTransaction) => T,
    { signal }: CallOptions,
    bytes = 0,
  ): Promise<T> {
    try {
      return await this.#database.write(write, { bytes, signal });
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

interface KeyRow {
  readonly partition: string;
  readonly id: string;
}

interface BodyRow {
  readonly etag: string;
  readonly body: string;
}

interface RunningRow extends KeyRow {
  readonly operation_kind: unknown;
  readonly state: unknown;
  readonly started_at: unknown;
}

interface ReferenceRow extends KeyRow {
  readonly etag: string;
  readonly operation_id: string | null;
  /** JSON, or a value that is no object. */
  readonly operation: unknown;
  readonly next_attempt_at: number;
  readonly sweeps: number;
}

interface SecretsRow extends KeyRow {
  readonly kind: SecretsReference["kind"];
  /** Whatever stands there. */
  readonly key_id: unknown;
}

interface LeaseRow {
  readonly owner: string;
  readonly expires_at: EpochMs;
  readonly lease_ms: number;
}

interface DocumentKeyOfKind extends DocumentKey {
  readonly kind: DocumentKind;
}

/** A document as it is stored. */
interface DocumentRow {
  readonly key: DocumentKeyOfKind;
  readonly body: string;
  readonly bytes: number;
  readonly expiresAt: EpochMs | null;
  readonly scheduling: SchedulingColumns | undefined;
}

/** One write, checked: a create has only a row, a delete only what it replaces, a replace both. */
interface Step {
  readonly key: DocumentKeyOfKind;
  readonly row: DocumentRow | undefined;
  readonly replaces: ETag | undefined;
}

/** @throws {TypeError} when a document is not where the caller says. */
function stepOf(partition: string, write: Write): Step {
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
function textOf({ body }: DocumentRow): RpDocument {
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

/** @throws {TypeError} when the text is damaged. */
function storedFrom<D extends RpDocument>({ etag, body }: BodyRow): Stored<D> {
  const document = parsed(body);
  if (typeof document !== "object" || document === null) throw new TypeError("it is no object");
  return { document: document as D, etag: etag as ETag };
}

/** The parser's own errors quote what they read, which the log must not show. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new TypeError("it is no JSON");
  }
}

function keyFrom({ partition, id }: KeyRow): DocumentKey {
  return { partition, id };
}

/** How much longer a lease is held by what its row says; `undefined` when it isn't. */
function heldMs(held: LeaseRow | undefined, now: EpochMs): number | undefined {
  return held === undefined || held.expires_at <= now ? undefined : held.expires_at - now;
}

/** `undefined` when there is no operation that a message could name. */
function referenceFrom(row: ReferenceRow): ClusterReference | undefined {
  if (row.operation_id === null) return undefined;
  return {
    key: keyFrom(row),
    etag: row.etag as ETag,
    operationId: row.operation_id,
    origin: originFrom(row.operation),
    nextAttemptAt: row.next_attempt_at,
    sweeps: row.sweeps,
  };
}

function originFrom(operation: unknown): OperationOrigin {
  if (typeof operation !== "string") return {};
  try {
    return originOf(JSON.parse(operation));
  } catch {
    // a text that is no object's
    return {};
  }
}

/** In the order of SQLite every BLOB stands after every text. */
const behindAllTexts = new Uint8Array(0);

/**
 * The text before which all texts with this prefix stand and no other from it on, in the order of UTF-8 (which is that
 * of code points); `undefined` when there is none.
 */
function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // surrogates are no characters of their own
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

/** Makes a page of one row more than asked for; rows without an item are left out. */
function pageOf<R, T>(
  listing: string,
  rows: readonly R[],
  { limit }: PageRequest,
  of: {
    readonly place: (row: R) => readonly (string | number)[];
    readonly item: (row: R) => T | undefined;
  },
): Page<T> {
  const items = rows.slice(0, limit).flatMap((row) => of.item(row) ?? []);
  const last = rows[limit - 1];
  if (rows.length <= limit || last === undefined) return { items };
  return { items, continuation: continuationAt(listing, of.place(last)) };
}

function asStoreError(error: unknown): unknown {
  if (error instanceof SqliteUnavailableError) {
    return new StoreUnavailableError(error.message, { cause: error });
  }
  if (error instanceof SqliteOutcomeUnknownError) {
    return new StoreOutcomeUnknownError(error.message, { cause: error });
  }
  return error;
}
