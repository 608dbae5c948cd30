/**
 * What a server lets its connections take: how large their headers are, and how long they may be slow in sending, in idling and
 * in taking an answer. How many there are `openConnections.ts` looks after.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { ConnectionLimits } from "../model/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** How exactly the times for sending are held. */
const checkMs = 1_000;

/** The part of them that Node holds itself. */
export function serverLimits(limits: ConnectionLimits): ServerOptions {
  return {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(checkMs, limits.headersTimeoutMs),
    maxHeaderSize: limits.headerBytes,
  };
}

/** The other part. */
export function limitConnections(
  server: Server,
  options: { readonly limits: ConnectionLimits; readonly clock: Clock; readonly log: Log },
): void {
  const { limits, clock, log } = options;
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    response.once("prefinish", () => {
      // the system has all of it already, as it has of nearly every answer
      if (socket.writableLength === 0) return;
      const timer = clock.timer(limits.sendTimeoutMs, () => {
        log.info({ sendTimeoutMs: limits.sendTimeoutMs }, "a caller did not take its answer");
        socket.destroy();
      });
      response.once("close", () => timer[Symbol.dispose]());
    });
  });
}
