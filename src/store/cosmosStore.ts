/**
 * The store on Cosmos DB. A cluster, its operations and its subscription lie in one partition, so that one transactional
 * batch commits them together; a GET is a point read. It must never upsert: the service takes no notice of an upsert's
 * If-Match when the item is absent, and so would bring a deleted document back.
 *
 * It rests on an account with Strong consistency and one region that takes writes (`openCosmos` checks that). The ETags are
 * the service's own: new with every write, and never used again.
 */
import type { Container, FeedOptions, SqlQuerySpec } from "@azure/cosmos";
import {
  attemptLimitMs,
  callLimitMs,
  CosmosCalls,
  unavailable,
  type Charge,
} from "./cosmosCalls.ts";
import { assertETag, operationOf, patchOf, checkedWrite } from "./cosmosBatch.ts";
import type { CosmosConnection } from "./cosmosConnection.ts";
import { CosmosDocuments } from "./cosmosDocuments.ts";
import { CosmosFailure } from "./cosmosFailure.ts";
import {
  isPossibleKey,
  listedFrom,
  prepareItem,
  storedFrom,
  type CosmosItemRead,
  type ListedClusterRow,
} from "./cosmosItems.ts";
import { CosmosLeases } from "./cosmosLeases.ts";
import { continuationAt, invalidContinuation, placeOf } from "./continuation.ts";
import { standingOf } from "../model/clusterStanding.ts";
import {
  clustersQuery,
  notSealedByQuery,
  purgesQuery,
  runningQuery,
  unattendedQuery,
  unqueuedQuery,
  unsettledQuery,
} from "./cosmosQueries.ts";
import { carryOut, type Standing } from "./cosmosWrite.ts";
import { runningOperationFrom, type SchedulingColumns } from "./scheduling.ts";
import {
  commitBytesMax,
  DocumentUnreadableError,
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
import type {
  DocumentKind,
  DocumentOfKind,
  ListedCluster,
  SubscriptionDocument,
} from "../model/document.ts";
import { providerPartition } from "../model/document.ts";
import { originOf } from "../model/operationOrigin.ts";
import type { LogIds } from "../model/logIds.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids, Random } from "../runtime/ids.ts";

/** With less time left than that a scan of all partitions gives back an empty page rather than beginning another. */
const scanReserveMs = callLimitMs - attemptLimitMs;
/** How long the service keeps what a ping wrote. */
const pingSeconds = 60;

export interface CosmosStoreOptions {
  readonly connection: CosmosConnection;
  /** Of this process: for limits and pauses. The store's own clock is the service's. */
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  /** Told what each call has cost and whom it was made for, once for each that made a request; it must not throw. */
  readonly onCharge?: (charge: Charge, logIds: LogIds | undefined) => void;
  /** Told of each request that is made again, and why; it must not throw. */
  readonly onRetry?: (reason: "putOff" | "unanswered") => void;
  /** Told of a damaged document, when a listing leaves it out or its scheduling is updated. */
  readonly onUnreadable?: OnUnreadable;
}

export class CosmosStore implements Store {
  readonly #container: Container;
  readonly #documents: CosmosDocuments;
  readonly #leases: CosmosLeases;
  readonly #calls: CosmosCalls;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #onUnreadable: OnUnreadable;

  constructor(options: CosmosStoreOptions) {
    const { connection, clock, ids, random, onCharge, onRetry, onUnreadable = () => {} } = options;
    this.#container = connection.documents;
    this.#documents = new CosmosDocuments(connection.documents);
    this.#calls = new CosmosCalls({
      clock,
      random,
      ...(onCharge === undefined ? {} : { onCharge }),
      ...(onRetry === undefined ? {} : { onRetry }),
    });
    this.#leases = new CosmosLeases({ container: connection.leases, calls: this.#calls, clock });
    this.#clock = clock;
    this.#ids = ids;
    this.#onUnreadable = onUnreadable;
  }

  async read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options: CallOptions = {},
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    if (!isPossibleKey(key.partition, key.id)) return undefined;
    const item = await this.#calls.run("read", options, async (call) =>
      this.#documents.readItem(call, key.partition, key.id),
    );
    if (item?.kind !== kind) return undefined;
    try {
      return storedFrom<DocumentOfKind<K>>(item);
    } catch (cause) {
      throw new DocumentUnreadableError(
        `the item of the ${kind} ${JSON.stringify(key)} is damaged`,
        {
          cause,
        },
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
    const writeId = this.#ids.guid();
    const now = this.#clock.now();
    const checked = writes.map((write) =>
      checkedWrite(partition, write, (document) => prepareItem(document, writeId, now)),
    );
    const bytes = checked.reduce((sum, { prepared }) => sum + (prepared?.bytes ?? 0), 0);
    if (bytes > commitBytesMax) {
      throw new RangeError(`${bytes} bytes in one commit; ${commitBytesMax} is the most`);
    }
    const etags = await this.#calls.run("commit", options, async (call) =>
      checked.length === 0
        ? []
        : carryOut(call, {
            subject: checked.map(({ id }) => id).join(", "),
            send: async () => this.#documents.sendBatch(call, partition, checked.map(operationOf)),
            look: async () => this.#documents.look(call, { partition, targets: checked, writeId }),
          }),
    );
    const committed = checked.map(({ prepared }, index) =>
      prepared === undefined ? undefined : { document: prepared.document, etag: etags[index] },
    );
    return committed as Committed<W>;
  }

  async listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ListedCluster>> {
    const { partition, idPrefix = "" } = query;
    const [after] = placeOf("clusters", page, ["string"]) ?? [""];
    if (!partition.isWellFormed() || !idPrefix.isWellFormed()) return { items: [] };
    const { rows, continuation } = await this.#query<ListedClusterRow>("listClusters", options, {
      text: clustersQuery,
      parameters: { "@partition": partition, "@prefix": idPrefix, "@after": after },
      feed: { partitionKey: partition, maxItemCount: page.limit },
    });
    const items = rows.flatMap(
      (row) => this.#readable({ partition, row, options }, listedFrom) ?? [],
    );
    const last = rows.at(-1);
    if (continuation === undefined || last === undefined) return { items };
    // not the service's own, so that it names a place in the order of ids whatever becomes of them
    return { items, continuation: continuationAt("clusters", [last.id]) };
  }

  async listUnqueued(
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    const [from] = placeOf("unqueued", page, ["string"]) ?? [];
    const { rows, continuation } = await this.#query<ScheduledItem>("listUnqueued", options, {
      text: unqueuedQuery,
      parameters: {},
      feed: { maxItemCount: page.limit, ...startingAt(from) },
    });
    const items = rows.flatMap((row) => referenceFrom(row) ?? []);
    return pageOf(items, continuation && continuationAt("unqueued", [continuation]));
  }

  async listUnattended(
    query: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    return this.#listDue("unattended", query, page, async (asked, feed) => {
      const { rows, continuation } = await this.#query<ScheduledItem>("listUnattended", options, {
        text: unattendedQuery,
        parameters: asked,
        feed,
      });
      return { items: rows.flatMap((row) => referenceFrom(row) ?? []), continuation };
    });
  }

  async listRunning(page: PageRequest, options: CallOptions = {}): Promise<Page<RunningOperation>> {
    const [from] = placeOf("running", page, ["string"]) ?? [];
    const { rows, continuation } = await this.#query<object>("listRunning", options, {
      text: runningQuery,
      parameters: {},
      feed: { maxItemCount: page.limit, ...startingAt(from) },
    });
    const items = rows.map(runningOperationFrom);
    return pageOf(items, continuation && continuationAt("running", [continuation]));
  }

  async listPurges(
    query: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    return this.#listDue("purges", query, page, async (asked, feed) => {
      const { rows, continuation } = await this.#query<ListedItem & PartitionedItem>(
        "listPurges",
        options,
        { text: purgesQuery, parameters: asked, feed },
      );
      const items = rows.flatMap(
        (row) =>
          this.#readable(
            { partition: row.subscriptionId, row, options },
            storedFrom<SubscriptionDocument>,
          ) ?? [],
      );
      return { items, continuation };
    });
  }

  async listUnsettled(
    { partition, state }: UnsettledQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<UnsettledCluster>> {
    const [from] = placeOf("unsettled", page, ["string"]) ?? [];
    if (partition?.isWellFormed() === false) return { items: [] };
    const { rows, continuation } = await this.#query<{ id: string } & PartitionedItem>(
      "listUnsettled",
      options,
      {
        text: unsettledQuery({
          toPartition: partition !== undefined,
          toState: state !== undefined,
        }),
        parameters: {
          ...(partition === undefined ? {} : { "@partition": partition }),
          ...(state === undefined ? {} : { "@state": state }),
        },
        feed: {
          maxItemCount: page.limit,
          ...(partition === undefined ? {} : { partitionKey: partition }),
          ...startingAt(from),
        },
      },
    );
    const items = rows.map((row) => {
      const standing = standingOf(row);
      return {
        key: { partition: row.subscriptionId, id: row.id },
        ...(standing === undefined ? {} : { standing }),
      };
    });
    return pageOf(items, continuation && continuationAt("unsettled", [continuation]));
  }

  async listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<SecretsReference>> {
    const [from] = placeOf("secrets", page, ["string"]) ?? [];
    const { rows, continuation } = await this.#query<SecretsItem>("listNotSealedBy", options, {
      text: notSealedByQuery,
      parameters: { "@keyId": keyId },
      feed: { maxItemCount: page.limit, ...startingAt(from) },
    });
    const items = rows.map(({ id, subscriptionId, kind, keyId: named }) => ({
      kind,
      key: { partition: subscriptionId, id },
      ...(typeof named === "string" ? { keyId: named } : {}),
    }));
    return pageOf(items, continuation && continuationAt("secrets", [continuation]));
  }

  async updateScheduling(
    { key, etag }: ClusterReference,
    scheduling: Scheduling,
    options: CallOptions = {},
  ): Promise<void> {
    const { partition, id } = key;
    assertETag(id, etag);
    const writeId = this.#ids.guid();
    const target = { id, replaces: etag, leavesItem: true };
    await this.#calls.run("updateScheduling", options, async (call) => {
      /** Of what can't be read only the columns are written, but those must not keep it listed for ever. */
      let isDamaged = false;
      await carryOut(call, {
        subject: id,
        send: async () => {
          const send = async (): Promise<readonly (ETag | undefined)[]> =>
            this.#documents.sendBatch(call, partition, [
              patchOf(target, { scheduling, writeId, isDamaged }),
            ]);
          try {
            return await send();
          } catch (error) {
            if (isDamaged || !isOfMissingMember(error)) throw error;
            isDamaged = true;
            this.#onUnreadable(key, error, options.logIds);
            return await send();
          }
        },
        look: async () => this.#documents.look(call, { partition, targets: [target], writeId }),
      });
    });
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

  /** Writes an item of no kind, which no listing shows and the service forgets by itself. */
  async ping(options: CallOptions = {}): Promise<void> {
    const id = `ping|${this.#ids.guid()}`;
    const item = { id, subscriptionId: providerPartition, kind: "ping", ttl: pingSeconds };
    await this.#calls.run("ping", options, async (call) =>
      carryOut(call, {
        subject: "a ping",
        send: async () =>
          call.write(async (abortSignal) => this.#container.items.create(item, { abortSignal })),
        look: async (): Promise<Standing<object>> => {
          const found = await this.#documents.readItem(call, providerPartition, id);
          return found === undefined ? { state: "absent" } : { state: "written", result: found };
        },
      }),
    );
  }

  /** Pages of one listing are all about the times that its first page was asked for: so the service's place stays valid. */
  async #listDue<T>(
    listing: string,
    query: DueQuery,
    page: PageRequest,
    list: (
      parameters: Parameters,
      feed: FeedOptions,
    ) => Promise<{ readonly items: readonly T[]; readonly continuation: string | undefined }>,
  ): Promise<Page<T>> {
    const place = placeOf(listing, page, ["number", "number", "string"]);
    const [now, farthest, from] = place ?? [query.now, query.farthest, undefined];
    const { items, continuation } = await list(
      { "@now": now, "@farthest": farthest },
      { maxItemCount: page.limit, ...startingAt(from) },
    );
    return pageOf(items, continuation && continuationAt(listing, [now, farthest, continuation]));
  }

  async #query<R>(
    operation: keyof Store,
    options: CallOptions,
    query: {
      readonly text: string;
      readonly parameters: Parameters;
      readonly feed: FeedOptions;
    },
  ): Promise<{ readonly rows: readonly R[]; readonly continuation: string | undefined }> {
    const { text, feed } = query;
    const parameters = Object.entries(query.parameters).map(([name, value]) => ({ name, value }));
    const spec: SqlQuerySpec = { query: text, parameters };
    return this.#calls.run(operation, options, async (call) => {
      let from = feed.continuationToken;
      const isScan = feed.partitionKey === undefined;
      try {
        for (;;) {
          const { resources, continuationToken } = await call.read(async (abortSignal) => {
            const answer = await this.#container.items
              .query<R>(spec, { ...feed, ...startingAt(from), abortSignal })
              .fetchNext();
            if (Array.isArray(answer.resources)) return answer;
            throw new CosmosFailure("unanswered", "Cosmos DB answered without the page");
          });
          // the service may stop at any time, before it has found anything; whoever scans goes on from there as well
          const isEnough = resources.length > 0 || (isScan && call.remainingMs < scanReserveMs);
          if (isEnough || !continuationToken) {
            return { rows: resources, continuation: continuationToken || undefined };
          }
          from = continuationToken;
        }
      } catch (error) {
        if (error instanceof CosmosFailure) throw unavailable(error);
        // the service knows its own places only
        if (isOfStatus(error, 400) && feed.continuationToken !== undefined) {
          throw invalidContinuation();
        }
        throw error;
      }
    });
  }

  /** One damaged document must not take a whole listing with it. */
  #readable<R extends { readonly id: string }, T>(
    found: { readonly partition: string; readonly row: R; readonly options: CallOptions },
    read: (row: R) => T,
  ): T | undefined {
    const { partition, row, options } = found;
    try {
      return read(row);
    } catch (cause) {
      this.#onUnreadable({ partition, id: row.id }, cause, options.logIds);
      return undefined;
    }
  }
}

type Parameters = Readonly<Record<`@${string}`, string | number>>;

interface ListedItem extends CosmosItemRead {
  readonly id: string;
}

interface SecretsItem extends PartitionedItem {
  readonly id: string;
  readonly kind: SecretsReference["kind"];
  readonly keyId?: unknown;
}

interface PartitionedItem {
  readonly subscriptionId: string;
}

interface ScheduledItem extends PartitionedItem {
  readonly id: string;
  readonly _etag: string;
  readonly scheduling: SchedulingColumns;
  /** What it was when the document was written. */
  readonly operation?: unknown;
}

/** The service refuses to set a member of what is no object. */
function isOfMissingMember(error: unknown): boolean {
  return error instanceof CosmosFailure && error.status === 400;
}

function isOfStatus(error: unknown, status: number): boolean {
  return (
    error instanceof Error && error.cause instanceof CosmosFailure && error.cause.status === status
  );
}

function startingAt(from: string | undefined): { readonly continuationToken?: string } {
  return from === undefined ? {} : { continuationToken: from };
}

function pageOf<T>(items: readonly T[], continuation: string | undefined): Page<T> {
  return continuation === undefined ? { items } : { items, continuation };
}

/** `undefined` when there is no operation that a message could name. */
function referenceFrom(item: ScheduledItem): ClusterReference | undefined {
  const { id, subscriptionId, _etag, scheduling } = item;
  if (scheduling.operationId === null) return undefined;
  return {
    key: { partition: subscriptionId, id },
    etag: _etag as ETag,
    operationId: scheduling.operationId,
    origin: originOf(item.operation),
    nextAttemptAt: scheduling.nextAttemptAt,
    sweeps: scheduling.sweeps ?? 0,
  };
}
