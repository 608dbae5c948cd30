/**
 * `npm run reseal`: a composition root of its own for one errand. With the settings of the resource provider, and beside it if
 * that runs, it rewrites all secrets that the newest key has not sealed, and says how many. It must never show one.
 */
import { ConfigError, readConfig, type Config } from "./config.ts";
import { openEngines } from "./engines.ts";
import { systemClock } from "./runtime/clock.ts";
import { Metrics } from "./runtime/metrics.ts";
import { pinoLog } from "./runtime/pinoLog.ts";
import { knownFault } from "./startFault.ts";
import { resealAll, type ResealOutcome } from "./store/resealAll.ts";

/** What a caller can act on. */
const exitCode = { done: 0, left: 1, badSettings: 2 } as const;
/** How long the end waits for whoever reads the output. */
const flushMs = 100;

function settings(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The settings are not valid:\n${error.message}\n`);
    process.exit(exitCode.badSettings);
  }
}

function told({ keyId, resealed, left }: ResealOutcome): string {
  const lines = [`${resealed} resealed by the key ${JSON.stringify(keyId)}`];
  for (const [reason, count] of left) lines.push(`${count} left: ${reason}`);
  if (left.size === 0) lines.push("everything is sealed by that key");
  return `${lines.join("\n")}\n`;
}

async function main(): Promise<void> {
  const config = settings();
  const log = pinoLog({ level: "warn", clock: systemClock, readable: true });
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  try {
    // as a frontend it has no business with the queue
    await using engines = await openEngines(
      { ...config, roles: ["frontend"] },
      { log, metrics: new Metrics(), stop: stop.signal },
    );
    const { store, keys } = engines;
    const outcome = await resealAll({ store, keys, signal: stop.signal });
    process.stdout.write(told(outcome));
    process.exitCode = outcome.left.size === 0 ? exitCode.done : exitCode.left;
  } catch (error) {
    const reason = stop.signal.aborted
      ? "it was stopped"
      : (knownFault(error, config) ?? String(error));
    process.stderr.write(`Not all is resealed: ${reason}\nStart it again to go on.\n`);
    process.exitCode = exitCode.left;
  }
  log.flush(flushMs);
  process.exit();
}

await main();
