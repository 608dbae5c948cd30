/**
 * The operator's listener, on an address of its own: metrics, whether the process is well, and the operator's API. Each process may
 * have one, whatever its roles. It must never show a secret, nor personal data of customers.
 */
import { HttpServer, type HttpServerOptions } from "../listener/httpServer.ts";
import type { ReadinessCheck } from "../listener/health.ts";
import type { Limits } from "../model/limits.ts";
import { adminApp, type AdminAppOptions } from "./adminApp.ts";
import { AdminContract } from "./adminContract.ts";
import { adminOperations } from "./operations.ts";

/** What an operator has asked for is quickly done; a stop waits no longer. */
const stopGraceMs = 250;

export interface AdminServerOptions
  extends
    Pick<HttpServerOptions, "host" | "port" | "tls">,
    Omit<AdminAppOptions, "contract" | "checks" | "limits"> {
  readonly limits: Limits;
  /** Resolves when what the process depends on answers. */
  readonly check: ReadinessCheck["check"];
}

export class AdminServer {
  readonly #server: HttpServer;

  private constructor(server: HttpServer) {
    this.#server = server;
  }

  /**
   * Opens the port.
   *
   * @throws {Error} of Node, such as `EADDRINUSE`.
   */
  static async listen(options: AdminServerOptions): Promise<AdminServer> {
    const { host, port, log, services, check, tls, limits } = options;
    const app = adminApp({
      ...options,
      contract: await AdminContract.load(adminOperations),
      checks: [{ name: "database", check }],
    });
    const { clock, ids } = services;
    return new AdminServer(
      await HttpServer.listen(app, { host, port, clock, ids, log, tls, limits: limits.connection }),
    );
  }

  /** Where it listens. */
  get url(): string {
    return this.#server.url;
  }

  /** Ends what is under way, within a moment. */
  async stop(): Promise<void> {
    await this.#server.stop(stopGraceMs);
  }
}
