/**
 * The composition root: settings → adapters → roles → a clean stop in reverse. Beside
 * `engines.ts` it is the only file that names an adapter, and it holds no rule of its own. It is never imported.
 */
import { readFileSync } from "node:fs";
import { AdminServer } from "./admin/adminServer.ts";
import { Backend } from "./backend/backend.ts";
import { ConfigError, readConfig, readMisspelt, type Config } from "./config.ts";
import { EnginesOpenError, openEngines, type Engines } from "./engines.ts";
import { Forwarder } from "./forwarder/forwarder.ts";
import { frontendApp } from "./frontend/app.ts";
import { Backlog } from "./frontend/backlog.ts";
import { Contract } from "./frontend/contract.ts";
import { docsPage } from "./frontend/docsPage.ts";
import { Authentication } from "./listener/authentication.ts";
import { HttpServer } from "./listener/httpServer.ts";
import { TlsFilesError } from "./listener/tlsCredentials.ts";
import { operations } from "./frontend/operations.ts";
import { SkipTokens } from "./frontend/skipTokens.ts";
import type { Installer } from "./installers/installer.ts";
import { localInstaller } from "./installers/local/localInstaller.ts";
import type { Timing } from "./model/timing.ts";
import type { Queue } from "./queue/queue.ts";
import { StorageQueueOpenError } from "./queue/storageQueueConnection.ts";
import { TracedQueue } from "./queue/tracedQueue.ts";
import { systemClock } from "./runtime/clock.ts";
import { DrainableWork } from "./runtime/drainableWork.ts";
import { systemIds, systemRandom } from "./runtime/ids.ts";
import { Metrics } from "./runtime/metrics.ts";
import { Nudge } from "./runtime/nudge.ts";
import type { OtlpTraces } from "./runtime/otlpTraces.ts";
import { pinoLog, type ProcessLog } from "./runtime/pinoLog.ts";
import { logWithout, type Log } from "./runtime/log.ts";
import { untraced, type Traces, type Tracing } from "./runtime/traces.ts";
import { CosmosOpenError } from "./store/cosmosConnection.ts";
import { KeyFileError } from "./store/keyFile.ts";
import { KeyVaultError } from "./store/keyVault.ts";
import { isOfLostFile, SqliteFileLostError, SqliteOpenError } from "./store/sqliteDatabase.ts";
import type { Store } from "./store/store.ts";
import { TracedStore } from "./store/tracedStore.ts";
import { apiVersions } from "./versions/registry.ts";

/** How long requests have to be refused before the process ends by a fault. */
const refuseMs = 250;
/** How long the end of the process waits for whoever reads its log. */
const flushMs = 100;
/** What the very end of a stop takes: the flush above, and the process itself. */
const endReserveMs = 250;

/** The most that a stop waits for the collector of traces. */
const traceFlushMs = 2_000;
/** What closing files takes then, and the end. */
const closeReserveMs = 500;

/** Exit codes: what a supervisor can act on. */
const exitCode = { stopped: 0, fault: 1, badSettings: 2 } as const;

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function settings(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remarks = readMisspelt().map(({ variable, meant }) => `\n${variable} ${misspelt(meant)}`);
    const text = `${error.message}${remarks.join("")}`;
    process.stderr.write(`The settings are not valid:\n${indent(text)}\n`);
    process.exit(exitCode.badSettings);
  }
}

/** What is said of a variable that is set but is no setting. */
function misspelt(meant: string | undefined): string {
  return `is no setting${meant === undefined ? "" : `; ${meant} may be meant`}`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}

/** What the roles share in this process. */
interface Ground {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly engines: Engines;
  readonly authentication: Authentication;
  readonly tracing: Tracing<TracedEngines>;
  readonly timing: Timing;
  readonly committed: Nudge;
  readonly sent: Nudge;
  /** How long a role may take to stop. */
  readonly graceMs: number;
}

/** The ports as the roles ask them. */
interface TracedEngines {
  readonly store: Store;
  readonly queue: Queue;
}

/** Each installer by the name that `INSTALLER` gives it. */
const installers: Readonly<Record<Config["installer"], (config: Config) => Installer>> = {
  local: ({ domain, localInstallMs }) =>
    localInstaller({ domain, installMs: localInstallMs, random: systemRandom, clock: systemClock }),
};

async function run(
  config: Config,
  { log, metrics, stop }: { log: Log; metrics: Metrics; stop: AbortSignal },
): Promise<void> {
  const authentication = await authenticationFor(config, log);
  await using engines = await openEngines(config, { log, metrics, stop });
  const traces = await openTraces(config, log);
  const ground: Ground = {
    config,
    log,
    metrics,
    engines,
    authentication,
    tracing: tracingOf(engines, traces),
    timing: {
      heartbeatMs: config.heartbeatMs,
      leaseMs: config.leaseMs,
      visibilityMs: config.visibilityMs,
    },
    committed: new Nudge(systemClock),
    sent: new Nudge(systemClock),
    // requests and workers have most of a stop's time, side by side; what remains is for closing files
    graceMs: Math.max(0, config.shutdownMs - 1_000),
  };

  // the port comes first: a process that can't have it must not take up any work
  const work = workOf(ground);
  const takesNoWork = (): boolean => stop.aborted || work.state !== "working";
  const server = config.roles.includes("frontend")
    ? await frontend(ground, takesNoWork)
    : undefined;
  const admin = await operators(ground, work, takesNoWork);
  work.begin();
  const halt = new AbortController();
  const authenticating = authentication.run(halt.signal);
  log.info(
    {
      version: version(),
      pid: process.pid,
      roles: config.roles.join(","),
      engines: engines.name,
      url: server?.url,
      adminUrl: admin?.url,
    },
    server === undefined
      ? `OpenShift resource provider ${version()} runs as ${config.roles.join(", ")}`
      : `OpenShift resource provider ${version()} listens on ${server.url}`,
  );

  const lost = await engines.untilLost(stop);
  if (lost !== undefined) {
    // nothing that the roles hold can be given back any more
    await server?.stop(refuseMs);
    await traces?.stop(refuseMs);
    throw lost;
  }
  const stoppedAt = systemClock.monotonic();
  log.info({}, "stopping");
  await Promise.all([server?.stop(ground.graceMs), work.stop()]);
  await admin?.stop();
  halt.abort();
  await authenticating;
  const leftMs = config.shutdownMs - (systemClock.monotonic() - stoppedAt) - closeReserveMs;
  await traces?.stop(Math.max(0, Math.min(traceFlushMs, leftMs)));
  // nobody has looked since; what is gone is no clean stop
  const lostMeanwhile = await engines.untilLost(stop);
  if (lostMeanwhile !== undefined) throw lostMeanwhile;
}

/** Of the listeners that there will be. */
async function authenticationFor(config: Config, log: Log): Promise<Authentication> {
  const { roles, auth, adminPort, adminAuth, tls } = config;
  return Authentication.open({
    auths: [
      ...(roles.includes("frontend") ? [auth] : []),
      ...(adminPort === undefined ? [] : [adminAuth]),
    ],
    tls,
    clock: systemClock,
    log,
    fetch,
  });
}

/** What the roles of this process do, until it is drained or stopped. */
function workOf(ground: Ground): DrainableWork {
  const { roles } = ground.config;
  const worker = roles.includes("backend") ? backend(ground) : undefined;
  const others = roles.includes("forwarder") ? [forwarder(ground)] : [];
  return new DrainableWork({
    run: async (signal) =>
      Promise.all(
        [...(worker === undefined ? [] : [worker]), ...others].map((role) => role.run(signal)),
      ),
    busy: () => worker?.busy ?? 0,
    log: ground.log,
  });
}

/** The library is loaded only where it is used. */
async function openTraces({ traces: settings }: Config, log: Log): Promise<OtlpTraces | undefined> {
  if (settings === undefined) return undefined;
  const { OtlpTraces } = await import("./runtime/otlpTraces.ts");
  const effects = { clock: systemClock, random: systemRandom, log };
  return new OtlpTraces({ ...effects, settings, version: version() });
}

/** Without traces nothing stands in front of the engines. */
function tracingOf(engines: Engines, traces: Traces | undefined): Tracing<TracedEngines> {
  if (traces === undefined) return untraced(engines);
  const { store, systems } = engines;
  const messaging = {
    "messaging.system": systems.queue,
    "messaging.destination.name": systems.queueName,
  };
  return {
    traces,
    messaging,
    enginesWithin: (current) => ({
      store: new TracedStore(store, { traces, system: systems.store, current }),
      get queue() {
        return new TracedQueue(engines.queue, { traces, messaging, current });
      },
    }),
  };
}

/** The listener for operators, if there is to be one. */
async function operators(
  { config, log, metrics, engines, authentication, tracing, committed }: Ground,
  work: DrainableWork,
  stopping: () => boolean,
): Promise<AdminServer | undefined> {
  const { adminHost: host, adminPort: port, location, roles } = config;
  if (port === undefined) return undefined;
  const { store } = engines;
  const control = {
    status: () => ({
      state: work.state,
      pid: process.pid,
      version: version(),
      roles,
      workersBusy: work.busy,
    }),
    drain: () => work.drain(),
    undrain: () => work.undrain(),
  };
  return AdminServer.listen({
    ...authentication.of(config.adminAuth),
    host,
    port,
    metrics,
    check: async (signal) => store.ping({ signal }),
    stopping,
    services: {
      store,
      clock: systemClock,
      ids: systemIds,
      committed,
      location,
      process: control,
    },
    limits: config.limits,
    tracing,
    log,
  });
}

async function frontend(
  { config, log, metrics, engines: { store }, authentication, tracing, committed }: Ground,
  stopping: () => boolean,
): Promise<HttpServer> {
  const shared = { clock: systemClock, ids: systemIds };
  const { authenticator, tls } = authentication.of(config.auth);
  metrics.operationsLimit(config.operationsLimit);
  const app = frontendApp({
    contract: await Contract.load(apiVersions, operations),
    docs: docsPage(apiVersions),
    services: {
      ...shared,
      store,
      skipTokens: new SkipTokens({ store, random: systemRandom }),
      backlog: new Backlog({
        store,
        clock: systemClock,
        log,
        limit: config.operationsLimit,
        onRefused: metrics.refused,
      }),
      onEnded: metrics.operationEnded,
      committed,
      location: config.location,
      unannouncedSubscriptions: config.unannouncedSubscriptions,
      retryAfterSeconds: config.retryAfterSeconds,
    },
    authenticator,
    log,
    limits: config.limits,
    checks: [
      { name: "database", check: async (signal) => store.ping({ signal }) },
      { name: "metadata endpoint of ARM", check: async () => authentication.checkReady() },
    ],
    stopping,
    onReceived: metrics.received,
    onAnswered: metrics.answered,
    tracing,
  });
  return HttpServer.listen(app, {
    ...shared,
    host: config.host,
    port: config.port,
    log,
    tls,
    limits: config.limits.connection,
  });
}

function backend({
  config,
  log,
  metrics,
  engines,
  tracing,
  timing,
  sent,
  graceMs,
}: Ground): Backend {
  const { store, queue, polling } = engines;
  const role = new Backend({
    store,
    queue,
    installer: installers[config.installer](config),
    clock: systemClock,
    ids: systemIds,
    random: systemRandom,
    log,
    timing,
    workers: config.workers,
    sent,
    polling,
    stopGraceMs: graceMs,
    onStep: metrics.stepEnded,
    tracing,
    onClaim: metrics.claimed,
    onClaimLost: metrics.claimLost,
    onEnded: metrics.operationEnded,
  });
  metrics.workers(config.workers, () => role.busy);
  return role;
}

function forwarder(ground: Ground): Forwarder {
  const { config, log, metrics, engines, tracing, timing, committed, sent } = ground;
  const { store, queue, polling } = engines;
  const role = new Forwarder({
    store,
    queue,
    clock: systemClock,
    ids: systemIds,
    log,
    timing,
    location: config.location,
    committed,
    sent,
    polling,
    tracing,
    onMessagesSent: metrics.messagesSent,
    onFlagged: metrics.flagged,
    onEnded: metrics.operationEnded,
  });
  metrics.forwarder(
    () => ({ holdsLease: role.holdsLease, activity: role.activity }),
    () => systemClock.now(),
  );
  return role;
}

async function main(): Promise<void> {
  const config = settings();
  const log = pinoLog({
    level: config.logLevel,
    clock: systemClock,
    readable: process.stdout.isTTY === true,
  });
  for (const { variable, meant } of readMisspelt()) {
    log.warn({}, `${variable} is set, but ${misspelt(meant)}`);
  }
  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, () => stop.abort());
  stop.signal.addEventListener("abort", () => endInTime(config, log));
  process.on("unhandledRejection", (error) => {
    // a defect; state is safe in the database, so going on serves users better than stopping
    log.error({ error }, "an unhandled rejection: a defect of the resource provider");
  });
  process.on("uncaughtExceptionMonitor", (error) => {
    log.error({ error }, "an uncaught exception: a defect of the resource provider");
    log.flush(flushMs);
  });
  try {
    const metrics = new Metrics({ apiVersions: apiVersions.map(({ name }) => name) });
    metrics.logLinesDropped(() => log.linesDropped());
    await run(config, { log: logWithout(log, isOfLostFile), metrics, stop: stop.signal });
    log.info({}, "stopped");
    process.exitCode = exitCode.stopped;
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) {
      log.info({}, "stopped before everything was open");
      process.exitCode = exitCode.stopped;
    } else {
      tellFault(error, config, log);
      process.exitCode = exitCode.fault;
    }
  }
  log.flush(flushMs);
  // nothing is left to do; a forgotten timer must not keep the process
  process.exit();
}

/** To the log, and to standard error when somebody else reads that. */
function tellFault(error: unknown, config: Config, log: ProcessLog): void {
  const reason = knownFault(error, config);
  if (reason === undefined) log.error({ error }, "the resource provider cannot run");
  else log.error({ reason }, "the resource provider cannot run");
  if (isSeenInLog(config)) return;
  process.stderr.write(`${reason ?? (error instanceof Error ? error.message : String(error))}\n`);
}

/** Whether who sees standard error sees the log as well, as both go to a terminal: nothing is said there twice. */
function isSeenInLog({ logLevel }: Config): boolean {
  const { stdout, stderr } = process;
  return stdout.isTTY === true && stderr.isTTY === true && logLevel !== "silent";
}

/** Their messages say what to do. */
const ownFaults = [
  TlsFilesError,
  SqliteOpenError,
  SqliteFileLostError,
  CosmosOpenError,
  StorageQueueOpenError,
  KeyFileError,
  KeyVaultError,
  EnginesOpenError,
];

/** What whoever runs the program can mend, in a sentence; a stack would only hide it. */
function knownFault(error: unknown, config: Config): string | undefined {
  if (ownFaults.some((kind) => error instanceof kind)) return (error as Error).message;
  if (!(error instanceof Error)) return undefined;
  const { code, port, address } = error as NodeJS.ErrnoException & {
    readonly port?: number;
    readonly address?: string;
  };
  const variable = port === config.adminPort ? "ADMIN_PORT" : "PORT";
  if (code === "EADDRINUSE") {
    return `Port ${port} of ${address} is taken (EADDRINUSE): stop what listens there, or set ${variable}.`;
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return `There is no such address on this machine (${error.message}): set HOST or ADMIN_HOST.`;
  }
  if (code === "EACCES") {
    return `Port ${port} of ${address} may not be opened by this user (EACCES): set ${variable}.`;
  }
  return undefined;
}

/**
 * Whatever hangs, a stop takes no longer than was set. It was asked for, so it is no fault: what isn't done is safe in the
 * database, and others take it over.
 */
function endInTime(config: Config, log: ProcessLog): void {
  const last = setTimeout(
    () => {
      log.warn({}, "the stop did not end in time; what is left undone is taken over by others");
      log.flush(flushMs);
      process.exit(exitCode.stopped);
    },
    Math.max(0, config.shutdownMs - endReserveMs),
  );
  last.unref();
}

await main();
