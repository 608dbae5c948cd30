/**
 * The HTTP server under an application: time limits, the answer to what the parser itself refuses, and a clean stop. It
 * knows nothing of ARM beyond the shape of an error.
 */
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Log } from "../runtime/log.ts";
import type { ConnectionLimits } from "../model/limits.ts";
import { RpError } from "../model/rpError.ts";
import { traceOf } from "../model/traceContext.ts";
import { Attachment } from "./attachment.ts";
import { limitConnections, serverLimits } from "./connectionLimits.ts";
import { isLoopbackAddress } from "./authenticationSettings.ts";
import { errorAnswer } from "./errorAnswer.ts";
import { LingeringCloses } from "./lingeringClose.ts";
import { OpenConnections } from "./openConnections.ts";
import { isOfHandshake, SecureServer } from "./secureServer.ts";
import type { ListenerTls } from "./tlsCredentials.ts";
import { UnreadBodies } from "./unreadBody.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Absent: HTTP without TLS, by which nobody is recognised; so the host may only lead to loopback addresses. */
  readonly tls?: ListenerTls | undefined;
  readonly limits: ConnectionLimits;
}

/** A host that seemed to be this machine's own leads elsewhere. */
export class NotLoopbackError extends Error {
  constructor(address: string) {
    super(
      `The server would listen on ${address}, which is no loopback address, and without authentication whoever reaches it could ` +
        "do anything: set HOST or ADMIN_HOST to 127.0.0.1 or ::1, or AUTH or ADMIN_AUTH.",
    );
    this.name = "NotLoopbackError";
  }
}

export class HttpServer {
  readonly #server: Server | SecureServer;
  readonly #options: HttpServerOptions;
  readonly #unanswered: ReadonlySet<ServerResponse>;
  readonly #connections: OpenConnections;
  readonly #lingering: LingeringCloses;
  #isStopping = false;

  private constructor(
    server: Server | SecureServer,
    options: HttpServerOptions,
    state: {
      readonly unanswered: ReadonlySet<ServerResponse>;
      readonly connections: OpenConnections;
      readonly lingering: LingeringCloses;
    },
  ) {
    this.#server = server;
    this.#options = options;
    this.#unanswered = state.unanswered;
    this.#connections = state.connections;
    this.#lingering = state.lingering;
    server.prependListener("request", (_request, response: ServerResponse) => {
      if (this.#isStopping) closeAfter(response);
    });
  }

  /**
   * Opens the port.
   *
   * @throws {NotLoopbackError} when a host without TLS leads elsewhere than to this machine.
   * @throws {Error} of Node, such as `EADDRINUSE`.
   */
  static async listen(app: RequestListener, options: HttpServerOptions): Promise<HttpServer> {
    const { clock, limits, log, tls } = options;
    const lingering = new LingeringCloses(clock);
    const unread = new UnreadBodies(lingering);
    const serverOptions = {
      ...serverLimits(limits),
      // HTTP/1.1 without Host is answered, with links on the address that was called
      requireHostHeader: false,
    };
    const server =
      tls === undefined ? createServer(serverOptions) : new SecureServer(serverOptions, tls);
    const connections = new OpenConnections(server, { most: limits.connections, clock, log });
    limitConnections(server, { clock, limits, log });
    // of each connection, those that have not been answered to the end, in order
    const underWay = new Attachment<Duplex, Set<ServerResponse>>("responses");
    const unanswered = new Set<ServerResponse>();
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      unread.begun(request, response);
      let responses = underWay.get(socket);
      if (responses === undefined) underWay.set(socket, (responses = new Set()));
      responses.add(response);
      unanswered.add(response);
      response.on("close", () => {
        responses.delete(response);
        unanswered.delete(response);
      });
      // who was told that its connection ends gets no answer to what it sent after that
      if (!lingering.has(socket)) app(request, response);
    });
    server.on("clientError", (error: ParserError, socket: Socket) => {
      if (isOfHandshake(socket)) {
        // whoever speaks no TLS that we accept could not read an answer
        log.debug({ tlsCode: error.code }, "a TLS handshake failed");
        socket.destroy();
        return;
      }
      if (lingering.has(socket)) return;
      // what came after a whole request, or one that was answered before, must not take away its answer
      const last = [...(underWay.get(socket) ?? [])].findLast(
        ({ req, writableEnded }) => req.complete || writableEnded,
      );
      if (last !== undefined && !last.writableFinished) {
        last.once("finish", () => socket.destroy());
        return;
      }
      if (unread.isRest(socket)) {
        socket.destroy();
        return;
      }
      const isSent = refuse(refusalOf(error.code, limits), { error, socket, options });
      if (isSent) lingering.begin(socket);
    });
    // whoever reads the body says that it may come; an expectation that is not understood may be ignored (RFC 9110, 10.1.1)
    for (const event of ["checkContinue", "checkExpectation"]) {
      server.on(event, (...request: unknown[]) => server.emit("request", ...request));
    }
    server.on("connect", (_request, socket: Duplex) => {
      // it is no longer the server's: nobody else listens to its errors or ever closes it
      socket.on("error", () => socket.destroy());
      socket.once("finish", () => socket.destroy());
      refuse(new RpError({ code: "MethodNotAllowed", message: "CONNECT is not allowed here." }), {
        socket,
        options,
      });
      socket.end();
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port }, () => {
      // before any connection is taken: what a name leads to, only a name server has said
      const { address } = server.address() as AddressInfo;
      if (tls !== undefined || isLoopbackAddress(address)) resolve();
      else server.close(() => reject(new NotLoopbackError(address)));
    });
    await promise;
    server.off("error", reject);
    server.on("error", (error) => options.log.error({ error }, "the HTTP server has an error"));
    return new HttpServer(server, options, { unanswered, connections, lingering });
  }

  /** Where it listens. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    const scheme = this.#server instanceof SecureServer ? "https" : "http";
    return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  /**
   * Takes no more connections, closes those on which nothing was asked, lets requests end, each connection with the next answer,
   * and cuts off those that haven't within `graceMs`.
   */
  async stop(graceMs: number): Promise<void> {
    const { clock, log } = this.#options;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#isStopping = true;
    // of each connection the last, as what was sent ahead has an answer to come too
    const last = new Map([...this.#unanswered].map((response) => [response.req.socket, response]));
    for (const response of last.values()) closeAfter(response);
    this.#server.close(() => resolve());
    this.#connections.stop((socket) => this.#lingering.has(socket));
    const ended = new AbortController();
    const cut = clock
      .sleep(graceMs, ended.signal)
      .then(() => {
        const requests = this.#unanswered.size;
        // a connection on which nothing was asked for loses nothing
        if (requests > 0) {
          log.warn({ graceMs, requests }, "requests were cut off, as they did not end in time");
        }
        this.#server.closeAllConnections();
      })
      .catch(() => {
        // all have ended in time
      });
    await closed;
    ended.abort();
    await cut;
  }
}

/** The client is told to take another connection, and so perhaps another process. */
function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}

type ParserError = Error & { readonly code?: string };

/** What Node refuses before it is a request gets ARM's error shape too (decision 25). Gives whether there was anybody to tell. */
function refuse(
  refusal: RpError,
  at: {
    readonly error?: ParserError;
    readonly socket: Duplex;
    readonly options: HttpServerOptions;
  },
): boolean {
  const { error, socket, options } = at;
  if (!socket.writable || error?.code === "ECONNRESET") {
    socket.destroy();
    return false;
  }
  const { status, headers, body } = errorAnswer(refusal);
  const requestId = options.ids.guid();
  // what the caller has said of its own ids was not read
  const ids = { requestId, correlationId: requestId, traceId: traceOf(requestId).traceId };
  options.log.info(
    { ...ids, status, errorCode: refusal.code, parserCode: error?.code },
    "request: refused by the HTTP parser",
  );
  const text = `${JSON.stringify(body, undefined, 2)}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    `Date: ${new Date(options.clock.now()).toUTCString()}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text)}`,
    `x-ms-request-id: ${requestId}`,
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n${text}`);
  return true;
}

function refusalOf(code: string | undefined, { headerBytes }: ConnectionLimits): RpError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return new RpError({
      code: "RequestHeaderFieldsTooLarge",
      message: `The request line and headers have more than ${headerBytes} bytes.`,
    });
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new RpError({ code: "RequestTimeout", message: "The request did not arrive in time." });
  }
  return new RpError({
    code: "InvalidHttpRequest",
    message: "The request is not well-formed HTTP/1.1.",
  });
}
