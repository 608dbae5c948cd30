/**
 * The resource provider in this process over a real socket and a real database in memory: the frontend alone, or with the
 * forwarder and backend that bring clusters to their goal. Every answer it gives is checked against the contract and ARM's
 * general rules, whatever the test is about; an undeclared or secret member in a body fails the test.
 */
import { OpenAPIBackend, type Document } from "openapi-backend";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import { Backend } from "../../src/backend/backend.ts";
import { readConfig } from "../../src/config.ts";
import { Forwarder } from "../../src/forwarder/forwarder.ts";
import { frontendApp } from "../../src/frontend/app.ts";
import { ArmRouter } from "../../src/listener/armRouter.ts";
import { parseRequestPath } from "../../src/listener/requestPath.ts";
import { Backlog } from "../../src/frontend/backlog.ts";
import { Contract } from "../../src/frontend/contract.ts";
import { docsPage } from "../../src/frontend/docsPage.ts";
import type { Authenticator } from "../../src/listener/authenticator.ts";
import { HttpServer } from "../../src/listener/httpServer.ts";
import { loopbackCallers } from "../../src/listener/loopbackCallers.ts";
import type { TlsCredentials } from "../../src/listener/tlsCredentials.ts";
import { operations } from "../../src/frontend/operations.ts";
import { SkipTokens } from "../../src/frontend/skipTokens.ts";
import type { Installer } from "../../src/installers/installer.ts";
import { localInstaller } from "../../src/installers/local/localInstaller.ts";
import { errorCodes, type ErrorCode } from "../../src/model/errorCodes.ts";
import type { Limits } from "../../src/model/limits.ts";
import type { Timing } from "../../src/model/timing.ts";
import { SqliteQueue } from "../../src/queue/sqliteQueue.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { systemIds, systemRandom } from "../../src/runtime/ids.ts";
import { silentLog, type Log } from "../../src/runtime/log.ts";
import type { Metrics } from "../../src/runtime/metrics.ts";
import { Nudge } from "../../src/runtime/nudge.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { KeyRing } from "../../src/store/keyRing.ts";
import { SealedStore } from "../../src/store/sealedStore.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import type { Store } from "../../src/store/store.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import { swagger } from "../contract/generated.ts";
import { planted, watchedErrors, watchedLog } from "../leaks/leakWatch.ts";
import { newKey, TestKeys } from "../store/sealedStoreFixture.ts";
import type { RecordedTraces } from "../runtime/recordedTraces.ts";

export const apiVersion = "2019-12-31-preview";
export const subscriptionId = "00000000-0000-4000-8000-000000000001";

/** A registry credential as users paste it, with the line feed that `base64` adds. */
export const pullSecretValue = planted("ZHVtbXk6c2VjcmV0LW9mLXRoZS10ZXN0");
const pullSecretJson = JSON.stringify({ auths: { "registry.example": { auth: pullSecretValue } } });
export const pullSecret = Buffer.from(`${pullSecretJson}\n`).toString("base64");

/** The smallest legal body of a create. */
export const smallestBody = { location: "eastus", properties: { pullSecret } } as const;

/** The secret of a service principal. */
export const clientSecret = planted("client-secret-of-the-test");

/** An answer that has passed the general checks. */
export interface RpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; `undefined` when there was none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of any form
  readonly body: any;
  readonly text: string;
}

export interface RpRequest {
  readonly body?: unknown;
  /** Sent as it is instead of `body`. */
  readonly rawBody?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StartOptions {
  /** Whether clusters are brought to their goal; without it they stay as the frontend left them. */
  readonly workers?: boolean;
  readonly store?: (store: Store) => Store;
  readonly authenticator?: Authenticator;
  readonly tls?: TlsCredentials;
  readonly installer?: Installer;
  readonly clock?: Clock;
  readonly log?: Log;
  /** None when absent. */
  readonly operationsLimit?: number;
  readonly limits?: {
    readonly [part in keyof Limits]?: Partial<Limits[part]>;
  };
  readonly unannouncedSubscriptions?: "Registered" | "Unregistered";
  /** How often forwarder and backend look without being nudged. */
  readonly intervalMs?: number;
  /** How soon a worker notices that its operation was cut short. */
  readonly timing?: Timing;
  readonly traces?: RecordedTraces;
  readonly metrics?: Metrics;
  readonly checks?: Parameters<typeof frontendApp>[0]["checks"];
}

const defaultLimits = readConfig({}).limits;

/** Read once for all tests of a file. */
const docs = docsPage(apiVersions);
const contract = await Contract.load(apiVersions, operations);

export class StartedRp implements AsyncDisposable {
  readonly url: string;
  readonly store: Store;
  readonly #stop: () => Promise<void>;
  readonly #startWorkers: () => void;

  private constructor(options: {
    url: string;
    store: Store;
    stop: () => Promise<void>;
    startWorkers: () => void;
  }) {
    this.url = options.url;
    this.store = options.store;
    this.#stop = options.stop;
    this.#startWorkers = options.startWorkers;
  }

  static async start(options: StartOptions = {}): Promise<StartedRp> {
    const { clock = systemClock, metrics } = options;
    const log = watchedLog(options.log ?? silentLog);
    const limits: Limits = {
      connection: { ...defaultLimits.connection, ...options.limits?.connection },
      request: { ...defaultLimits.request, ...options.limits?.request },
      body: { ...defaultLimits.body, ...options.limits?.body },
    };
    const database = await SqliteDatabase.open({ path: ":memory:" });
    const keys = await KeyRing.open({ source: new TestKeys(newKey("first")), clock });
    const plainStore = watchedErrors(
      new SealedStore({
        store: watchedErrors(new SqliteStore({ database, clock })),
        keys,
        random: systemRandom,
      }),
    );
    const store = options.store?.(plainStore) ?? plainStore;
    const queue = new SqliteQueue({ database, clock });
    const committed = new Nudge(clock);
    const sent = new Nudge(clock);
    const halt = new AbortController();
    const running: Promise<void>[] = [];
    const startWorkers = (): void => {
      const shared = {
        store: plainStore,
        queue,
        clock,
        ids: systemIds,
        log,
        timing: options.timing ?? { heartbeatMs: 2_000, leaseMs: 6_000, visibilityMs: 8_000 },
        sent,
        polling: { intervalMs: options.intervalMs ?? 100 },
      };
      const installer =
        options.installer ??
        localInstaller({ domain: "openshift.test", installMs: 0, random: systemRandom, clock });
      running.push(
        new Forwarder({ ...shared, location: "eastus", committed }).run(halt.signal),
        new Backend({
          ...shared,
          installer,
          random: systemRandom,
          workers: 100,
          stopGraceMs: 1_000,
        }).run(halt.signal),
      );
    };
    const app = frontendApp({
      contract,
      docs,
      services: {
        store,
        clock,
        ids: systemIds,
        skipTokens: new SkipTokens({ store, random: systemRandom }),
        backlog: new Backlog({ store, clock, limit: options.operationsLimit ?? 0 }),
        committed,
        location: "eastus",
        unannouncedSubscriptions: options.unannouncedSubscriptions ?? "Registered",
        retryAfterSeconds: 1,
        ...(metrics === undefined ? {} : { onEnded: metrics.operationEnded }),
      },
      authenticator: options.authenticator ?? loopbackCallers,
      ...(metrics === undefined
        ? {}
        : { onReceived: metrics.received, onAnswered: metrics.answered }),
      log,
      limits,
      checks: options.checks ?? [],
      stopping: () => halt.signal.aborted,
      ...(options.traces === undefined ? {} : { tracing: options.traces.tracing(store, queue) }),
    });
    const server = await HttpServer.listen(app, {
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      ids: systemIds,
      log,
      tls: options.tls,
      limits: limits.connection,
    });
    if (options.workers === true) startWorkers();
    return new StartedRp({
      url: server.url,
      store: plainStore,
      startWorkers,
      stop: async () => {
        await server.stop(1_000);
        halt.abort();
        await Promise.all(running);
        await database.close();
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  /** From now on clusters are brought to their goal. */
  startWorkers(): void {
    this.#startWorkers();
  }

  /** Sends a request to a path with query, or to an absolute link, and checks the answer. */
  async send(method: string, target: string, request: RpRequest = {}): Promise<RpResponse> {
    const body =
      request.rawBody ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
    const response = await fetch(new URL(target, this.url), {
      method,
      ...(body === undefined ? {} : { body: body as string }),
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...request.headers,
      },
      redirect: "manual",
    });
    const text = await response.text();
    const answer = {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
      text,
    };
    checkAnswer(method, target, answer);
    return answer;
  }

  get = async (path: string, request?: RpRequest): Promise<RpResponse> =>
    this.send("GET", withVersion(path), request);
  put = async (path: string, body: unknown, request?: RpRequest): Promise<RpResponse> =>
    this.send("PUT", withVersion(path), { ...request, body });
  patch = async (path: string, body: unknown, request?: RpRequest): Promise<RpResponse> =>
    this.send("PATCH", withVersion(path), { ...request, body });
  delete = async (path: string, request?: RpRequest): Promise<RpResponse> =>
    this.send("DELETE", withVersion(path), request);

  /** Asks for a path until the answer is as wanted. */
  async until(path: string, wanted: (answer: RpResponse) => boolean): Promise<RpResponse> {
    for (;;) {
      const answer = await this.get(path);
      if (wanted(answer)) return answer;
    }
  }

  /** A cluster that has been created with this body and has come to rest. */
  async created(name: string, body: unknown = smallestBody): Promise<RpResponse> {
    const answer = await this.put(clusterPath(name), body);
    expect(answer.status).toBe(201);
    return this.settled(name);
  }

  /** The cluster once no operation runs on it. */
  async settled(name: string): Promise<RpResponse> {
    return this.until(
      clusterPath(name),
      ({ body }) =>
        !["Creating", "Updating", "Deleting"].includes(body?.properties?.provisioningState),
    );
  }
}

/** The path of a cluster. */
export function clusterPath(
  name: string,
  { group = "group", subscription = subscriptionId } = {},
): string {
  return (
    `/subscriptions/${subscription}/resourceGroups/${encodeURIComponent(group)}` +
    `/providers/RedHat.OpenShift/OpenShiftClusters/${name}`
  );
}

function withVersion(path: string): string {
  if (path.includes("api-version=")) return path;
  return `${path}${path.includes("?") ? "&" : "?"}api-version=${apiVersion}`;
}

/** The contract of an api-version, as far as answers are checked against it. */
interface AnswerCheck {
  readonly api: OpenAPIBackend;
  readonly router: ArmRouter;
  /** The names of an answer's headers as the contract declares them, in lower case and sorted. */
  readonly headersOf: (operationId: string, status: number) => readonly string[];
}

const answerChecks = new Map<string, AnswerCheck>();
for (const { name } of apiVersions) answerChecks.set(name, await answerCheck(name));

async function answerCheck(name: string): Promise<AnswerCheck> {
  const file = new URL(`../../generated/runtime/${name}/openapi.json`, import.meta.url);
  const api = new OpenAPIBackend({
    definition: JSON.parse(readFileSync(file, "utf8")) as Document,
    quick: true,
    ajvOpts: { allErrors: true },
  });
  await api.init();
  const router = new ArmRouter(api.getOperations());
  const operations = Object.values(swagger(name as ApiVersionName).document.paths).flatMap(
    (methods) => Object.values(methods),
  );
  const headersOf = (operationId: string, status: number): readonly string[] => {
    const operation = operations.find((each) => each.operationId === operationId);
    const headers = operation?.responses[String(status)]?.headers ?? {};
    return Object.keys(headers)
      .map((header) => header.toLowerCase())
      .toSorted();
  };
  return { api, router, headersOf };
}

/** What says where an operation goes on. */
const followHeaders = ["azure-asyncoperation", "location", "retry-after"];

/** The contract that an answer is given under; that of the first version where the request names none. */
function answerCheckOf(query: URLSearchParams): AnswerCheck {
  const asked = answerChecks.get(query.get("api-version")?.toLowerCase() ?? "");
  const check = asked ?? answerChecks.get(apiVersion);
  if (check === undefined) throw new TypeError(`${apiVersion} is not served`);
  return check;
}

function checkAnswer(
  method: string,
  target: string,
  { status, headers, body, text }: RpResponse,
): void {
  const where = `${method} ${target} answered ${status} ${text.slice(0, 500)}`;
  expect(status, where).toBeLessThan(status === 503 ? 504 : 500);
  expect(headers.get("x-ms-request-id"), where).toMatch(/^[0-9a-f-]{36}$/);
  expect(headers.get("date"), where).toBeTruthy();
  expect(headers.get("x-powered-by"), where).toBeNull();
  expect(text, where).not.toContain(pullSecretValue);
  expect(text, where).not.toContain(pullSecret);
  expect(text, where).not.toContain(clientSecret);
  if (status === 202 || status === 204) expect(text, where).toBe("");
  if (text !== "") {
    expect(headers.get("content-type"), where).toBe("application/json; charset=utf-8");
  }
  if (status === 202) expect(headers.get("location"), where).toMatch(/^https?:\/\//);
  if (status === 503) expect(headers.get("retry-after"), where).toMatch(/^[0-9]+$/);
  if (status >= 400 && method !== "HEAD") {
    expect(body?.error?.message, where).toBeTruthy();
    expect(errorCodes[body.error.code as ErrorCode]?.status, where).toBe(status);
    expect(headers.get("x-ms-error-code"), where).toBe(body.error.code);
  }
  const { pathname, searchParams } = new URL(target, "http://host");
  const { api, router, headersOf } = answerCheckOf(searchParams);
  const operation = isWellFormed(pathname)
    ? router.route(parseRequestPath(pathname))?.operations.get(method.toLowerCase())
    : undefined;
  if (operation === undefined) return;
  // a change that has nothing to do begins no operation, and nobody need ask again about one that has ended
  const isUnfinished =
    status === 202 || headers.has("azure-asyncoperation") || body?.status === "InProgress";
  if (status < 400) {
    const follow = followHeaders.filter((name) => headers.has(name));
    const declared = isUnfinished ? headersOf(operation.operationId ?? "", status) : [];
    expect(follow, where).toEqual(declared);
  }
  if (text === "") return;
  const { errors } = api.validateResponse(body, operation, status);
  expect(errors, where).toBeNull();
}

function isWellFormed(path: string): boolean {
  try {
    return decodeURIComponent(path) !== "";
  } catch {
    return false;
  }
}
