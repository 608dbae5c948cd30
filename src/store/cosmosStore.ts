/**
 * The store on Cosmos DB. A cluster, its operations and its subscription lie in one partition, so that one transactional
 * batch commits them together; a GET is a point read. It must never upsert: the service takes no notice of an upsert's
 * If-Match when the item is absent, and so would bring a deleted document back.
 *
 * It rests on an account with Strong consistency and one region that takes writes (`openCosmos` checks that). The ETags are
 * the service's own: new with every write, and never used again.
 */
import type {
  Container,
  FeedOptions,
  OperationInput,
  OperationResponse,
  SqlQuerySpec,
} from "@azure/cosmos";
import {
  attemptLimitMs,
  callLimitMs,
  CosmosCalls,
  unavailable,
  type Charge,
  type CosmosCall,
} from "./cosmosCalls.ts";
import type { CosmosConnection } from "./cosmosConnection.ts";
import {
  CosmosFailure,
  failedAnswer,
  requestUnitsOf,
  type AnswerHeaders,
} from "./cosmosFailure.ts";
import {
  asJson,
  isPossibleKey,
  itemIn,
  listedFrom,
  prepareItem,
  storedFrom,
  type CosmosItemRead,
  type ListedClusterRow,
  type PreparedItem,
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
  RpDocument,
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
  readonly #documents: Container;
  readonly #leases: CosmosLeases;
  readonly #calls: CosmosCalls;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #onUnreadable: OnUnreadable;

  constructor(options: CosmosStoreOptions) {
    const { connection, clock, ids, random, onCharge, onRetry, onUnreadable = () => {} } = options;
    this.#documents = connection.documents;
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
      this.#readItem(call, key.partition, key.id),
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
    const steps = writes.map((write) =>
      stepOf(partition, write, (document) => prepareItem(document, writeId, now)),
    );
    const bytes = steps.reduce((sum, { prepared }) => sum + (prepared?.bytes ?? 0), 0);
    if (bytes > commitBytesMax) {
      throw new RangeError(`${bytes} bytes in one commit; ${commitBytesMax} is the most`);
    }
    const etags = await this.#calls.run("commit", options, async (call) =>
      steps.length === 0
        ? []
        : carryOut(call, {
            subject: steps.map(({ id }) => id).join(", "),
            send: async () => this.#sendBatch(call, partition, steps.map(operationOf)),
            look: async () => this.#look(call, { partition, steps, writeId }),
          }),
    );
    const committed = steps.map(({ prepared }, index) =>
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
    const step = { id, replaces: etag, leavesItem: true };
    await this.#calls.run("updateScheduling", options, async (call) => {
      /** Of what can't be read only the columns are written, but those must not keep it listed for ever. */
      let isDamaged = false;
      await carryOut(call, {
        subject: id,
        send: async () => {
          const send = async (): Promise<readonly (ETag | undefined)[]> =>
            this.#sendBatch(call, partition, [patchOf(step, { scheduling, writeId, isDamaged })]);
          try {
            return await send();
          } catch (error) {
            if (isDamaged || !isOfMissingMember(error)) throw error;
            isDamaged = true;
            this.#onUnreadable(key, error, options.logIds);
            return await send();
          }
        },
        look: async () => this.#look(call, { partition, steps: [step], writeId }),
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
          call.write(async (abortSignal) => this.#documents.items.create(item, { abortSignal })),
        look: async (): Promise<Standing<object>> => {
          const found = await this.#readItem(call, providerPartition, id);
          return found === undefined ? { state: "absent" } : { state: "written", result: found };
        },
      }),
    );
  }

  /** `undefined` when there is none. */
  async #readItem(
    call: CosmosCall,
    partition: string,
    id: string,
  ): Promise<CosmosItemRead | undefined> {
    try {
      const { item } = await call.read(async (abortSignal) => {
        const answer = await this.#documents
          .item(id, partition)
          .read<CosmosItemRead & { id: string }>({ abortSignal });
        return { item: itemIn(answer), requestCharge: answer.requestCharge };
      });
      return item;
    } catch (error) {
      if (error instanceof CosmosFailure && error.kind === "condition") return undefined;
      throw error;
    }
  }

  /**
   * In a batch alone can the service be told to send no content back.
   *
   * @returns the new ETag of each; `undefined` for a delete.
   */
  async #sendBatch(
    call: CosmosCall,
    partition: string,
    operations: readonly OperationInput[],
  ): Promise<readonly (ETag | undefined)[]> {
    const { results } = await call.write(async (abortSignal) => {
      const answer = await this.#documents.items.batch([...operations], partition, {
        abortSignal,
        contentResponseOnWriteEnabled: false,
      });
      const failed = answer.result?.find(
        ({ statusCode }) => statusCode >= 400 && statusCode !== failedDependency,
      );
      if (failed !== undefined) throw failedAnswer(failed.statusCode, headersOf(failed, answer));
      if (!isWhole(answer.result, operations)) {
        throw new CosmosFailure("unanswered", "Cosmos DB did not answer for each write of a batch");
      }
      return { results: answer.result, requestCharge: requestUnitsOf(answer.headers) };
    });
    return results.map(({ eTag }) => eTag as ETag | undefined);
  }

  /** What the items of a write without an answer say about it. It was one transaction: one of them is enough. */
  async #look(
    call: CosmosCall,
    write: {
      readonly partition: string;
      readonly steps: readonly Target[];
      readonly writeId: string;
    },
  ): Promise<Standing<readonly (ETag | undefined)[]>> {
    const { partition, steps, writeId } = write;
    const found = await Promise.all(
      steps.map(async ({ id }) => this.#readItem(call, partition, id)),
    );
    const looks = steps.map((step, index) => ({ step, item: found[index] }));
    if (looks.some(({ item }) => item?.writeId === writeId)) {
      const result = looks.map(({ step, item }) => {
        if (!step.leavesItem) return undefined;
        // somebody has written over it since: an ETag that nothing has says the same to whoever uses it
        return (item?.writeId === writeId ? item._etag : `"${writeId}"`) as ETag;
      });
      return { state: "written", result };
    }
    const isUntouched = looks.some(
      ({ step, item }) => step.replaces !== undefined && item?._etag === step.replaces,
    );
    if (isUntouched) return { state: "unwritten" };
    const isAbsent = looks.every(({ step, item }) => step.replaces === undefined && !item);
    return { state: isAbsent ? "absent" : "overwritten" };
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
            const answer = await this.#documents.items
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

/** What the others of a batch are answered with when one has failed. */
const failedDependency = 424;

/** What a write of a batch is answered with, besides what the SDK's type says of it. */
interface BatchResult extends OperationResponse {
  readonly subStatusCode?: number;
  readonly retryAfterMilliseconds?: number;
}

/** As if the write had been a request of its own. */
function headersOf(
  { subStatusCode, retryAfterMilliseconds }: BatchResult,
  { headers }: { readonly headers?: AnswerHeaders },
): AnswerHeaders {
  return {
    ...headers,
    ...(subStatusCode !== undefined && { "x-ms-substatus": subStatusCode }),
    ...(retryAfterMilliseconds !== undefined && { "x-ms-retry-after-ms": retryAfterMilliseconds }),
  };
}

/** Whether each write of a batch has been carried out, and has the ETag that its item has now. */
function isWhole(
  results: readonly OperationResponse[] | undefined,
  operations: readonly OperationInput[],
): results is readonly OperationResponse[] {
  return (
    results?.length === operations.length &&
    results.every(
      ({ statusCode, eTag }, index) =>
        statusCode < 300 && (operations[index]?.operationType === "Delete" || isETag(eTag)),
    )
  );
}

function isETag(etag: unknown): boolean {
  return typeof etag === "string" && etag !== "";
}

/** @throws {TypeError} as the service would take a condition that is left out for none. */
function assertETag(id: string, etag: ETag): void {
  if (!isETag(etag)) throw new TypeError(`${id} can't be written without an ETag`);
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

/** The item of one write. */
interface Target {
  readonly id: string;
  /** Absent for a create. */
  readonly replaces: ETag | undefined;
  /** Whether it is there afterwards. */
  readonly leavesItem: boolean;
}

/** One write, checked. */
interface Step extends Target {
  /** Absent for a delete. */
  readonly prepared: PreparedItem | undefined;
}

/** @throws {TypeError} when a document is not where the caller says. */
function stepOf(
  partition: string,
  write: Write,
  prepare: (document: RpDocument) => PreparedItem,
): Step {
  if ("delete" in write) {
    const { document, etag } = write.delete;
    assertBelongs(document, partition);
    assertETag(document.id, etag);
    return { id: document.id, replaces: etag, prepared: undefined, leavesItem: false };
  }
  const document = "create" in write ? write.create : write.document;
  assertBelongs(document, partition);
  if ("replace" in write) {
    const former = write.replace.document;
    assertBelongs(former, partition);
    assertETag(former.id, write.replace.etag);
    if (document.id !== former.id || document.kind !== former.kind) {
      throw new TypeError(
        `the ${document.kind} ${document.id} can't replace the ${former.kind} ${former.id}`,
      );
    }
  }
  return {
    id: document.id,
    replaces: "replace" in write ? write.replace.etag : undefined,
    prepared: prepare(document),
    leavesItem: true,
  };
}

function assertBelongs({ id, subscriptionId }: RpDocument, partition: string): void {
  if (subscriptionId !== partition) {
    throw new TypeError(`${id} belongs to the partition ${subscriptionId}, not to ${partition}`);
  }
  if (!isPossibleKey(partition, id)) {
    throw new TypeError(`no item can have the id ${JSON.stringify(id)}`);
  }
}

function operationOf({ id, replaces, prepared }: Step): OperationInput {
  const ifMatch = replaces === undefined ? {} : { ifMatch: replaces };
  if (prepared === undefined) return { operationType: "Delete", id, ...ifMatch };
  const resourceBody = asJson(prepared.item);
  return replaces === undefined
    ? { operationType: "Create", resourceBody }
    : { operationType: "Replace", id, resourceBody, ...ifMatch };
}

/** Seven of the ten operations that a patch may have. */
function patchOf(
  { id, replaces }: { readonly id: string; readonly replaces: ETag },
  patch: {
    readonly scheduling: Scheduling;
    readonly writeId: string;
    readonly isDamaged: boolean;
  },
): OperationInput {
  const { unqueued, sweepAfter, sweeps } = patch.scheduling;
  const parents = patch.isDamaged ? ["/scheduling"] : ["/scheduling", "/document"];
  const set = (path: string, value: string | number | boolean) =>
    ({ op: "set", path, value }) as const;
  const operations = [
    set("/writeId", patch.writeId),
    ...parents.flatMap((parent) => [
      set(`${parent}/unqueued`, unqueued),
      set(`${parent}/sweepAfter`, sweepAfter),
      set(`${parent}/sweeps`, sweeps),
    ]),
  ];
  return { operationType: "Patch", id, ifMatch: replaces, resourceBody: { operations } };
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
