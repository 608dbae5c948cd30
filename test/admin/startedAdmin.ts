/**
 * The operator's listener over a real socket, on a store that the test hands in or on a real database in memory. Every answer is
 * held against the contract, whatever the test is about, and every line of the log is kept.
 */
import { readConfig } from "../../src/config.ts";
import { readFileSync } from "node:fs";
import { OpenAPIBackend, type Document } from "openapi-backend";
import { expect } from "vitest";
import { AdminServer, type AdminServerOptions } from "../../src/admin/adminServer.ts";
import type { ProcessControl } from "../../src/admin/exchange.ts";
import { loopbackCallers } from "../../src/listener/loopbackCallers.ts";
import { ArmRouter } from "../../src/listener/armRouter.ts";
import { parseRequestPath } from "../../src/listener/requestPath.ts";
import { errorCodes, type ErrorCode } from "../../src/model/errorCodes.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { systemIds } from "../../src/runtime/ids.ts";
import { Metrics } from "../../src/runtime/metrics.ts";
import { Nudge } from "../../src/runtime/nudge.ts";
import { pinoLog, type LogLevel } from "../../src/runtime/pinoLog.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import type { Store } from "../../src/store/store.ts";
import { clusterKey } from "../../src/model/resourceId.ts";
import { watchedLog } from "../leaks/leakWatch.ts";
import { partition } from "../store/documents.ts";

/** An answer that is as the contract says. */
export interface AdminResponse {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of any form
  readonly body: any;
  readonly text: string;
}

/** A line of the log, as written. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into lines of any form
export type WrittenLine = Readonly<Record<string, any>>;

export interface AdminOptions extends Partial<
  Pick<AdminServerOptions, "metrics" | "check" | "stopping" | "authenticator">
> {
  /** Other than one of its own. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly process?: ProcessControl;
  readonly committed?: Nudge;
  readonly logLevel?: LogLevel;
}

const idle: ProcessControl = {
  status: () => ({ state: "working", pid: 1, version: "0", roles: [], workersBusy: 0 }),
  drain: () => {},
  undrain: () => true,
};

export class StartedAdmin implements AsyncDisposable {
  readonly url: string;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly lines: WrittenLine[];
  readonly #stop: () => Promise<void>;

  private constructor(options: {
    readonly url: string;
    readonly store: Store;
    readonly metrics: Metrics;
    readonly lines: WrittenLine[];
    readonly stop: () => Promise<void>;
  }) {
    this.url = options.url;
    this.store = options.store;
    this.metrics = options.metrics;
    this.lines = options.lines;
    this.#stop = options.stop;
  }

  static async start(options: AdminOptions = {}): Promise<StartedAdmin> {
    const {
      clock = systemClock,
      metrics = new Metrics({ apiVersions: ["2020-04-30"] }),
      process = idle,
    } = options;
    const database =
      options.store === undefined ? await SqliteDatabase.open({ path: ":memory:" }) : undefined;
    const store = options.store ?? new SqliteStore({ database: database as SqliteDatabase, clock });
    const lines: WrittenLine[] = [];
    const write = (line: string): void => {
      // one line is one record, whatever a caller has put into it
      expect(line.trimEnd()).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
      lines.push(JSON.parse(line) as WrittenLine);
    };
    const server = await AdminServer.listen({
      host: "127.0.0.1",
      port: 0,
      metrics,
      check: options.check ?? (async (signal) => store.ping({ signal })),
      stopping: options.stopping ?? (() => false),
      limits: readConfig({}).limits,
      authenticator: options.authenticator ?? loopbackCallers,
      services: {
        store,
        clock,
        ids: systemIds,
        committed: options.committed ?? new Nudge(clock),
        location: "eastus",
        process,
      },
      log: watchedLog(
        pinoLog({ level: options.logLevel ?? "debug", clock, readable: false, sink: { write } }),
      ),
    });
    const stop = async (): Promise<void> => {
      await server.stop();
      await database?.close();
    };
    return new StartedAdmin({ url: server.url, store, metrics, lines, stop });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  /** The lines of the audit log that tell what came of a call. */
  get audited(): readonly WrittenLine[] {
    return this.lines.filter(({ audit, intent }) => audit === true && intent === undefined);
  }

  /** Those that tell what is about to be done. */
  get intents(): readonly WrittenLine[] {
    return this.lines.filter(({ audit, intent }) => audit === true && intent !== undefined);
  }

  /** Sends a request to a path, or to an absolute link, and checks the answer. */
  async send(method: string, target: string, init: RequestInit = {}): Promise<AdminResponse> {
    const url = new URL(target, this.url);
    const response = await fetch(url, { redirect: "manual", ...init, method });
    const text = await response.text();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const { status, headers } = response;
    checkAnswer(`${method} ${target}`, { method, path: url.pathname, status, headers, body });
    return { status, headers, body, text };
  }

  get = async (target: string): Promise<AdminResponse> => this.send("GET", target);

  post = async (target: string, body: unknown = {}): Promise<AdminResponse> =>
    this.send("POST", target, {
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    });
}

/** The path of a cluster of the tests' documents. */
export function adminPath(name: string, { group = "rg", subscription = partition } = {}): string {
  return (
    `/admin/v1/subscriptions/${subscription}/resourceGroups/${encodeURIComponent(group)}` +
    `/providers/RedHat.OpenShift/OpenShiftClusters/${encodeURIComponent(name)}`
  );
}

/** Where its document is. */
export function keyOf(name: string, resourceGroup = "rg") {
  return clusterKey({ subscriptionId: partition, resourceGroup, name });
}

const file = new URL("../../generated/admin/openapi.json", import.meta.url);
const api = new OpenAPIBackend({
  definition: JSON.parse(readFileSync(file, "utf8")) as Document,
  strict: true,
  ajvOpts: { allErrors: true, formats: { "date-time": true, url: true, uri: true } },
});
await api.init();
const router = new ArmRouter(api.getOperations());

function checkAnswer(
  where: string,
  answer: {
    readonly method: string;
    readonly path: string;
    readonly status: number;
    readonly headers: Headers;
    readonly body: unknown;
  },
): void {
  const { method, path, status, headers, body } = answer;
  expect(headers.get("x-ms-request-id"), where).toMatch(/^[0-9a-f-]{36}$/);
  expect(headers.get("x-powered-by"), where).toBeNull();
  if (body !== undefined) {
    expect(headers.get("content-type"), where).toBe("application/json; charset=utf-8");
  }
  if (status === 503) expect(headers.get("retry-after"), where).toMatch(/^[0-9]+$/);
  if (status >= 400 && body !== undefined) {
    const { code } = (body as { readonly error: { readonly code: ErrorCode } }).error;
    expect(errorCodes[code]?.status, where).toBe(status);
    expect(headers.get("x-ms-error-code"), where).toBe(code);
  }
  let operation;
  try {
    operation = router.route(parseRequestPath(path))?.operations.get(method.toLowerCase());
  } catch {
    return;
  }
  if (operation === undefined || body === undefined) return;
  const { errors } = api.validateResponse(body, operation, status);
  expect(errors, `${where} ${JSON.stringify(body)}`).toBeNull();
}
