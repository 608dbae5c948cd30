/**
 * The store in plain memory, for the simulation: it keeps every promise of the port (the same suite runs on it as on the real
 * engines), at once and on any clock. It must never be faster to forgive than they are, and it keeps nothing: it is no engine
 * for users.
 *
 * Whatever is stored is frozen, so a caller that changes a document in place breaks.
 */
import {
  listedCluster,
  type ClusterDocument,
  type DocumentKind,
  type DocumentOfKind,
  type EpochMs,
  type ListedCluster,
  type RpDocument,
  type SubscriptionDocument,
} from "../../src/model/document.ts";
import { originOf } from "../../src/model/operationOrigin.ts";
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { DocumentKey } from "../../src/model/resourceId.ts";
import { standingOf } from "../../src/model/clusterStanding.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import {
  commitBytesMax,
  InvalidContinuationError,
  StoreConflictError,
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
} from "../../src/store/store.ts";

/** A document before and after a write that was made; absent where there was or is none. */
export interface Change {
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
}

export interface MemoryStoreOptions {
  /** The store's clock: leases and expiry go by it. */
  readonly clock: Pick<Clock, "now">;
  /** Told of all writes of one commit, once they are made. */
  readonly onCommit?: (changes: readonly Change[]) => void;
}

interface HeldLease {
  readonly owner: string;
  expiresAt: EpochMs;
  readonly leaseMs: number;
}

/** A document's scheduling, as the columns of a database would hold it. */
interface Columns {
  active: boolean;
  unqueued: boolean;
  readonly operationId: string | undefined;
  readonly nextAttemptAt: EpochMs;
  sweepAfter: EpochMs;
  sweeps: number;
}

interface Row {
  readonly key: DocumentKey;
  readonly kind: DocumentKind;
  stored: Stored;
  readonly expiresAt: EpochMs | undefined;
  readonly columns: Columns | undefined;
}

export class MemoryStore implements Store {
  readonly #clock: Pick<Clock, "now">;
  readonly #onCommit: (changes: readonly Change[]) => void;
  readonly #rows = new Map<string, Row>();
  /** As the partial indexes of the real ones: what the forwarder lists costs nothing for clusters at rest. */
  readonly #scheduled = new Map<string, Row>();
  readonly #subscriptions = new Map<string, Row>();
  readonly #leases = new Map<string, HeldLease>();
  #lastEtag = 0;

  constructor({ clock, onCommit = () => {} }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#onCommit = onCommit;
  }

  /** Every document that has not expired. */
  get documents(): readonly RpDocument[] {
    return [...this.#rows.values()].flatMap((row) =>
      this.#isExpired(row) ? [] : [row.stored.document],
    );
  }

  /** The names of all leases that are held. */
  get leases(): readonly string[] {
    return [...this.#leases.keys()].filter((name) => this.#remainingMs(name) !== undefined);
  }

  async read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options: CallOptions = {},
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    options.signal?.throwIfAborted();
    const row = this.#row(key);
    return row?.kind === kind ? (row.stored as Stored<DocumentOfKind<K>>) : undefined;
  }

  async commit<const W extends readonly Write[]>(
    partition: string,
    writes: W,
    options: CallOptions = {},
  ): Promise<Committed<W>> {
    options.signal?.throwIfAborted();
    if (writes.length > writesMax) throw new RangeError(`${writes.length} writes in one commit`);
    const steps = writes.map((write) => stepOf(partition, write));
    const bytes = steps.reduce((sum, { text = "" }) => sum + Buffer.byteLength(text), 0);
    if (bytes > commitBytesMax) throw new RangeError(`${bytes} bytes in one commit`);
    const undo: (() => void)[] = [];
    const changes: Change[] = [];
    try {
      for (const step of steps) changes.push(this.#apply(step, undo));
    } catch (error) {
      for (const back of undo.toReversed()) back();
      throw error;
    }
    this.#onCommit(changes);
    return changes.map(({ after }) => after) as Committed<W>;
  }

  async listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ListedCluster>> {
    const { partition, idPrefix = "" } = query;
    const rows = this.#all("cluster").filter(
      ({ key }) => key.partition === partition && key.id.startsWith(idPrefix),
    );
    return pageOf("clusters", rows, page, options, {
      place: ({ key }) => [key.id],
      item: ({ stored }) => listedCluster(stored.document as ClusterDocument),
    });
  }

  async listUnqueued(
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    const rows = this.#inIndex(this.#scheduled).filter(({ columns }) => columns?.unqueued === true);
    return pageOf("unqueued", rows, page, options, {
      place: ({ key }) => [key.partition, key.id],
      item: referenceOf,
    });
  }

  async listUnattended(
    { now, farthest }: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    const isDue = (time: EpochMs): boolean => time < now || time > farthest;
    const rows = this.#inIndex(this.#scheduled).filter(
      ({ columns }) =>
        columns?.active === true &&
        !columns.unqueued &&
        isDue(columns.nextAttemptAt) &&
        isDue(columns.sweepAfter),
    );
    return pageOf("unattended", rows, page, options, {
      place: ({ key, columns }) => [
        Math.max(columns?.nextAttemptAt ?? 0, columns?.sweepAfter ?? 0),
        key.partition,
        key.id,
      ],
      item: referenceOf,
    });
  }

  async listRunning(page: PageRequest, options: CallOptions = {}): Promise<Page<RunningOperation>> {
    const rows = this.#inIndex(this.#scheduled).filter(({ columns }) => columns?.active === true);
    return pageOf("running", rows, page, options, {
      place: ({ key }) => [key.partition, key.id],
      item: ({ stored }) => runningOf(stored.document as ClusterDocument),
    });
  }

  async listPurges(
    { now, farthest }: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    const rows = this.#inIndex(this.#subscriptions).filter(
      ({ columns }) =>
        columns !== undefined && (columns.nextAttemptAt < now || columns.nextAttemptAt > farthest),
    );
    return pageOf("purges", rows, page, options, {
      place: ({ key, columns }) => [columns?.nextAttemptAt ?? 0, key.partition],
      item: ({ stored }) => stored as Stored<SubscriptionDocument>,
    });
  }

  async listUnsettled(
    { partition, state }: UnsettledQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<UnsettledCluster>> {
    const rows = this.#all("cluster").filter(({ key, columns, stored }) => {
      const { provisioningState } = stored.document as ClusterDocument;
      const isUnsettled =
        columns?.active === true || ["Failed", "Canceled"].includes(provisioningState);
      return (
        isUnsettled &&
        (partition ?? key.partition) === key.partition &&
        (state ?? provisioningState) === provisioningState
      );
    });
    return pageOf("unsettled", rows, page, options, {
      place: ({ key }) => [key.partition, key.id],
      item: ({ key, stored }) => {
        const standing = standingOf(stored.document);
        return { key, ...(standing === undefined ? {} : { standing }) };
      },
    });
  }

  async listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<SecretsReference>> {
    const rows = [...this.#all("cluster"), ...this.#all("key")].filter(
      ({ stored }) => "secrets" in stored.document && sealedBy(stored.document) !== keyId,
    );
    return pageOf("secrets", rows, page, options, {
      place: ({ key }) => [key.partition, key.id],
      item: ({ key, kind, stored }) => {
        const named = sealedBy(stored.document);
        return {
          kind: kind as SecretsReference["kind"],
          key,
          ...(named === undefined ? {} : { keyId: named }),
        };
      },
    });
  }

  async updateScheduling(
    reference: ClusterReference,
    scheduling: Scheduling,
    options: CallOptions = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const row = this.#row(reference.key);
    if (row?.stored.etag !== reference.etag || row.columns === undefined) {
      throw new StoreConflictError(`${reference.key.id} has changed or is gone`);
    }
    const { unqueued, sweepAfter, sweeps } = scheduling;
    const before = row.stored;
    const document = Object.freeze({ ...before.document, unqueued, sweepAfter, sweeps });
    row.stored = this.#stored(document);
    Object.assign(row.columns, { unqueued, sweepAfter, sweeps });
    this.#index(nameOf(reference.key), row);
    this.#onCommit([{ before, after: row.stored }]);
  }

  async acquireLease(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<LeaseAttempt> {
    options.signal?.throwIfAborted();
    const { name, owner, leaseMs } = request;
    const remainingMs = this.#remainingMs(name);
    if (remainingMs !== undefined && this.#leases.get(name)?.owner !== owner) {
      return { acquired: false, remainingMs };
    }
    this.#leases.set(name, { owner, expiresAt: this.#clock.now() + leaseMs, leaseMs });
    return { acquired: true, lease: { name, owner } };
  }

  async renewLease(
    { name, owner }: Lease,
    { leaseMs }: { readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<boolean> {
    options.signal?.throwIfAborted();
    const held = this.#leases.get(name);
    if (held?.owner !== owner || held.expiresAt <= this.#clock.now()) return false;
    this.#leases.set(name, { owner, expiresAt: this.#clock.now() + leaseMs, leaseMs });
    return true;
  }

  async releaseLease({ name, owner }: Lease, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#leases.get(name)?.owner === owner) this.#leases.delete(name);
  }

  async leaseRemainingMs(name: string, options: CallOptions = {}): Promise<number | undefined> {
    options.signal?.throwIfAborted();
    return this.#remainingMs(name);
  }

  async ping(options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
  }

  /** A lease that would last longer than it was granted for was granted before the clock was set back: it counts anew. */
  #remainingMs(name: string): number | undefined {
    const held = this.#leases.get(name);
    const now = this.#clock.now();
    if (held === undefined || held.expiresAt <= now) return undefined;
    held.expiresAt = Math.min(held.expiresAt, now + held.leaseMs);
    return held.expiresAt - now;
  }

  #isExpired({ expiresAt }: Row): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now();
  }

  #row(key: DocumentKey): Row | undefined {
    const row = this.#rows.get(nameOf(key));
    return row === undefined || this.#isExpired(row) ? undefined : row;
  }

  #all(kind: DocumentKind): readonly Row[] {
    const rows: Row[] = [];
    for (const row of this.#rows.values()) {
      if (row.kind === kind && !this.#isExpired(row)) rows.push(row);
    }
    return rows;
  }

  #stored(document: RpDocument): Stored {
    this.#lastEtag += 1;
    return { document, etag: String(this.#lastEtag) as ETag };
  }

  /** @throws {StoreConflictError} */
  #apply(step: Step, undo: (() => void)[]): Change {
    const { key, kind, text, replaces } = step;
    const name = nameOf(key);
    const row = this.#row(key);
    if (replaces === undefined ? row !== undefined : !isThat(row, kind, replaces)) {
      throw new StoreConflictError(`${key.id} has changed, is there already or is gone`);
    }
    const former = this.#rows.get(name);
    undo.push(() => this.#put(name, former));
    const before = row?.stored;
    if (text === undefined) {
      this.#put(name, undefined);
      return { before, after: undefined };
    }
    const document = frozen(JSON.parse(text)) as RpDocument;
    const after = this.#stored(document);
    this.#put(name, {
      key,
      kind,
      stored: after,
      expiresAt: kind === "operation" ? numberOr(document, "expiresAt", undefined) : undefined,
      columns: columnsOf(kind, document),
    });
    return { before, after };
  }

  #put(name: string, row: Row | undefined): void {
    if (row === undefined) this.#rows.delete(name);
    else this.#rows.set(name, row);
    this.#index(name, row);
  }

  #index(name: string, row: Row | undefined): void {
    const { kind, columns } = row ?? {};
    const isScheduled = kind === "cluster" && (columns?.active === true || columns?.unqueued);
    keep(this.#scheduled, name, isScheduled === true ? row : undefined);
    keep(this.#subscriptions, name, kind === "subscription" ? row : undefined);
  }

  #inIndex(index: ReadonlyMap<string, Row>): readonly Row[] {
    return [...index.values()].filter((row) => !this.#isExpired(row));
  }
}

function keep(index: Map<string, Row>, name: string, row: Row | undefined): void {
  if (row === undefined) index.delete(name);
  else index.set(name, row);
}

function nameOf({ partition, id }: DocumentKey): string {
  return `${partition} ${id}`;
}

function isThat(row: Row | undefined, kind: DocumentKind, etag: ETag): boolean {
  return row?.kind === kind && row.stored.etag === etag;
}

/** One write, checked. */
interface Step {
  readonly key: DocumentKey;
  readonly kind: DocumentKind;
  /** Absent for a delete. */
  readonly text?: string;
  /** Absent for a create. */
  readonly replaces?: ETag;
}

/** @throws {TypeError} when a document is not where the caller says. */
function stepOf(partition: string, write: Write): Step {
  const document =
    "create" in write ? write.create : "delete" in write ? write.delete.document : write.document;
  const former = "replace" in write ? write.replace.document : document;
  for (const { subscriptionId, id, kind } of [document, former]) {
    if (subscriptionId !== partition || id !== document.id || kind !== document.kind) {
      throw new TypeError(`${id} doesn't belong to ${partition}, or to what it replaces`);
    }
  }
  return {
    key: { partition, id: document.id },
    kind: document.kind,
    ...("delete" in write ? {} : { text: JSON.stringify(document) }),
    ...("create" in write
      ? {}
      : { replaces: "delete" in write ? write.delete.etag : write.replace.etag }),
  };
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) frozen(member);
    Object.freeze(value);
  }
  return value;
}

function numberOr<T>(value: unknown, name: string, otherwise: T): number | T {
  const member: unknown =
    typeof value === "object" && value !== null && Object.hasOwn(value, name)
      ? value[name as keyof typeof value]
      : undefined;
  return typeof member === "number" ? member : otherwise;
}

/** The key that a document's secrets say they are sealed by. */
function sealedBy(document: RpDocument): string | undefined {
  const { secrets } = document as { readonly secrets?: { readonly keyId?: unknown } | null };
  return typeof secrets?.keyId === "string" ? secrets.keyId : undefined;
}

function columnsOf(kind: DocumentKind, document: RpDocument): Columns | undefined {
  if (kind === "cluster") {
    const cluster = document as ClusterDocument;
    const id: unknown = (cluster.operation as { readonly id?: unknown } | undefined)?.id;
    return {
      active: !isTerminal(cluster.provisioningState),
      unqueued: cluster.unqueued,
      operationId: typeof id === "string" ? id : undefined,
      nextAttemptAt: numberOr(cluster, "nextAttemptAt", 0),
      sweepAfter: numberOr(cluster, "sweepAfter", 0),
      sweeps: numberOr(cluster, "sweeps", 0),
    };
  }
  if (kind !== "subscription") return undefined;
  const { purge } = document as SubscriptionDocument;
  if (purge === undefined) return undefined;
  return {
    active: true,
    unqueued: false,
    operationId: undefined,
    nextAttemptAt: numberOr(purge, "nextAttemptAt", 0),
    sweepAfter: 0,
    sweeps: 0,
  };
}

function referenceOf({ key, stored, columns }: Row): ClusterReference | undefined {
  if (columns?.operationId === undefined) return undefined;
  const { operationId, nextAttemptAt, sweeps } = columns;
  const origin = originOf((stored.document as ClusterDocument).operation);
  return { key, etag: stored.etag, operationId, origin, nextAttemptAt, sweeps };
}

function runningOf({ operation, provisioningState }: ClusterDocument): RunningOperation {
  const { kind, startedAt } = (operation as Partial<typeof operation> | undefined) ?? {};
  return {
    ...(typeof kind === "string" ? { kind } : {}),
    ...(typeof provisioningState === "string" ? { state: provisioningState } : {}),
    ...(typeof startedAt === "number" ? { startedAt } : {}),
  };
}

type Place = readonly (string | number)[];

/** In the order of UTF-8, as databases have it. */
function compare(one: Place, other: Place): number {
  for (const [index, part] of one.entries()) {
    const counterpart = other[index];
    const order =
      typeof part === "number"
        ? part - Number(counterpart)
        : compareTexts(part, String(counterpart));
    if (order !== 0) return order;
  }
  return 0;
}

const ascii = /^\p{ASCII}*$/u;

function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  // the same order, without a copy of either
  if (ascii.test(one) && ascii.test(other)) return one < other ? -1 : 1;
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/**
 * @throws {InvalidContinuationError}
 * @throws {RangeError}
 */
function pageOf<T>(
  listing: string,
  rows: readonly Row[],
  { limit, continuation }: PageRequest,
  { signal }: CallOptions,
  of: { readonly place: (row: Row) => Place; readonly item: (row: Row) => T | undefined },
): Page<T> {
  signal?.throwIfAborted();
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a page of ${limit}`);
  const after = continuation === undefined ? undefined : placeIn(listing, continuation);
  const places = rows
    .map((row) => ({ row, place: of.place(row) }))
    .filter(({ place }) => after === undefined || compare(place, after) > 0)
    .toSorted((one, other) => compare(one.place, other.place));
  const items = places.slice(0, limit).flatMap(({ row }) => of.item(row) ?? []);
  const last = places[limit - 1];
  if (places.length <= limit || last === undefined) return { items };
  return { items, continuation: JSON.stringify([listing, ...last.place]) };
}

function placeIn(listing: string, continuation: string): Place {
  let decoded: unknown;
  try {
    decoded = JSON.parse(continuation);
  } catch {
    // not ours
  }
  if (Array.isArray(decoded) && decoded[0] === listing) return decoded.slice(1) as Place;
  throw new InvalidContinuationError("the continuation is none of this listing's");
}
