/**
 * Sends hostile requests to a resource provider and holds what must be true of every answer, and of the store after a refusal:
 * below 500, an ARM error, no secret and nothing of our own machinery in it, and nothing changed.
 */
import { isDeepStrictEqual } from "node:util";
import { errorCodes, type ErrorCode } from "../../src/model/errorCodes.ts";
import { subscriptionKey } from "../../src/model/subscription.ts";
import type { Store } from "../../src/store/store.ts";
import { FuzzConnection, type FuzzAnswer } from "./fuzzConnection.ts";
import {
  canaryTexts,
  previewCluster,
  stableCluster,
  subscriptionPlaceholder,
  type FuzzRequest,
} from "./fuzzRequest.ts";

/** Longer than any request may take on a machine that is busy with other things. */
const answerWithinMs = 20_000;
/** Requests after which a connection is left for a new one, and a subscription for one without clusters. */
const connectionRequestsMax = 200;
const subscriptionRequestsMax = 400;
/** Requests that are answered one after the other while a commit before them surely ends. */
const settlingRequests = 4;

/** What our own machinery would say of itself. */
const internalText =
  /\bat [^\n]*:\d+:\d+|node:internal|node_modules|\/src\/|(Type|Range|Syntax|Reference)Error|\[object |\bundefined\b|SQLITE/;

/** Something that must not be. */
export class Finding extends Error {
  override readonly name = "Finding";
}

export interface FuzzClientOptions {
  readonly url: string;
  /** Of a subscription that nobody else sends to: which one of how many that went before. */
  readonly subscription: (count: number) => string;
  /** Absent: answers are not held to the form of ARM, as at the operator's listener, and there is nothing to be stored. */
  readonly store?: Store;
}

/** What a subscription has, as far as only its caller changes it. */
interface Stored {
  readonly state: string | undefined;
  readonly clusters: ReadonlyMap<string, { readonly asked: unknown; readonly isDeleting: boolean }>;
}

export class FuzzClient implements Disposable {
  readonly #options: FuzzClientOptions;
  #connection: FuzzConnection | undefined;
  #onConnection = 0;
  #count = -1;
  #ofSubscription = Infinity;
  /** How many requests more the end of one that was cut off may still be on its way to the store. */
  #unsettled = 0;
  #stored: Stored = { state: undefined, clusters: new Map() };
  /** How often each status was answered. */
  readonly statuses = new Map<number, number>();
  /** Requests sent, those that only prepare or check something left out. */
  sent = 0;
  /** The longest that anybody waited for an answer. */
  slowestMs = 0;

  constructor(options: FuzzClientOptions) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    this.#connection?.destroy();
  }

  /**
   * Writes the requests at once and judges all answers.
   *
   * @throws {Finding}
   */
  async send(requests: readonly FuzzRequest[]): Promise<void> {
    if (this.#ofSubscription > subscriptionRequestsMax) await this.#nextSubscription();
    const connection = await this.#connected();
    this.#ofSubscription += requests.length;
    this.#onConnection += requests.length;
    this.sent += requests.length;
    connection.write(this.#own(requests.map((request) => request.bytes).join("")));
    const isWhole = requests.every((request) => request.isWhole);
    if (!isWhole) connection.end();
    const answers: FuzzAnswer[] = [];
    for (const request of requests) {
      const answer = await this.#answer(connection, request.method);
      if (answer === undefined) break;
      answers.push(answer);
      this.#judge(answer, request, isWhole);
      if (answer.headers["connection"]?.toLowerCase() === "close") break;
    }
    if (isWhole && answers.length === 0) throw new Finding("no answer to a whole request");
    if (!isWhole || connection.isEnded || answers.length < requests.length) this.#leave();
    if (answers.at(-1)?.headers["connection"]?.toLowerCase() === "close") this.#leave();
    await this.#compare(answers, isWhole);
  }

  /** @throws {Finding} when a process that is well would answer otherwise. */
  async checkAlive(): Promise<void> {
    const connection = await FuzzConnection.open(this.#options.url);
    try {
      connection.write(
        "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      );
      const answer = await this.#answer(connection, "GET");
      if (answer?.status !== 200) throw new Finding(`not alive: ${answer?.status}`);
    } finally {
      connection.destroy();
    }
  }

  async #answer(connection: FuzzConnection, method: string): Promise<FuzzAnswer | undefined> {
    const begun = performance.now();
    try {
      return await connection.answer(method, answerWithinMs);
    } catch (error) {
      this.#leave();
      throw new Finding((error as Error).message);
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - begun);
    }
  }

  #judge(answer: FuzzAnswer, { method }: FuzzRequest, isWhole: boolean): void {
    const { status, headers, body } = answer;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const refuse = (reason: string): never => {
      throw new Finding(`${reason}: ${status} ${JSON.stringify(headers)} ${body.slice(0, 1_000)}`);
    };
    if (status >= 500) refuse("a status from 500 up");
    const heads = JSON.stringify(headers);
    for (const text of canaryTexts) {
      if (body.includes(text) || heads.includes(text)) refuse("a secret in an answer");
    }
    if (this.#options.store === undefined) return;
    if (!/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(headers["x-ms-request-id"] ?? "")) {
      refuse("no x-ms-request-id");
    }
    if (status < 400) return;
    // in a row of which one cannot be told from another it may be the answer to a HEAD
    if (body === "" && (method === "HEAD" || !isWhole)) return;
    let error: { readonly code?: unknown; readonly message?: unknown };
    try {
      error = JSON.parse(Buffer.from(body, "latin1").toString()).error;
    } catch {
      return refuse("no JSON");
    }
    const { code, message } = error;
    if (typeof code !== "string" || !Object.hasOwn(errorCodes, code))
      refuse("not one of our codes");
    if (errorCodes[code as ErrorCode].status !== status) refuse("not the status of the code");
    if (typeof message !== "string" || message === "") return refuse("no message");
    if (headers["x-ms-error-code"] !== code) refuse("another x-ms-error-code");
    if (internalText.test(message)) refuse("our own machinery in a message");
  }

  /** What a refused request must have left as it was. */
  async #compare(answers: readonly FuzzAnswer[], isWhole: boolean): Promise<void> {
    const { store } = this.#options;
    if (store === undefined) return;
    const before = this.#stored;
    const after = await this.#look(store);
    this.#stored = after;
    if (after.state !== undefined && after.state !== "Registered") this.#ofSubscription = Infinity;
    // who closes its side gets no answer, but what it had sent by then is carried out all the same
    this.#unsettled = isWhole ? this.#unsettled - 1 : settlingRequests;
    if (this.#unsettled > 0 || answers.some(({ status }) => status < 400)) return;
    if (before.state !== after.state)
      throw new Finding("a refused request changed the subscription");
    for (const [id, { asked }] of after.clusters) {
      const old = before.clusters.get(id);
      if (old === undefined) throw new Finding(`a refused request made ${id}`);
      if (!isDeepStrictEqual(old.asked, asked))
        throw new Finding(`a refused request changed ${id}`);
    }
    for (const [id, { isDeleting }] of before.clusters) {
      if (isDeleting || after.clusters.has(id)) continue;
      throw new Finding(`a refused request removed ${id}`);
    }
  }

  async #look(store: Store): Promise<Stored> {
    const id = this.#options.subscription(this.#count);
    const key = subscriptionKey(id);
    const state = (await store.read("subscription", key))?.document.state;
    const { items } = await store.listClusters({ partition: key.partition }, { limit: 100 });
    const clusters = new Map<string, { asked: unknown; isDeleting: boolean }>();
    for (const { id: clusterId } of items) {
      const stored = await store.read("cluster", { partition: key.partition, id: clusterId });
      if (stored === undefined) continue;
      const { cluster, operation, provisioningState } = stored.document;
      // whatever a caller changes but tags begins an operation; the rest is what workers bring about
      const asked = { tags: cluster.tags, operation: operation.id };
      clusters.set(clusterId, { asked, isDeleting: provisioningState === "Deleting" });
    }
    return { state, clusters };
  }

  /** A subscription of its own with a cluster of each version. */
  async #nextSubscription(): Promise<void> {
    this.#count += 1;
    this.#ofSubscription = 0;
    if (this.#options.store === undefined) return;
    const bodies = { "2019-12-31-preview": previewCluster, "2020-04-30": stableCluster };
    for (const [at, [version, body]] of Object.entries(bodies).entries()) {
      const connection = await this.#connected();
      const text = JSON.stringify(body);
      connection.write(
        this.#own(
          `PUT /subscriptions/${subscriptionPlaceholder}/resourceGroups/group/providers` +
            `/RedHat.OpenShift/OpenShiftClusters/c${at + 1}?api-version=${version} HTTP/1.1\r\n` +
            "Host: localhost\r\nContent-Type: application/json\r\n" +
            `Content-Length: ${text.length}\r\n\r\n${text}`,
        ),
      );
      const answer = await this.#answer(connection, "PUT");
      if (answer?.status !== 201) throw new Finding(`a good request: ${JSON.stringify(answer)}`);
    }
    this.#stored = await this.#look(this.#options.store);
  }

  async #connected(): Promise<FuzzConnection> {
    if (this.#onConnection > connectionRequestsMax) this.#leave();
    this.#connection ??= await FuzzConnection.open(this.#options.url);
    return this.#connection;
  }

  #leave(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#onConnection = 0;
  }

  #own(text: string): string {
    return text.replaceAll(subscriptionPlaceholder, this.#options.subscription(this.#count));
  }
}
