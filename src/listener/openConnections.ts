/**
 * The connections of a server, and which of them have no request under way: those are closed when it stops, and the longest idle
 * one when there is no room for another. Node knows only those idle that had a request before. It must never close one while
 * a request on it waits for its answer.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** Whoever opens too many connections opens thousands. */
const warnEveryMs = 10_000;

interface Connection {
  readonly ends: string;
  /** That of TLS, once there is one. */
  socket: Socket;
  /** Those under way. */
  requests: number;
  hasAsked: boolean;
}

export class OpenConnections {
  readonly #options: { readonly most: number; readonly clock: Clock; readonly log: Log };
  /** By both ends, which the plain socket and that of TLS have in common. */
  readonly #open = new Map<string, Connection>();
  readonly #ofSocket = new WeakMap<Socket, Connection>();
  /** Those without a request, the longest idle first. */
  readonly #idle = new Set<Connection>();
  #isStopping = false;
  #closedIdle = 0;
  #closedNew = 0;
  #warnedAt = -Infinity;

  /** Looks after the connections that come. */
  constructor(
    server: Server,
    options: { readonly most: number; readonly clock: Clock; readonly log: Log },
  ) {
    this.#options = options;
    server.prependListener("connection", (socket: Socket) => this.#opened(socket));
    server.prependListener("secureConnection", (socket: Socket) => {
      const connection = this.#open.get(endsOf(socket));
      if (connection === undefined) return;
      connection.socket = socket;
      this.#ofSocket.set(socket, connection);
    });
    server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
      const connection = this.#ofSocket.get(socket);
      if (connection !== undefined) this.#begun(connection, response);
    });
  }

  /** Closes all on which no request is under way, now and from now on, unless `isEnding`: those close by themselves. */
  stop(isEnding: (socket: Socket) => boolean): void {
    this.#isStopping = true;
    for (const { socket, hasAsked } of this.#idle) {
      if (isEnding(socket)) continue;
      // its caller may still be sending the rest of what was answered
      if (hasAsked) socket.destroySoon();
      else socket.destroy();
    }
  }

  #opened(socket: Socket): void {
    if (this.#isStopping || socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    if (this.#open.size >= this.#options.most && !this.#makeRoom()) {
      this.#closedNew += 1;
      this.#warn();
      socket.destroy();
      return;
    }
    const connection = { ends: endsOf(socket), socket, requests: 0, hasAsked: false };
    this.#open.set(connection.ends, connection);
    this.#ofSocket.set(socket, connection);
    this.#idle.add(connection);
    socket.once("close", () => this.#forget(connection));
  }

  #begun(connection: Connection, response: ServerResponse): void {
    connection.requests += 1;
    connection.hasAsked = true;
    this.#idle.delete(connection);
    response.once("close", () => {
      connection.requests -= 1;
      if (connection.requests > 0 || connection.socket.destroyed) return;
      this.#idle.add(connection);
      // what was answered before the stop began has not told its caller
      if (this.#isStopping) connection.socket.destroySoon();
    });
  }

  #forget(connection: Connection): void {
    this.#idle.delete(connection);
    if (this.#open.get(connection.ends) === connection) this.#open.delete(connection.ends);
  }

  /** Gives whether there was one to close. */
  #makeRoom(): boolean {
    const [longest] = this.#idle;
    if (longest === undefined) return false;
    longest.socket.destroy();
    this.#forget(longest);
    this.#closedIdle += 1;
    this.#warn();
    return true;
  }

  #warn(): void {
    const { clock, log, most } = this.#options;
    if (clock.monotonic() - this.#warnedAt < warnEveryMs) return;
    log.warn(
      { connections: most, closedIdle: this.#closedIdle, closedNew: this.#closedNew },
      "there are as many connections as are allowed: idle ones are closed for new ones, and new ones where none is idle",
    );
    this.#warnedAt = clock.monotonic();
    this.#closedIdle = 0;
    this.#closedNew = 0;
  }
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
