/**
 * The store on the embedded database. Documents are JSON text beside a few columns that the listings need; no listing
 * of the forwarder parses a body, so that neither a secret nor a document it can't read is in its way.
 */
import { standingOf } from "../model/clusterStanding.ts";
import {
  listedCluster,
  type ClusterDocument,
  type DocumentKind,
  type DocumentOfKind,
  type ListedCluster,
  type RpDocument,
  type SubscriptionDocument,
} from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { Clock } from "../runtime/clock.ts";
import { committed } from "./committed.ts";
import { continuationAt, placeOf } from "./continuation.ts";
import { runningOperationFrom } from "./scheduling.ts";
import { SqliteCalls } from "./sqliteCalls.ts";
import type { SqliteDatabase } from "./sqliteDatabase.ts";
import { SqliteLeases } from "./sqliteLeases.ts";
import {
  notSealedBySql,
  purgesSql,
  runningSql,
  unattendedSql,
  unqueuedSql,
  unsettledOfPartitionSql,
  unsettledSql,
} from "./sqliteQueries.ts";
import {
  keyFrom,
  referenceFrom,
  storedFrom,
  type BodyRow,
  type KeyRow,
  type ReferenceRow,
  type RunningRow,
  type SecretsRow,
} from "./sqliteRows.ts";
import { SqliteWrites, checkedWrite, documentOf } from "./sqliteWrite.ts";
import {
  commitBytesMax,
  DocumentUnreadableError,
  StoreConflictError,
  writesMax,
  type CallOptions,
  type ClusterReference,
  type Committed,
  type DueQuery,
  type ETag,
  type Lease,
  type LeaseAttempt,
  type OnUnreadable,
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
} from "./store.ts";

export interface SqliteStoreOptions {
  readonly database: SqliteDatabase;
  /** The store's clock: leases and expiry go by it. All processes on the file share the machine's. */
  readonly clock: Clock;
  /** Told of a document whose text is damaged, when a listing leaves it out or its scheduling is updated. */
  readonly onUnreadable?: OnUnreadable;
}

export class SqliteStore implements Store {
  readonly #calls: SqliteCalls;
  readonly #writes: SqliteWrites;
  readonly #leases: SqliteLeases;
  readonly #clock: Clock;
  readonly #onUnreadable: OnUnreadable;

  constructor({ database, clock, onUnreadable = () => {} }: SqliteStoreOptions) {
    this.#calls = new SqliteCalls(database);
    this.#writes = new SqliteWrites(this.#calls);
    this.#leases = new SqliteLeases({ calls: this.#calls, clock });
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
    const row = await this.#calls.read(
      () =>
        this.#calls
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
    const checked = writes.map((write) => checkedWrite(partition, write));
    const bytes = checked.reduce((sum, { row }) => sum + (row?.bytes ?? 0), 0);
    if (bytes > commitBytesMax) {
      throw new RangeError(`${bytes} bytes in one commit; ${commitBytesMax} is the most`);
    }
    const etags = await this.#calls.write(
      (transaction) => {
        const now = this.#clock.now();
        const written = checked.map((write) => this.#writes.apply(write, now, transaction));
        this.#writes.clearExpired(now);
        return written;
      },
      options,
      bytes,
    );
    const results = checked.map(({ row }, index) =>
      row === undefined ? undefined : committed(etags[index] as ETag, () => documentOf(row)),
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
          .statement(unqueuedSql)
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
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
    const rows = await this.#calls.read(
      () =>
        this.#calls
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
    await this.#calls.write((transaction) => {
      const row = this.#calls
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
      this.#calls
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
    return this.#leases.acquire(request, options);
  }

  async renewLease(
    lease: Lease,
    request: { readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#leases.renew(lease, request, options);
  }

  async releaseLease(lease: Lease, options: CallOptions = {}): Promise<void> {
    await this.#leases.release(lease, options);
  }

  async leaseRemainingMs(name: string, options: CallOptions = {}): Promise<number | undefined> {
    return this.#leases.remainingMs(name, options);
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#calls.probe(options);
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
