/**
 * A server that speaks the part of Cosmos DB's REST protocol which the store uses: a peer for tests, on real sockets. What the
 * service promises and the store rests on is carried out faithfully: quoted ETags that never come twice, conditions, atomic
 * batches, whole seconds in `_ts` and `Date`, time to live by a clock that the test turns, the partition key in the header. It
 * knows the store's queries by their very texts and fails loudly on any other. A test can tell it to put off, to lose or to
 * leave a request, before or after its effect. It must never be kinder than the service.
 *
 * Sources: https://learn.microsoft.com/rest/api/cosmos-db/, and what @azure/cosmos 4.10 sends.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Clock } from "../../src/runtime/clock.ts";

export type PeerOperation =
  | "account"
  | "container"
  | "ranges"
  | "batch"
  | "query"
  | "queryPlan"
  | "create"
  | "read"
  | "replace"
  | "delete";

/** A request as it came. */
export interface PeerRequest {
  readonly operation: PeerOperation;
  readonly container: string;
  /** Of the item in the URL; empty when it names none. */
  readonly id: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What becomes of one request. */
export type Fault =
  /** Another answer; `effect` says whether it was carried out all the same. */
  | {
      readonly status: number;
      readonly effect?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
      /** In place of the service's JSON. */
      readonly text?: string;
    }
  /** The connection is cut. */
  | { readonly reset: "before" | "after" }
  /** Nothing ever comes. */
  | { readonly hang: "before" | "after" };

interface Item {
  readonly sequence: number;
  readonly partition: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A refusal of the service. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message = "refused") {
    super(message);
    this.status = status;
  }
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Parameters = Readonly<Record<string, unknown>>;
type Row = Readonly<Record<string, unknown>>;

/** Of an item as JSON in UTF-8, and of a request that writes: https://learn.microsoft.com/azure/cosmos-db/concepts-limits */
const itemBytesMax = 2 * 1024 * 1024;

/** The whole of a container's hashes. */
const oneRange = { id: "0", minInclusive: "", maxExclusive: "FF" };

interface KnownQuery {
  /** Whether its text names the partition: then the header must as well. */
  readonly isOfPartition: boolean;
  readonly members: readonly string[];
  /** Of what lies deeper, what the query names each member. */
  readonly deeper?: (item: Row) => Row;
  readonly where: (item: Row, parameters: Parameters) => boolean;
  readonly orderedById?: boolean;
}

function scheduling(item: Row): Row {
  return (item["scheduling"] ?? {}) as Row;
}

/** `undefined` of what has no members. */
function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Row)[name] : undefined;
}

function isDue(time: unknown, parameters: Parameters): boolean {
  if (typeof time !== "number") return false;
  return time < Number(parameters["@now"]) || time > Number(parameters["@farthest"]);
}

const queries: Readonly<Record<string, KnownQuery>> = {
  ...unsettledQueries(),
  "SELECT c.id, c.document.minimumSchemaVersion, c.document.resourceId, c.document.name, c.document.provisioningState, c.document.revision, c.document.cluster FROM c WHERE c.subscriptionId = @partition AND c.kind = 'cluster' AND c.id > @after AND STARTSWITH(c.id, @prefix) ORDER BY c.id":
    {
      isOfPartition: true,
      members: [
        "id",
        "document.minimumSchemaVersion",
        "document.resourceId",
        "document.name",
        "document.provisioningState",
        "document.revision",
        "document.cluster",
      ],
      orderedById: true,
      where: (item, parameters) =>
        item["subscriptionId"] === parameters["@partition"] &&
        item["kind"] === "cluster" &&
        compareTexts(String(item["id"]), String(parameters["@after"])) > 0 &&
        String(item["id"]).startsWith(String(parameters["@prefix"])),
    },
  "SELECT c.id, c.subscriptionId, c._etag, c.scheduling, c.document.operation FROM c WHERE c.kind = 'cluster' AND c.scheduling.unqueued = true":
    {
      isOfPartition: false,
      members: ["id", "subscriptionId", "_etag", "scheduling", "document.operation"],
      where: (item) => item["kind"] === "cluster" && scheduling(item)["unqueued"] === true,
    },
  "SELECT c.id, c.subscriptionId, c._etag, c.scheduling, c.document.operation FROM c WHERE c.kind = 'cluster' AND c.scheduling.active = true AND c.scheduling.unqueued = false AND (c.scheduling.nextAttemptAt < @now OR c.scheduling.nextAttemptAt > @farthest) AND (c.scheduling.sweepAfter < @now OR c.scheduling.sweepAfter > @farthest)":
    {
      isOfPartition: false,
      members: ["id", "subscriptionId", "_etag", "scheduling", "document.operation"],
      where: (item, parameters) =>
        item["kind"] === "cluster" &&
        scheduling(item)["active"] === true &&
        scheduling(item)["unqueued"] === false &&
        isDue(scheduling(item)["nextAttemptAt"], parameters) &&
        isDue(scheduling(item)["sweepAfter"], parameters),
    },
  "SELECT c.document.operation.kind AS kind, c.document.provisioningState AS state, c.document.operation.startedAt AS startedAt FROM c WHERE c.kind = 'cluster' AND c.scheduling.active = true":
    {
      isOfPartition: false,
      members: [],
      // what is undefined is left out
      deeper: ({ document }) => ({
        kind: memberOf(memberOf(document, "operation"), "kind"),
        state: memberOf(document, "provisioningState"),
        startedAt: memberOf(memberOf(document, "operation"), "startedAt"),
      }),
      where: (item) => item["kind"] === "cluster" && scheduling(item)["active"] === true,
    },
  "SELECT c.id, c.subscriptionId, c._etag, c.document FROM c WHERE c.kind = 'subscription' AND c.scheduling.active = true AND (c.scheduling.nextAttemptAt < @now OR c.scheduling.nextAttemptAt > @farthest)":
    {
      isOfPartition: false,
      members: ["id", "subscriptionId", "_etag", "document"],
      where: (item, parameters) =>
        item["kind"] === "subscription" &&
        scheduling(item)["active"] === true &&
        isDue(scheduling(item)["nextAttemptAt"], parameters),
    },
  "SELECT c.id, c.subscriptionId, c.kind, c.secrets.keyId FROM c WHERE c.kind IN ('cluster', 'key') AND (NOT IS_DEFINED(c.secrets.keyId) OR c.secrets.keyId != @keyId)":
    {
      isOfPartition: false,
      members: ["id", "subscriptionId", "kind", "secrets.keyId"],
      where: (item, parameters) =>
        ["cluster", "key"].includes(String(item["kind"])) &&
        memberObject(item, "secrets")["keyId"] !== parameters["@keyId"],
    },
};

/** What operators ask for: narrowed to a partition, to a state, to both or to none. */
function unsettledQueries(): Readonly<Record<string, KnownQuery>> {
  const members =
    "minimumSchemaVersion resourceId provisioningState operation unqueued sweeps nextAttemptAt work";
  const selected = members.split(" ").map((name) => `c.document.${name}`);
  const known: Record<string, KnownQuery> = {};
  for (const isOfPartition of [false, true]) {
    for (const isOfState of [false, true]) {
      const text =
        `SELECT c.id, c.subscriptionId, ${selected.join(", ")} FROM c WHERE ` +
        (isOfPartition ? "c.subscriptionId = @partition AND " : "") +
        "c.kind = 'cluster' AND (c.scheduling.active = true OR " +
        "c.document.provisioningState IN ('Failed', 'Canceled'))" +
        (isOfState ? " AND c.document.provisioningState = @state" : "");
      known[text] = {
        isOfPartition,
        members: ["id", "subscriptionId", ...members.split(" ").map((name) => `document.${name}`)],
        where: (item, parameters) => {
          const document = (item["document"] ?? {}) as Row;
          const state = document["provisioningState"];
          return (
            item["kind"] === "cluster" &&
            (scheduling(item)["active"] === true || state === "Failed" || state === "Canceled") &&
            (!isOfPartition || item["subscriptionId"] === parameters["@partition"]) &&
            (!isOfState || state === parameters["@state"])
          );
        },
      };
    }
  }
  return known;
}

function memberObject(item: Row, name: string): Row {
  const member = item[name];
  return typeof member === "object" && member !== null ? (member as Row) : {};
}

/** In the order of UTF-8. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** One container: its items by partition and id. */
class PeerContainer {
  readonly partitionKey: string;
  items = new Map<string, Item>();

  constructor(partitionKey: string) {
    this.partitionKey = partitionKey;
  }
}

export interface CosmosPeerOptions {
  /** The service's clock. */
  readonly clock: Pick<Clock, "now">;
  readonly consistency?: string;
  readonly defaultTtl?: number;
  /** Of the container of documents. */
  readonly partitionKey?: string;
  /** Over https with this certificate, as accounts are: then the SDK looks for the account's regions. Both PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Whether the account moves single partitions to another region, which it then has. */
  readonly movesPartitions?: boolean;
}

export class CosmosPeer implements AsyncDisposable {
  /** Every request since the start, or since somebody emptied it. */
  readonly requests: PeerRequest[] = [];
  /** What becomes of every request that has no fault of its own, until somebody takes it away. */
  outage: Fault | undefined;
  readonly url: string;
  readonly #server: Server;
  readonly #clock: Pick<Clock, "now">;
  readonly #options: CosmosPeerOptions;
  readonly #containers: ReadonlyMap<string, PeerContainer>;
  readonly #faults: { readonly operation: PeerOperation; readonly fault: Fault }[] = [];
  readonly #arrivals: { readonly operation: PeerOperation; readonly arrived: () => void }[] = [];
  #sequence = 0;

  private constructor(server: Server, options: CosmosPeerOptions) {
    this.#server = server;
    this.#options = options;
    this.#clock = options.clock;
    this.#containers = new Map([
      ["OpenShiftClusterDocuments", new PeerContainer(options.partitionKey ?? "/subscriptionId")],
      ["Leases", new PeerContainer("/id")],
    ]);
    const scheme = options.tls === undefined ? "http" : "https";
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(options: CosmosPeerOptions): Promise<CosmosPeer> {
    const server = options.tls === undefined ? createServer() : createHttpsServer(options.tls);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new CosmosPeer(server, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The next requests of this kind that have no fault yet get these, in order. */
  fail(operation: PeerOperation, ...faults: readonly Fault[]): void {
    for (const fault of faults) this.#faults.push({ operation, fault });
  }

  /** Faults that nobody has met yet are no more. */
  forgive(): void {
    this.#faults.length = 0;
  }

  /** Resolves when the next request of this kind has come. */
  async arrival(operation: PeerOperation): Promise<void> {
    await new Promise<void>((arrived) => this.#arrivals.push({ operation, arrived }));
  }

  /** What was asked for, in order. */
  get operations(): readonly PeerOperation[] {
    return this.requests.map(({ operation }) => operation);
  }

  /** An item as it lies there; `undefined` when there is none. */
  item(container: string, partition: string, id: string): Row | undefined {
    return this.#live(this.#container(container), partition, id)?.body;
  }

  /** All items of a container, in the order of their making. */
  items(container: string): readonly Row[] {
    return [...this.#container(container).items.values()]
      .filter(({ body }) => !this.#isExpired(body))
      .toSorted((one, other) => one.sequence - other.sequence)
      .map(({ body }) => body);
  }

  /** Writes an item behind everybody's back. */
  put(container: string, partition: string, body: Row): void {
    this.#store(this.#container(container), partition, body);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { operation, container, id } = routeOf(request);
    const { headers } = request;
    this.requests.push({ operation, container, id, headers, body });
    const awaited = this.#arrivals.findIndex((arrival) => arrival.operation === operation);
    if (awaited >= 0) this.#arrivals.splice(awaited, 1)[0]?.arrived();
    const fault = this.#takeFault(operation) ?? this.outage;
    const carryOut = (): Answer => {
      try {
        return this.#answer({ operation, container, id, headers, body });
      } catch (error) {
        const status = error instanceof Refusal ? error.status : 500;
        return { status, body: { message: `peer: ${String(error)}; asked with: ${body}` } };
      }
    };
    if (fault !== undefined) {
      if ("reset" in fault) {
        if (fault.reset === "after") carryOut();
        request.socket.destroy();
      } else if ("hang" in fault) {
        if (fault.hang === "after") carryOut();
      } else {
        if (fault.effect === true) carryOut();
        // as the service does, its text tells more than anybody should log
        const told = fault.text ?? JSON.stringify({ message: `asked with: ${body}` });
        this.#send(response, { status: fault.status, headers: fault.headers ?? {} }, told);
      }
      return;
    }
    const answer = carryOut();
    this.#send(response, answer, answer.body === undefined ? "" : JSON.stringify(answer.body));
  }

  #send(response: ServerResponse, { status, headers }: Answer, told: string): void {
    response.sendDate = false;
    response.writeHead(status, {
      "content-type": "application/json",
      date: new Date(this.#clock.now()).toUTCString(),
      "x-ms-request-charge": "1.5",
      "x-ms-activity-id": "00000000-0000-4000-8000-00000000000a",
      "x-ms-session-token": `0:0#${this.#sequence}`,
      ...headers,
    });
    response.end(told);
  }

  #takeFault(operation: PeerOperation): Fault | undefined {
    const index = this.#faults.findIndex((planned) => planned.operation === operation);
    return index < 0 ? undefined : this.#faults.splice(index, 1)[0]?.fault;
  }

  #container(name: string): PeerContainer {
    const container = this.#containers.get(name);
    if (container === undefined) throw new Refusal(404, `no container ${name}`);
    return container;
  }

  #answer(request: {
    readonly operation: PeerOperation;
    readonly container: string;
    readonly id: string;
    readonly headers: IncomingMessage["headers"];
    readonly body: string;
  }): Answer {
    const { operation, id, headers, body } = request;
    if (operation === "account") return this.#account();
    const container = this.#container(request.container);
    if (operation === "container") return this.#describe(request.container, container);
    if (operation === "ranges") return { status: 200, body: { PartitionKeyRanges: [oneRange] } };
    // the plan of a query goes to nobody's partition, and nobody needs it
    if (operation === "queryPlan") return { status: 400, body: { message: "no plan" } };
    if (operation === "query") return this.#query(container, headers, JSON.parse(body) as Asked);
    const partition = partitionIn(headers);
    if (Buffer.byteLength(body) > itemBytesMax) throw new Refusal(413, "the request is too large");
    if (operation === "batch") return this.#batch(container, partition, JSON.parse(body));
    const ifMatch = headers["if-match"];
    switch (operation) {
      case "create":
        return created(this.#create(container, partition, JSON.parse(body) as Row));
      case "read": {
        const item = this.#live(container, partition, id);
        if (item === undefined) throw new Refusal(404);
        return { status: 200, body: item.body, headers: { etag: String(item.body["_etag"]) } };
      }
      case "replace":
        return changed(this.#replace(container, { partition, id, ifMatch }, JSON.parse(body)));
      case "delete":
        this.#delete(container, { partition, id, ifMatch });
        return { status: 204 };
    }
  }

  #account(): Answer {
    const { movesPartitions = false } = this.#options;
    const here = { name: "here", databaseAccountEndpoint: this.url };
    const there = {
      name: "there",
      databaseAccountEndpoint: this.url.replace("127.0.0.1", "localhost"),
    };
    return {
      status: 200,
      body: {
        id: "peer",
        writableLocations: [here],
        readableLocations: movesPartitions ? [here, there] : [here],
        enablePerPartitionFailoverBehavior: movesPartitions,
        userConsistencyPolicy: { defaultConsistencyLevel: this.#options.consistency ?? "Strong" },
      },
    };
  }

  #describe(id: string, { partitionKey }: PeerContainer): Answer {
    const { defaultTtl = -1 } = this.#options;
    const body = {
      id,
      _rid: id,
      partitionKey: { paths: [partitionKey], kind: "Hash", version: 2 },
      defaultTtl,
    };
    return { status: 200, body };
  }

  /** An item that has expired is absent to everybody from then on. */
  #live(container: PeerContainer, partition: string, id: string): Item | undefined {
    const item = container.items.get(nameOf(partition, id));
    return item === undefined || this.#isExpired(item.body) ? undefined : item;
  }

  #isExpired({ ttl, _ts }: Row): boolean {
    return typeof ttl === "number" && (Number(_ts) + ttl) * 1_000 <= this.#clock.now();
  }

  #store(container: PeerContainer, partition: string, body: Row): Row {
    this.#sequence += 1;
    const { ttl } = body;
    if (ttl !== undefined && (!Number.isInteger(ttl) || Number(ttl) < 1)) throw new Refusal(400);
    const name = nameOf(partition, String(body["id"]));
    const stored = {
      ...body,
      _etag: `"0000-${this.#sequence}"`,
      _ts: Math.floor(this.#clock.now() / 1_000),
    };
    // a patch is small, and what it makes may not be
    if (Buffer.byteLength(JSON.stringify(stored)) > itemBytesMax)
      throw new Refusal(413, "the item");
    const sequence = container.items.get(name)?.sequence ?? this.#sequence;
    container.items.set(name, { sequence, partition, body: stored });
    return stored;
  }

  #create(container: PeerContainer, partition: string, body: Row): Row {
    const id = String(body["id"]);
    if (body[container.partitionKey.slice(1)] !== partition)
      throw new Refusal(400, "partition key");
    if (/[/\\?#]/.test(id)) throw new Refusal(400, "id");
    if (this.#live(container, partition, id) !== undefined) throw new Refusal(409);
    container.items.delete(nameOf(partition, id));
    return this.#store(container, partition, body);
  }

  #matching(container: PeerContainer, { partition, id, ifMatch }: Condition): Item {
    const item = this.#live(container, partition, id);
    if (item === undefined) throw new Refusal(404);
    if (ifMatch !== undefined && ifMatch !== item.body["_etag"]) throw new Refusal(412);
    return item;
  }

  #replace(container: PeerContainer, condition: Condition, body: Row): Row {
    this.#matching(container, condition);
    if (body["id"] !== condition.id) throw new Refusal(400, "id");
    if (body[container.partitionKey.slice(1)] !== condition.partition) throw new Refusal(400);
    return this.#store(container, condition.partition, body);
  }

  #patch(container: PeerContainer, condition: Condition, operations: readonly Row[]): Row {
    const { body } = this.#matching(container, condition);
    if (operations.length > 10) throw new Refusal(400, "a patch has ten operations at most");
    const patched = structuredClone(body) as Record<string, unknown>;
    for (const { op, path, value } of operations) {
      if (op !== "set") throw new Refusal(400, String(op));
      const names = String(path).split("/").slice(1);
      const last = names.pop() ?? "";
      let parent: unknown = patched;
      for (const name of names) parent = (parent as Record<string, unknown>)[name];
      if (typeof parent !== "object" || parent === null) throw new Refusal(400, String(path));
      (parent as Record<string, unknown>)[last] = value;
    }
    return this.#store(container, condition.partition, patched);
  }

  #delete(container: PeerContainer, condition: Condition): void {
    this.#matching(container, condition);
    container.items.delete(nameOf(condition.partition, condition.id));
  }

  /** All or nothing: the one that fails is answered with its reason, all others with 424. */
  #batch(
    container: PeerContainer,
    partition: string,
    operations: readonly BatchOperation[],
  ): Answer {
    if (operations.length > 100) throw new Refusal(400, "a batch has 100 operations at most");
    const before = new Map(container.items);
    const results: Row[] = [];
    for (const operation of operations) {
      try {
        results.push(this.#batchOperation(container, partition, operation));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        container.items = before;
        const failedAt = results.length;
        const statuses = operations.map((_, index) => (index === failedAt ? error.status : 424));
        return {
          status: 207,
          body: statuses.map((statusCode) => ({ statusCode, requestCharge: 0 })),
        };
      }
    }
    return { status: 200, body: results };
  }

  #batchOperation(
    container: PeerContainer,
    partition: string,
    { operationType, id = "", ifMatch, resourceBody = {} }: BatchOperation,
  ): Row {
    switch (operationType) {
      case "Create": {
        const { _etag: eTag } = this.#create(container, partition, resourceBody);
        return { statusCode: 201, requestCharge: 1, eTag };
      }
      case "Replace": {
        const condition = { partition, id, ifMatch };
        const { _etag: eTag } = this.#replace(container, condition, resourceBody);
        return { statusCode: 200, requestCharge: 1, eTag };
      }
      case "Patch": {
        const condition = { partition, id, ifMatch };
        const { operations } = resourceBody as { readonly operations: readonly Row[] };
        const { _etag: eTag } = this.#patch(container, condition, operations);
        return { statusCode: 200, requestCharge: 1, eTag };
      }
      case "Delete":
        this.#delete(container, { partition, id, ifMatch });
        return { statusCode: 204, requestCharge: 1 };
    }
  }

  /** Pages are told apart by the item that the last one ended with. */
  #query(container: PeerContainer, headers: IncomingMessage["headers"], asked: Asked): Answer {
    const query = queries[asked.query];
    if (query === undefined) throw new Error(`unknown query: ${asked.query}`);
    const parameters = Object.fromEntries(asked.parameters.map(({ name, value }) => [name, value]));
    const named = headers["x-ms-documentdb-partitionkey"];
    if ((named !== undefined) !== query.isOfPartition) throw new Refusal(400, "partition key");
    const partition = named === undefined ? undefined : partitionIn(headers);
    const continuation = headers["x-ms-continuation"];
    const from =
      continuation === undefined ? 0 : Number(/^after:(\d+)$/.exec(String(continuation))?.[1]);
    if (Number.isNaN(from)) throw new Refusal(400, "continuation");
    const found = [...container.items.values()]
      .filter((item) => partition === undefined || item.partition === partition)
      .filter(({ body, sequence }) => sequence > from && !this.#isExpired(body))
      .filter(({ body }) => query.where(body, parameters))
      .toSorted((one, other) =>
        query.orderedById === true
          ? compareTexts(String(one.body["id"]), String(other.body["id"]))
          : one.sequence - other.sequence,
      );
    const page = found.slice(0, Number(headers["x-ms-max-item-count"]));
    const Documents = page.map(({ body }) => ({
      ...Object.fromEntries(query.members.map((path) => projected(path, body))),
      ...query.deeper?.(body),
    }));
    const last = page.at(-1);
    return {
      status: 200,
      body: { Documents, _count: Documents.length },
      headers:
        found.length > page.length && last !== undefined
          ? { "x-ms-continuation": `after:${last.sequence}` }
          : {},
    };
  }
}

/** A member is named as the last part of its path. */
function projected(path: string, body: Row): readonly [name: string, value: unknown] {
  const names = path.split(".");
  const value = names.reduce<unknown>((from, name) => (from as Row | undefined)?.[name], body);
  return [names.at(-1) ?? "", value];
}

interface Asked {
  readonly query: string;
  readonly parameters: readonly { readonly name: string; readonly value: unknown }[];
}

interface Condition {
  readonly partition: string;
  readonly id: string;
  readonly ifMatch: string | undefined;
}

interface BatchOperation {
  readonly operationType: "Create" | "Replace" | "Patch" | "Delete";
  readonly id?: string;
  readonly ifMatch?: string;
  readonly resourceBody?: Row;
}

function nameOf(partition: string, id: string): string {
  return JSON.stringify([partition, id]);
}

/** @throws {Refusal} the service takes no write and no point read without it. */
function partitionIn(headers: IncomingMessage["headers"]): string {
  const header = headers["x-ms-documentdb-partitionkey"];
  if (typeof header !== "string") throw new Refusal(400, "no partition key");
  const [partition] = JSON.parse(header) as readonly unknown[];
  return String(partition);
}

function created(stored: Row): Answer {
  return { status: 201, body: {}, headers: { etag: String(stored["_etag"]) } };
}

function changed(stored: Row): Answer {
  return { status: 200, body: {}, headers: { etag: String(stored["_etag"]) } };
}

function routeOf({ method, url = "", headers }: IncomingMessage): {
  readonly operation: PeerOperation;
  readonly container: string;
  readonly id: string;
} {
  const [, dbs, , , container = "", docs, id = ""] = url.split("/").map(decodeURIComponent);
  const at = (operation: PeerOperation) => ({ operation, container, id });
  if (dbs === "") return at("account");
  if (docs === undefined && method === "GET") return at("container");
  if (docs === "pkranges") return at("ranges");
  if (method === "POST") {
    if (headers["x-ms-cosmos-is-query-plan-request"] !== undefined) return at("queryPlan");
    if (headers["x-ms-documentdb-isquery"] !== undefined) return at("query");
    if (headers["x-ms-cosmos-is-batch-request"] !== undefined) {
      // else it is a bulk, which is no transaction
      if (headers["x-ms-cosmos-batch-atomic"] !== "true") throw new Error("a bulk");
      return at("batch");
    }
    if (headers["x-ms-documentdb-is-upsert"] !== undefined) throw new Error("an upsert");
    return at("create");
  }
  const operations = { GET: "read", PUT: "replace", DELETE: "delete" } as const;
  const operation = operations[method as keyof typeof operations];
  if (operation === undefined) throw new Error(`${method} ${url}`);
  return at(operation);
}
