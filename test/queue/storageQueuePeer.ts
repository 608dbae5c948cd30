/**
 * A server that speaks the part of Azure Storage Queue's REST protocol which the queue uses: a peer for tests, on real sockets.
 * What the service promises and the queue rests on is carried out faithfully: a new receipt by every receive, for all that
 * it brings, and by every update, good until the next; whole seconds within the service's limits; the life of a message; an XML that begins with a byte order mark;
 * shared key signatures, calculated here anew from what came. A test turns its clock, which nobody sets back, and can tell it to
 * put off, to lose or to leave a request, before or after its effect. It must never be kinder than the service.
 *
 * Sources: https://learn.microsoft.com/rest/api/storageservices/queue-service-rest-api, and what @azure/storage-queue 12.32 sends.
 */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Clock } from "../../src/runtime/clock.ts";

export type PeerOperation = "send" | "receive" | "peek" | "update" | "delete" | "properties";

/** A request as it came. */
export interface PeerRequest {
  readonly operation: PeerOperation;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What becomes of one request. */
export type Fault =
  /** Another answer; `effect` says whether it was carried out all the same. */
  | {
      readonly status: number;
      readonly code?: string;
      readonly effect?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
      /** In place of the service's XML. */
      readonly text?: string;
    }
  /** The connection is cut. */
  | { readonly reset: "before" | "after" }
  /** Nothing ever comes. */
  | { readonly hang: "before" | "after" };

interface Message {
  readonly id: string;
  text: string;
  readonly expiresAt: number;
  visibleAt: number;
  /** Of those visible at the same time the one that has been so for longest comes first. */
  turn: number;
  popReceipt: string;
  deliveries: number;
}

/** A refusal of the service. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const hiddenMaxS = 7 * 24 * 3_600;
const textBytesMax = 64 * 1024;
const byteOrderMark = "\ufeff";

export interface StorageQueuePeerOptions {
  /** The service's clock is its monotonic side. */
  readonly clock: Pick<Clock, "monotonic">;
  readonly account: string;
  /** Of the account, as base64. */
  readonly key: string;
  /** Of the only queue. */
  readonly name: string;
}

export class StorageQueuePeer implements AsyncDisposable {
  /** Every request since the start, or since somebody emptied it. */
  readonly requests: PeerRequest[] = [];
  /** What becomes of every request that has no fault of its own, until somebody takes it away. */
  outage: Fault | undefined;
  /** With the account's name as its path, as emulators have it. */
  readonly url: string;
  readonly #server: Server;
  readonly #options: StorageQueuePeerOptions;
  readonly #messages = new Map<string, Message>();
  readonly #faults: { readonly operation: PeerOperation; readonly fault: Fault }[] = [];
  readonly #arrivals: { readonly operation: PeerOperation; readonly arrived: () => void }[] = [];
  #sequence = 0;

  private constructor(server: Server, options: StorageQueuePeerOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${options.account}`;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(options: StorageQueuePeerOptions): Promise<StorageQueuePeer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new StorageQueuePeer(server, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The next requests of this kind that have no fault yet get these, in order. */
  fail(operation: PeerOperation, ...faults: readonly Fault[]): void {
    for (const fault of faults) this.#faults.push({ operation, fault });
  }

  /** Resolves when the next request of this kind has come. */
  async arrival(operation: PeerOperation): Promise<void> {
    await new Promise<void>((arrived) => this.#arrivals.push({ operation, arrived }));
  }

  /** What was asked for, in order. */
  get operations(): readonly PeerOperation[] {
    return this.requests.map(({ operation }) => operation);
  }

  /** The texts of all messages as they lie there, visible or not. */
  get texts(): readonly string[] {
    return this.#live().map(({ text: lying }) => lying);
  }

  /** Puts a message there behind everybody's back. */
  put(lying: string): void {
    this.#add(lying, { visibleInMs: 0, livesMs: Infinity });
  }

  /** Somebody else takes a message, hidden or not, for so long: every receipt of it is void. */
  take(lying: string, forMs: number): void {
    const message = this.#live().find(({ text: own }) => own === lying);
    if (message === undefined) throw new Error("there is no such message");
    this.#hide(message, forMs);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { operation, queue, id, parameters } = routeOf(request);
    const { headers } = request;
    this.requests.push({ operation, parameters, headers, body });
    const awaited = this.#arrivals.findIndex((arrival) => arrival.operation === operation);
    if (awaited >= 0) this.#arrivals.splice(awaited, 1)[0]?.arrived();
    const fault = this.#takeFault(operation) ?? this.outage;
    const carryOut = (): Answer => {
      try {
        this.#authorize(request);
        if (queue !== this.#options.name) throw new Refusal(404, "QueueNotFound");
        return this.#answer({ operation, id, parameters, body });
      } catch (error) {
        // as the service does, its text tells more than anybody should log
        const told = `${String(error)}; asked with: ${body}`;
        return error instanceof Refusal
          ? refused(error.status, error.code, told)
          : refused(500, "InternalError", told);
      }
    };
    if (fault === undefined) {
      this.#send(response, carryOut());
    } else if ("reset" in fault) {
      if (fault.reset === "after") carryOut();
      request.socket.destroy();
    } else if ("hang" in fault) {
      if (fault.hang === "after") carryOut();
    } else {
      const answer = fault.effect === true ? carryOut() : undefined;
      const planned = refused(fault.status, fault.code, `asked with: ${body}`);
      this.#send(response, {
        status: fault.status,
        // an answer that is only spoilt in its text keeps its headers
        headers: {
          ...(fault.status < 300 ? answer?.headers : planned.headers),
          ...fault.headers,
        },
        body: fault.text ?? planned.body ?? "",
      });
    }
  }

  #send(response: ServerResponse, { status, headers, body = "" }: Answer): void {
    response.writeHead(status, {
      ...(body === "" ? {} : { "content-type": "application/xml" }),
      "x-ms-request-id": "00000000-0000-4000-8000-00000000000a",
      "x-ms-version": "2026-04-06",
      ...headers,
    });
    response.end(body);
  }

  #takeFault(operation: PeerOperation): Fault | undefined {
    const index = this.#faults.findIndex((planned) => planned.operation === operation);
    return index < 0 ? undefined : this.#faults.splice(index, 1)[0]?.fault;
  }

  /** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key */
  #authorize(request: IncomingMessage): void {
    const { account, key } = this.#options;
    const { method = "", url = "", headers } = request;
    if (headers["x-ms-version"] === undefined) throw new Refusal(400, "InvalidHeaderValue");
    const { pathname, searchParams } = new URL(url, "http://peer");
    const given = (name: string): string => String(headers[name] ?? "");
    const length = given("content-length");
    const lines = [
      method,
      given("content-encoding"),
      given("content-language"),
      length === "0" ? "" : length,
      given("content-md5"),
      given("content-type"),
      headers["x-ms-date"] === undefined ? given("date") : "",
      given("if-modified-since"),
      given("if-match"),
      given("if-none-match"),
      given("if-unmodified-since"),
      given("range"),
      ...Object.keys(headers)
        .filter((name) => name.startsWith("x-ms-"))
        .toSorted()
        .map((name) => `${name}:${given(name).trim()}`),
      `/${account}${pathname}`,
      ...[...new Set(searchParams.keys())]
        .toSorted()
        .map((name) => `${name}:${searchParams.getAll(name).join(",")}`),
    ];
    const signature = createHmac("sha256", Buffer.from(key, "base64"))
      .update(lines.join("\n"))
      .digest("base64");
    if (given("authorization") !== `SharedKey ${account}:${signature}`) {
      throw new Refusal(403, "AuthenticationFailed");
    }
  }

  #answer(request: {
    readonly operation: PeerOperation;
    readonly id: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly body: string;
  }): Answer {
    const { operation, id, parameters, body } = request;
    switch (operation) {
      case "send":
        return this.#sent(parameters, body);
      case "properties": {
        const count = String(this.#live().length);
        return { status: 200, headers: { "x-ms-approximate-messages-count": count } };
      }
      case "peek":
        return { status: 200, body: list(this.#visible(countIn(parameters)).map(peeked)) };
      case "receive": {
        const hiddenMs = secondsIn(parameters, "visibilitytimeout", 1) * 1_000;
        const messages = this.#visible(countIn(parameters));
        const popReceipt = this.#receipt();
        for (const message of messages) {
          this.#hide(message, hiddenMs);
          message.popReceipt = popReceipt;
          message.deliveries += 1;
        }
        return { status: 200, body: list(messages.map((message) => this.#dequeued(message))) };
      }
      case "update": {
        const hiddenMs = secondsIn(parameters, "visibilitytimeout", 0) * 1_000;
        const message = this.#held(id, parameters);
        if (this.#now() + hiddenMs > message.expiresAt) {
          throw new Refusal(400, "OutOfRangeQueryParameterValue");
        }
        if (body !== "") message.text = textIn(body);
        this.#hide(message, hiddenMs);
        return { status: 204, headers: { "x-ms-popreceipt": message.popReceipt } };
      }
      case "delete":
        // here the service doesn't tell a void receipt from a message that is gone
        this.#messages.delete(this.#held(id, parameters, new Refusal(404, "MessageNotFound")).id);
        return { status: 204 };
    }
  }

  #sent(parameters: Readonly<Record<string, string>>, body: string): Answer {
    const { messagettl = String(hiddenMaxS) } = parameters;
    if (!/^(-1|[1-9]\d*)$/.test(messagettl)) throw new Refusal(400, "InvalidQueryParameterValue");
    const livesMs = messagettl === "-1" ? Infinity : Number(messagettl) * 1_000;
    const visibleInMs = secondsIn(parameters, "visibilitytimeout", 0) * 1_000;
    if (visibleInMs >= livesMs) throw new Refusal(400, "OutOfRangeQueryParameterValue");
    const lying = textIn(body);
    if (Buffer.byteLength(lying) > textBytesMax) throw new Refusal(413, "RequestBodyTooLarge");
    const message = this.#add(lying, { visibleInMs, livesMs });
    return { status: 201, body: list([envelope(message)]) };
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #add(
    lying: string,
    { visibleInMs, livesMs }: { readonly visibleInMs: number; readonly livesMs: number },
  ): Message {
    const message: Message = {
      id: `00000000-0000-4000-9000-${String(this.#next()).padStart(12, "0")}`,
      text: lying,
      expiresAt: this.#now() + livesMs,
      visibleAt: this.#now() + visibleInMs,
      turn: this.#next(),
      popReceipt: this.#receipt(),
      deliveries: 0,
    };
    this.#messages.set(message.id, message);
    return message;
  }

  #live(): readonly Message[] {
    return [...this.#messages.values()].filter(({ expiresAt }) => expiresAt > this.#now());
  }

  #visible(count: number): readonly Message[] {
    return this.#live()
      .filter(({ visibleAt }) => visibleAt <= this.#now())
      .toSorted((one, other) => one.visibleAt - other.visibleAt || one.turn - other.turn)
      .slice(0, count);
  }

  #hide(message: Message, hiddenMs: number): void {
    message.visibleAt = this.#now() + hiddenMs;
    message.turn = this.#next();
    message.popReceipt = this.#receipt();
  }

  #held(
    id: string,
    { popreceipt }: Readonly<Record<string, string>>,
    mismatch = new Refusal(400, "PopReceiptMismatch"),
  ): Message {
    const message = this.#live().find((live) => live.id === id);
    if (message === undefined) throw new Refusal(404, "MessageNotFound");
    if (message.popReceipt !== popreceipt) throw mismatch;
    return message;
  }

  #dequeued(message: Message): string {
    const { deliveries, text: lying } = message;
    return envelope(
      message,
      `<DequeueCount>${deliveries}</DequeueCount><MessageText>${escaped(lying)}</MessageText>`,
    );
  }

  /** With all that a URL must not hold as it is. */
  #receipt(): string {
    return `+/${Buffer.from(`receipt ${this.#next()}`).toString("base64")}==`;
  }

  #next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}

/** What is told of a message in every answer, and more. */
function envelope({ id, popReceipt }: Message, more = ""): string {
  const time = "Thu, 01 Jan 2026 00:00:00 GMT";
  return (
    `<QueueMessage><MessageId>${id}</MessageId><InsertionTime>${time}</InsertionTime>` +
    `<ExpirationTime>${time}</ExpirationTime><PopReceipt>${popReceipt}</PopReceipt>` +
    `<TimeNextVisible>${time}</TimeNextVisible>${more}</QueueMessage>`
  );
}

function peeked({ id, deliveries, text: lying }: Message): string {
  return (
    `<QueueMessage><MessageId>${id}</MessageId><DequeueCount>${deliveries}</DequeueCount>` +
    `<MessageText>${escaped(lying)}</MessageText></QueueMessage>`
  );
}

function list(messages: readonly string[]): string {
  const head = `${byteOrderMark}<?xml version="1.0" encoding="utf-8"?>`;
  return messages.length === 0
    ? `${head}<QueueMessagesList />`
    : `${head}<QueueMessagesList>${messages.join("")}</QueueMessagesList>`;
}

function refused(status: number, code: string | undefined, told: string): Answer {
  return {
    status,
    headers: code === undefined ? {} : { "x-ms-error-code": code },
    body:
      `${byteOrderMark}<?xml version="1.0" encoding="utf-8"?><Error><Code>${code ?? ""}</Code>` +
      `<Message>${escaped(told)}</Message></Error>`,
  };
}

function escaped(plain: string): string {
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** @throws {Refusal} */
function textIn(body: string): string {
  const form =
    /^(?:<\?xml[^>]*\?>)?<QueueMessage><MessageText(?:\/>|>([^<]*)<\/MessageText>)<\/QueueMessage>$/;
  const found = form.exec(body);
  if (found === null) throw new Refusal(400, "InvalidXmlDocument");
  return (found[1] ?? "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

/** @throws {Refusal} */
function countIn({ numofmessages = "1" }: Readonly<Record<string, string>>): number {
  const count = Number(numofmessages);
  if (!Number.isInteger(count) || count < 1 || count > 32) {
    throw new Refusal(400, "OutOfRangeQueryParameterValue");
  }
  return count;
}

/** @throws {Refusal} when it isn't there, too: every request of ours says it. */
function secondsIn(
  parameters: Readonly<Record<string, string>>,
  name: string,
  min: number,
): number {
  const given = parameters[name] ?? "";
  if (!/^\d+$/.test(given)) throw new Refusal(400, "InvalidQueryParameterValue");
  const seconds = Number(given);
  if (seconds < min || seconds > hiddenMaxS) {
    throw new Refusal(400, "OutOfRangeQueryParameterValue");
  }
  return seconds;
}

function routeOf({ method, url = "" }: IncomingMessage): {
  readonly operation: PeerOperation;
  readonly queue: string;
  readonly id: string;
  readonly parameters: Readonly<Record<string, string>>;
} {
  const { pathname, searchParams } = new URL(url, "http://peer");
  const [, , queue = "", messages, id = ""] = pathname.split("/").map(decodeURIComponent);
  const parameters = Object.fromEntries(searchParams);
  const at = (operation: PeerOperation) => ({ operation, queue, id, parameters });
  if (messages === undefined && method === "GET" && parameters["comp"] === "metadata") {
    return at("properties");
  }
  if (messages === "messages") {
    if (method === "POST" && id === "") return at("send");
    if (method === "GET" && id === "") {
      return at(parameters["peekonly"] === "true" ? "peek" : "receive");
    }
    if (method === "PUT" && id !== "") return at("update");
    if (method === "DELETE" && id !== "") return at("delete");
  }
  throw new Error(`${method} ${url}`);
}
