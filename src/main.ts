/**
 * The composition root: settings → engines → roles → a clean stop in reverse. With its parts (`engines.ts`, `roles.ts`, `tracing.ts`,
 * `startFault.ts`) it alone names adapters, and it holds no rule of its own. It is never imported.
 */
import { readFileSync } from "node:fs";
import { ConfigError, readConfig, readMisspelt, type Config } from "./config.ts";
import { openEngines } from "./engines.ts";
import {
  authenticationFor,
  checkFiles,
  frontend,
  operators,
  workOf,
  type Ground,
} from "./roles.ts";
import { systemClock } from "./runtime/clock.ts";
import type { DrainableWork } from "./runtime/drainableWork.ts";
import { logWithout, type Log } from "./runtime/log.ts";
import { Metrics } from "./runtime/metrics.ts";
import { Nudge } from "./runtime/nudge.ts";
import { pinoLog, type ProcessLog } from "./runtime/pinoLog.ts";
import { tellFault } from "./startFault.ts";
import { isOfLostFile } from "./store/sqliteFailure.ts";
import { openTraces, tracingOf } from "./tracing.ts";
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

const { version } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { readonly version: string };

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

async function run(
  config: Config,
  { log, metrics, stop }: { log: Log; metrics: Metrics; stop: AbortSignal },
): Promise<void> {
  await checkFiles(config);
  const authentication = await authenticationFor(config, log);
  await using engines = await openEngines(config, { log, metrics, stop });
  const traces = await openTraces(config, { version, log });
  const ground: Ground = {
    version,
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
    stop,
    // requests and workers have most of a stop's time, side by side; what remains is for closing files
    graceMs: Math.max(0, config.shutdownMs - 1_000),
  };

  // the ports come first: a process that can't have them must not take up any work
  const work = await workOf(ground);
  const takesNoWork = (): boolean => stop.aborted || work.state !== "working";
  const { admin, server } = await openListeners(ground, work, takesNoWork);
  work.begin();
  const halt = new AbortController();
  const authenticating = authentication.run(halt.signal);
  log.info(
    {
      version,
      pid: process.pid,
      roles: config.roles.join(","),
      engines: engines.name,
      url: server?.url,
      adminUrl: admin?.url,
    },
    server === undefined
      ? `OpenShift resource provider ${version} runs as ${config.roles.join(", ")}`
      : `OpenShift resource provider ${version} listens on ${server.url}`,
  );

  const fault = await Promise.race([
    engines.untilLost(stop).then((lost) => lost && { error: lost }),
    work.untilBroken(stop),
  ]);
  if (fault !== undefined) {
    // nothing that the roles hold can be given back any more, or nobody knows what they hold
    await server?.stop(refuseMs);
    await traces?.stop(refuseMs);
    throw fault.error;
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

/** The frontend's comes last: once it is open, callers rely on it. */
async function openListeners(ground: Ground, work: DrainableWork, takesNoWork: () => boolean) {
  const admin = await operators(ground, work, takesNoWork);
  try {
    const isAsked = ground.config.roles.includes("frontend");
    return { admin, server: isAsked ? await frontend(ground, takesNoWork) : undefined };
  } catch (error) {
    await admin?.stop();
    throw error;
  }
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
