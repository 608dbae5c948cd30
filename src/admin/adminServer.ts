/**
 * The operator's listener, on an address of its own: metrics, and whether the process is well. It must never change anything, nor
 * show anything of a customer, since whoever reaches it is let in.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type RequestHandler } from "express";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** A question to a dependency that takes longer counts as unanswered. */
const readyLimitMs = 5_000;

export interface AdminServerOptions {
  /** A loopback address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Resolves when what the process depends on answers. */
  readonly check: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export class AdminServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Opens the port.
   *
   * @throws {Error} of Node, such as `EADDRINUSE`.
   */
  static async listen(options: AdminServerOptions): Promise<AdminServer> {
    const server = createServer(adminApp(options));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port }, resolve);
    await promise;
    server.off("error", reject);
    server.on("error", (error) => options.log.error({ error }, "the operator's listener failed"));
    return new AdminServer(server);
  }

  /** Where it listens. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  /** Nobody waits for an answer of it. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}

function adminApp({ metrics, check, log }: AdminServerOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  const isReady: RequestHandler = async (_request, response) => {
    try {
      await check(AbortSignal.timeout(readyLimitMs));
      response.json({ status: "ready" });
    } catch (error) {
      log.warn({ error }, "what the process depends on does not answer");
      response.status(503).json({ status: "not ready" });
    }
  };
  app.get("/healthz/live", (_request, response) => void response.json({ status: "live" }));
  app.get("/healthz/ready", isReady);
  app.get("/metrics", async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });
  return app;
}
