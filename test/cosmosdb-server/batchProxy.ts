/**
 * `@vercel/cosmosdb-server`, which nobody here wrote, behind a proxy that carries out transactional batches on it. The server
 * takes a batch for a row of requests, some of which may fail while others stay, and knows neither conditions nor patches in
 * one. So the proxy first looks whether every condition holds and only then makes the requests, one by one, while nobody else
 * gets through. A refused batch is answered as the service does it: 207, the reason for the one that failed, 424 for the others.
 *
 * Everything else passes unchanged, except for what the server can't be told otherwise and the store asks for:
 *
 * - The account's consistency: it says Session. The store opens none that isn't Strong, which a server with one copy is.
 * - `Date`: Node.js writes the time of the machine there. `_ts` comes from `Date.now`, which the tests turn, and the store
 *   compares the two.
 *
 * It must never be kinder than the service. And it watches: a query of one partition has to say so in its text as well, and
 * no answer to one over all partitions may hold a secret. Whoever closes it is told of every breach. (The plan of a query, which
 * the SDK asks for beside each, is not watched: the server takes that for the query itself, and nobody reads the answer.)
 */
import {
  Agent,
  createServer,
  request as requestHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Clock } from "../../src/runtime/clock.ts";

/** Loaded without its types, so that `npm run check` doesn't need it. */
const load = createRequire(import.meta.url);
const serverPackage = "@vercel/cosmosdb-server";

interface ServerPackage {
  readonly createHttpServer: (options: { readonly keepAlive: boolean }) => Server;
}

interface Message {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

interface Asked extends Message {
  readonly method: string;
  readonly path: string;
}

interface Answer extends Message {
  readonly status: number;
}

interface BatchOperation {
  readonly operationType: "Create" | "Replace" | "Patch" | "Delete";
  readonly id?: string;
  readonly ifMatch?: string;
  readonly resourceBody?: Readonly<Record<string, unknown>>;
}

/** A query as it came. */
export interface SeenQuery {
  readonly text: string;
  /** What its header names; absent for one over all partitions. */
  readonly partition?: string;
  /** How many items the answer held. */
  readonly count: number;
}

const partitionHeader = "x-ms-documentdb-partitionkey";
/** What a batch's header says and a single request must not. */
const batchHeaders = [
  "x-ms-cosmos-is-batch-request",
  "x-ms-cosmos-batch-atomic",
  "x-ms-cosmos-batch-continue-on-error",
];
/** Of one connection, not of the message. */
const connectionHeaders = ["connection", "content-length", "host", "transfer-encoding"];
/** The one that an item has during a batch that wrote it: no condition can name it. */
const etagOfBatch = "of this batch";

export interface BatchProxyOptions {
  readonly clock: Pick<Clock, "now">;
  /** Texts that no answer to a query over all partitions may hold. */
  readonly secrets: readonly string[];
}

export class BatchProxy implements AsyncDisposable {
  readonly url: string;
  readonly queries: SeenQuery[] = [];
  readonly #breaches: string[] = [];
  readonly #options: BatchProxyOptions;
  readonly #server: Server;
  readonly #proxy: Server;
  readonly #agent = new Agent({ keepAlive: true });
  /** One request after the other, so that nobody sees half a batch. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    servers: { readonly server: Server; readonly proxy: Server },
    options: BatchProxyOptions,
  ) {
    this.#server = servers.server;
    this.#proxy = servers.proxy;
    this.#options = options;
    this.url = `http://127.0.0.1:${portOf(this.#proxy)}`;
    this.#proxy.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(options: BatchProxyOptions): Promise<BatchProxy> {
    const { createHttpServer } = load(serverPackage) as ServerPackage;
    const server = await listening(createHttpServer({ keepAlive: true }));
    return new BatchProxy({ server, proxy: await listening(createServer()) }, options);
  }

  /** @throws {Error} when a query broke the rules. */
  async [Symbol.asyncDispose](): Promise<void> {
    await closed(this.#proxy);
    // what nobody waits for any more, such as the plan of a query
    await this.#turn;
    this.#agent.destroy();
    await closed(this.#server);
    if (this.#breaches.length > 0) throw new Error(this.#breaches.join("\n"));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { method = "", url: path = "", headers } = request;
    const answer = this.#turn.then(async () => this.#answer({ method, path, headers, body }));
    this.#turn = answer.catch(() => undefined);
    try {
      const { status, headers: told, body: shown } = await answer;
      response.sendDate = false;
      response.writeHead(status, {
        ...withoutHeaders(told, connectionHeaders),
        date: new Date(this.#options.clock.now()).toUTCString(),
      });
      response.end(shown);
    } catch (error) {
      this.#breaches.push(`${method} ${path}: ${String(error)}`);
      response.destroy();
    }
  }

  async #answer(asked: Asked): Promise<Answer> {
    const { path, headers } = asked;
    const isPlan = headers["x-ms-cosmos-is-query-plan-request"] !== undefined;
    if (headers["x-ms-documentdb-isquery"] !== undefined && !isPlan) return this.#query(asked);
    if (headers["x-ms-cosmos-is-batch-request"] !== undefined) return this.#batch(asked);
    const answer = await this.#forward(asked);
    return path === "/" ? withStrongConsistency(answer) : answer;
  }

  async #query(asked: Asked): Promise<Answer> {
    const { query, parameters } = JSON.parse(asked.body) as {
      readonly query: string;
      readonly parameters?: readonly { readonly name: string; readonly value: unknown }[];
    };
    const answer = await this.#forward(asked);
    const { _count: count = 0 } = JSON.parse(answer.body) as { readonly _count?: number };
    const header = asked.headers[partitionHeader];
    if (header === undefined) {
      for (const secret of this.#options.secrets) {
        if (answer.body.includes(secret)) this.#breaches.push(`it brings a secret: ${query}`);
      }
      this.queries.push({ text: query, count });
      return answer;
    }
    const [partition] = JSON.parse(String(header)) as readonly string[];
    const name = /\bc\.subscriptionId = (@\w+) AND\b/.exec(query)?.[1];
    const named = parameters?.find((parameter) => parameter.name === name)?.value;
    // an alternative in brackets narrows what the partition holds; any other may lead out of it
    const outside = query.replaceAll(/\((?:[^()]|\([^()]*\))*\)/g, "()");
    if (partition === undefined || named !== partition || /\bOR\b/i.test(outside)) {
      this.#breaches.push(`its text does not name its partition: ${query}`);
    }
    this.queries.push({ text: query, count, ...(partition === undefined ? {} : { partition }) });
    return answer;
  }

  /** First every condition, then every write. */
  async #batch(asked: Asked): Promise<Answer> {
    if (asked.headers["x-ms-cosmos-batch-atomic"] !== "true") throw new Error("it is a bulk");
    const operations = JSON.parse(asked.body) as readonly BatchOperation[];
    if (operations.length > 100) return answerOf(400, { message: "100 operations at most" });
    const refused = await this.#refusal(asked, operations);
    if (refused !== undefined) return refusedBatch(operations, refused);
    const results: object[] = [];
    for (const [index, operation] of operations.entries()) {
      const { status, body } = await this.#forward(requestFor(operation, asked));
      if (status >= 400) {
        if (index === 0) return refusedBatch(operations, { index, status });
        throw new Error(`half a batch was written: ${status} for ${operation.operationType}`);
      }
      const { _etag: eTag } = JSON.parse(body === "" ? "{}" : body) as { readonly _etag?: string };
      results.push({ statusCode: status, requestCharge: 1, ...(eTag && { eTag }) });
    }
    return answerOf(200, results);
  }

  /** The first operation whose condition doesn't hold, after those before it. */
  async #refusal(
    asked: Asked,
    operations: readonly BatchOperation[],
  ): Promise<{ readonly index: number; readonly status: number } | undefined> {
    const etags = new Map<string, string | undefined>();
    for (const [index, operation] of operations.entries()) {
      const { operationType, ifMatch } = operation;
      const id = idOf(operation);
      if (!etags.has(id)) etags.set(id, await this.#etagOf(asked, id));
      const etag = etags.get(id);
      if (operationType === "Create") {
        if (etag !== undefined) return { index, status: 409 };
      } else {
        if (etag === undefined) return { index, status: 404 };
        if (ifMatch !== undefined && ifMatch !== etag) return { index, status: 412 };
      }
      etags.set(id, operationType === "Delete" ? undefined : etagOfBatch);
    }
    return undefined;
  }

  async #etagOf(asked: Asked, id: string): Promise<string | undefined> {
    const { status, body } = await this.#forward({
      method: "GET",
      path: `${asked.path.replace(/\/$/, "")}/${encodeURIComponent(id)}`,
      headers: withoutHeaders(asked.headers, batchHeaders),
      body: "",
    });
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`the server answered ${status} to a read`);
    return (JSON.parse(body) as { readonly _etag: string })._etag;
  }

  async #forward({ method, path, headers, body }: Asked): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = requestHttp({
      agent: this.#agent,
      host: "127.0.0.1",
      port: portOf(this.#server),
      method,
      path,
      headers: {
        ...(withoutHeaders(headers, connectionHeaders) as Record<string, string>),
        ...(body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      },
    });
    request.once("response", resolve).once("error", reject);
    request.end(body);
    const response = await promise;
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: await text(response),
    };
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function idOf({ operationType, id, resourceBody }: BatchOperation): string {
  return String(operationType === "Create" ? resourceBody?.["id"] : id);
}

/** The same as a request of its own. */
function requestFor(operation: BatchOperation, batch: Asked): Asked {
  const { operationType, ifMatch, resourceBody } = operation;
  const methods = { Create: "POST", Replace: "PUT", Patch: "PATCH", Delete: "DELETE" } as const;
  const documents = batch.path.replace(/\/$/, "");
  return {
    method: methods[operationType],
    path:
      operationType === "Create"
        ? documents
        : `${documents}/${encodeURIComponent(idOf(operation))}`,
    headers: {
      ...withoutHeaders(batch.headers, batchHeaders),
      ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
    },
    body: resourceBody === undefined ? "" : JSON.stringify(resourceBody),
  };
}

function refusedBatch(
  operations: readonly BatchOperation[],
  { index: failed, status }: { readonly index: number; readonly status: number },
): Answer {
  const results = operations.map((_, index) => ({
    statusCode: index === failed ? status : 424,
    requestCharge: 0,
  }));
  return answerOf(207, results);
}

function answerOf(status: number, body: unknown): Answer {
  return {
    status,
    headers: { "content-type": "application/json", "x-ms-request-charge": "1" },
    body: JSON.stringify(body),
  };
}

function withStrongConsistency(answer: Answer): Answer {
  const account = JSON.parse(answer.body) as Readonly<Record<string, unknown>>;
  const userConsistencyPolicy = { defaultConsistencyLevel: "Strong" };
  return { ...answer, body: JSON.stringify({ ...account, userConsistencyPolicy }) };
}

function withoutHeaders(
  headers: Message["headers"],
  names: readonly string[],
): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}
