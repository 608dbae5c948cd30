/**
 * The operator's listener, on an address of its own: metrics, and whether the process is well. It must never change anything, nor
 * show anything of a customer.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type { ListenerSecurity } from "../listener/authentication.ts";
import { authenticate } from "../listener/authenticator.ts";
import { asRpError, errorAnswer } from "../listener/errorAnswer.ts";
import { sendAnswer } from "../listener/answer.ts";
import { SecureServer } from "../listener/secureServer.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** A question to a dependency that takes longer counts as unanswered. */
const readyLimitMs = 5_000;

export interface AdminServerOptions extends ListenerSecurity {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Resolves when what the process depends on answers. */
  readonly check: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export class AdminServer {
  readonly #server: Server | SecureServer;

  private constructor(server: Server | SecureServer) {
    this.#server = server;
  }

  /**
   * Opens the port.
   *
   * @throws {Error} of Node, such as `EADDRINUSE`.
   */
  static async listen(options: AdminServerOptions): Promise<AdminServer> {
    const app = adminApp(options);
    const server =
      options.tls === undefined ? createServer(app) : new SecureServer({}, options.tls, app);
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
    const scheme = this.#server instanceof SecureServer ? "https" : "http";
    return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  /** Nobody waits for an answer of it. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}

function adminApp({ metrics, check, log, authenticator }: AdminServerOptions): Express {
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
  app.use(
    authenticate(authenticator, (_response, fields) => {
      if ("refused" in fields) log.info(fields, "the operator's listener refused a request");
    }),
  );
  app.get("/metrics", async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });
  app.use(((error, _request, response, _next) => {
    sendAnswer(response, errorAnswer(asRpError(error)));
  }) satisfies ErrorRequestHandler);
  return app;
}
