/**
 * The program with an installer that does nothing, or holds every operation until the process ends or gets `SIGUSR2`: what an
 * operation costs is then that of the document, queue and lease protocol alone. It prints a line of its own when a step begins. Everything else is the
 * program's own, from the same parts as `src/main.ts`.
 */
import { readConfig } from "../../../src/config.ts";
import { openEngines } from "../../../src/engines.ts";
import type { Installer, Phase } from "../../../src/installers/installer.ts";
import { authenticationFor, frontend, workOf, type Ground } from "../../../src/roles.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { Metrics } from "../../../src/runtime/metrics.ts";
import { Nudge } from "../../../src/runtime/nudge.ts";
import { pinoLog } from "../../../src/runtime/pinoLog.ts";
import { tracingOf } from "../../../src/tracing.ts";
import { apiVersions } from "../../../src/versions/registry.ts";

/** `hold`: no operation ends, until all may. */
const letGo = new AbortController();
if (process.argv[2] !== "hold") letGo.abort();
process.once("SIGUSR2", () => letGo.abort());
const minuteMs = 60_000;

const phases: readonly Phase[] = [
  {
    name: "Instant",
    steps: [
      {
        name: "DoNothing",
        deadlineMs: 10 * minuteMs,
        run: async ({ snapshot: { operationId }, signal }) => {
          process.stdout.write(`${JSON.stringify({ begun: operationId, atMs: Date.now() })}\n`);
          await held(signal);
          return { done: true };
        },
      },
    ],
  },
];

/** @throws the reason of `signal`. */
async function held(signal: AbortSignal): Promise<void> {
  // what isn't held has no cost of this
  if (letGo.signal.aborted) return;
  try {
    await systemClock.sleep(10 * minuteMs, AbortSignal.any([signal, letGo.signal]));
  } catch (error) {
    if (!letGo.signal.aborted || signal.aborted) throw error;
  }
}

const installer: Installer = {
  name: "instant",
  phases: { create: phases, update: phases, delete: phases },
};

const config = readConfig();
const log = pinoLog({ level: config.logLevel, clock: systemClock, readable: false });
const metrics = new Metrics({ apiVersions: apiVersions.map(({ name }) => name) });
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
{
  await using engines = await openEngines(config, { log, metrics, stop: stop.signal });
  const ground: Ground = {
    version: "bench",
    config,
    log,
    metrics,
    engines,
    authentication: await authenticationFor(config, log),
    tracing: tracingOf(engines, undefined),
    timing: config,
    committed: new Nudge(systemClock),
    sent: new Nudge(systemClock),
    stop: stop.signal,
    graceMs: config.shutdownMs - 1_000,
  };
  const work = await workOf(ground, async () => installer);
  const server = await frontend(ground, () => stop.signal.aborted);
  work.begin();
  log.info({ url: server.url }, "listening");
  await engines.untilLost(stop.signal);
  await Promise.all([server.stop(ground.graceMs), work.stop()]);
}
process.exit();
