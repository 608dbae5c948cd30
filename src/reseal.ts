/**
 * `npm run reseal`: a composition root of its own for one errand. With the settings of the resource provider, and beside it if
 * that runs, it rewrites all secrets that the newest key has not sealed, and says how many. It must never show one, nor make a
 * database or a key: where there is none, it was asked to look at the wrong place.
 */
import { ConfigError, readConfig, type Config } from "./config.ts";
import { openEngines } from "./engines.ts";
import { systemClock } from "./runtime/clock.ts";
import { Metrics } from "./runtime/metrics.ts";
import { pinoLog } from "./runtime/pinoLog.ts";
import { isPassingFault, knownFault } from "./startFault.ts";
import { countUnendedCreates } from "./store/countUnendedCreates.ts";
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

function isDone({ left, newerKeyId }: ResealOutcome): boolean {
  return left.size === 0 && newerKeyId === undefined;
}

function told(outcome: ResealOutcome): string {
  const { keyId, resealed, left, newerKeyId } = outcome;
  const lines = [`${resealed} resealed by the key ${JSON.stringify(keyId)}`];
  for (const [reason, count] of left) lines.push(`${count} left: ${reason}`);
  if (isDone(outcome)) lines.push("everything is sealed by that key");
  if (newerKeyId !== undefined) {
    const newer = JSON.stringify(newerKeyId);
    lines.push(`meanwhile the key ${newer} has become the newest: start it again`);
  }
  return `${lines.join("\n")}\n`;
}

/** What `openshift-install` made for a create is sealed too, but lies where nothing here reseals it. */
function toldOfCreates(count: number): string {
  if (count === 0) return "no create needs an older key\n";
  const creates = count === 1 ? "1 create" : `${count} creates`;
  return (
    `${creates} may still need an older key: keep it until those that run have ended, and those ` +
    "that failed have succeeded or are deleted\n"
  );
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
      { log, metrics: new Metrics(), stop: stop.signal, makes: false },
    );
    const { store, keys } = engines;
    const outcome = await resealAll({ store, keys, signal: stop.signal });
    process.stdout.write(told(outcome));
    if (config.installer === "azure") {
      process.stdout.write(toldOfCreates(await countUnendedCreates(store, stop.signal)));
    }
    process.exitCode = isDone(outcome) ? exitCode.done : exitCode.left;
  } catch (error) {
    const reason = stop.signal.aborted
      ? "it was stopped"
      : (knownFault(error, config) ?? String(error));
    const goesOn = stop.signal.aborted || isPassingFault(error);
    const advice = goesOn ? "Start it again to go on.\n" : "";
    process.stderr.write(`Not all is resealed: ${reason}\n${advice}`);
    process.exitCode = exitCode.left;
  }
  log.flush(flushMs);
  process.exit();
}

await main();
