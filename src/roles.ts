/**
 * Puts the roles together from what they share in a process: a part of the composition, which names adapters of installers only.
 * It must hold no rule of its own.
 */
import { AdminServer } from "./admin/adminServer.ts";
import { Backend } from "./backend/backend.ts";
import type { Config } from "./config.ts";
import type { Engines } from "./engines.ts";
import { Forwarder } from "./forwarder/forwarder.ts";
import { frontendApp } from "./frontend/app.ts";
import { Backlog } from "./frontend/backlog.ts";
import { Contract } from "./frontend/contract.ts";
import { docsPage } from "./frontend/docsPage.ts";
import { operations } from "./frontend/operations.ts";
import { SkipTokens } from "./frontend/skipTokens.ts";
import type { Installer } from "./installers/installer.ts";
import { checkProgramFile } from "./installers/azure/assets/programFile.ts";
import { localInstaller } from "./installers/local/localInstaller.ts";
import { Authentication } from "./listener/authentication.ts";
import { HttpServer } from "./listener/httpServer.ts";
import type { Timing } from "./model/timing.ts";
import { systemClock } from "./runtime/clock.ts";
import { DrainableWork } from "./runtime/drainableWork.ts";
import { systemIds, systemRandom } from "./runtime/ids.ts";
import type { Log } from "./runtime/log.ts";
import type { Metrics } from "./runtime/metrics.ts";
import type { Nudge } from "./runtime/nudge.ts";
import type { Tracing } from "./runtime/traces.ts";
import type { TracedEngines } from "./tracing.ts";
import { apiVersions } from "./versions/registry.ts";

/** What the roles share in this process. */
export interface Ground {
  /** Of this program. */
  readonly version: string;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly engines: Engines;
  readonly authentication: Authentication;
  readonly tracing: Tracing<TracedEngines>;
  readonly timing: Timing;
  readonly committed: Nudge;
  readonly sent: Nudge;
  /** Aborted when the process is to stop. */
  readonly stop: AbortSignal;
  /** How long a role may take to stop. */
  readonly graceMs: number;
}

/** Each installer by the name that `INSTALLER` gives it; what one needs is loaded when it is chosen. */
const installers: Readonly<Record<Config["installer"], (ground: Ground) => Promise<Installer>>> = {
  local: async ({ config: { domain, localInstallMs, localFailingStep } }) =>
    localInstaller({
      domain,
      installMs: localInstallMs,
      failingStep: localFailingStep,
      random: systemRandom,
      clock: systemClock,
    }),
  azure: async ({ config: { azureInstaller: settings }, engines: { keys }, log, stop }) => {
    if (settings === undefined) throw new TypeError("the installer on Azure has no settings");
    const { installerOnAzure } = await import("./azureInstallation.ts");
    return installerOnAzure(settings, { keys, log, stop });
  },
};

/**
 * What can be told before anything is opened: a process that has no program to run must not leave a new database and key.
 *
 * @throws {ProgramFileError} when the installer has no program to run.
 */
export async function checkFiles({ roles, azureInstaller }: Config): Promise<void> {
  if (azureInstaller === undefined || !roles.includes("backend")) return;
  await checkProgramFile(azureInstaller.installProgram);
}

/** Of the listeners that there will be. */
export async function authenticationFor(config: Config, log: Log): Promise<Authentication> {
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

/**
 * What the roles of this process do, until it is drained or stopped.
 *
 * @param installerOf makes the installer, should there be a backend; that of the settings by default.
 */
export async function workOf(
  ground: Ground,
  installerOf: (ground: Ground) => Promise<Installer> = chosenInstaller,
): Promise<DrainableWork> {
  const { roles } = ground.config;
  const worker = roles.includes("backend") ? backend(ground, await installerOf(ground)) : undefined;
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

/** The listener for operators, if there is to be one. */
export async function operators(
  ground: Ground,
  work: DrainableWork,
  stopping: () => boolean,
): Promise<AdminServer | undefined> {
  const { version, config, log, metrics, engines, authentication, tracing, committed } = ground;
  const { adminHost: host, adminPort: port, location, roles } = config;
  if (port === undefined) return undefined;
  const { store } = engines;
  const control = {
    status: () => ({
      state: work.state,
      pid: process.pid,
      version,
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
    check: async (signal, logIds) => store.ping({ signal, logIds }),
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

export async function frontend(
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
      { name: "database", check: async (signal, logIds) => store.ping({ signal, logIds }) },
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

async function chosenInstaller(ground: Ground): Promise<Installer> {
  return installers[ground.config.installer](ground);
}

function backend(ground: Ground, installer: Installer): Backend {
  const { config, log, metrics, engines, tracing, timing, sent, graceMs } = ground;
  const { store, queue, polling } = engines;
  const role = new Backend({
    store,
    queue,
    installer,
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
