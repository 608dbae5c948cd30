/**
 * `npm run bench`: what a request costs, measured on the real program and, in the same run, on servers that do nothing but to parse
 * and answer the same. See docs/performance.md. Ends with exit code 1 when an answer was wrong, 2 when it can't be understood.
 */
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join, resolve } from "node:path";
import { benchFolder, runBench, tell } from "./benchCommand.ts";
import { startEngines } from "./benchEngines.ts";
import { readBenchOptions, usage, type BenchOptions } from "./benchOptions.ts";
import { isSound, reportText, type BenchReport, type Section } from "./benchReport.ts";
import { loadWarning } from "./loadWarning.ts";
import { BenchOptionsError } from "./optionValues.ts";
import { measureSection, ownProgram, type EarlierProgram } from "./measureSection.ts";
import { scenarios } from "./scenarios.ts";
import { installOne, seedEngines, seedFolder } from "./seededFolder.ts";

/** More replaces in a second than the program manages. */
const replacesPerSecondMax = 1_500;

/** How many clusters there have to be that a replace may take, each once. */
function replaceableOf({ warmupSeconds, rounds, seconds, requestsMax }: BenchOptions): number {
  const perRound = Math.min(requestsMax ?? Infinity, replacesPerSecondMax * seconds);
  return 1 + Math.ceil(rounds * perRound + replacesPerSecondMax * warmupSeconds);
}

async function timed(clusters: number, seed: () => Promise<void>): Promise<void> {
  const begun = performance.now();
  await seed();
  tell(`${clusters} clusters seeded in ${Math.round((performance.now() - begun) / 1_000)} s`);
}

/**
 * The program of another checkout.
 *
 * @throws {BenchOptionsError} when there is none.
 */
function earlierIn(checkout: string): Omit<EarlierProgram, "folder"> {
  const file = resolve(checkout, "src/main.ts");
  if (!existsSync(file)) throw new BenchOptionsError(`--before: there is no ${file}`);
  return { file, compileCache: resolve(checkout, "node_modules/.cache/node") };
}

async function bench(options: BenchOptions): Promise<BenchReport> {
  const found = options.before === undefined ? undefined : earlierIn(options.before);
  const folder = benchFolder();
  const folderOf = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  };
  const [loadBefore = NaN] = loadavg();
  const warning = loadWarning(loadBefore, cpus().length);
  if (warning !== undefined) tell(warning);
  tell("installing a cluster to seed from");
  const installed = await installOne(ownProgram, folderOf("installed"));
  const isEmbedded = options.engines === "embedded";
  // stand-ins are slow to look through what nobody asks for
  const isReplaced = isEmbedded || options.scenarios.includes("replace");
  const replaceable = isReplaced ? replaceableOf(options) : 0;
  const sections: Section[] = [];
  for (const storedCount of options.stored) {
    const counts = { stored: storedCount, replaced: replaceable };
    const seeded = folderOf(String(storedCount));
    if (isEmbedded) {
      await timed(storedCount, async () => seedFolder(seeded, installed, counts));
    }
    for (const background of options.backgrounds) {
      // what one leaves undone is not for the next
      const own = folderOf(`${storedCount}-${background}`);
      cpSync(seeded, own, { recursive: true });
      await using on = await startEngines(options.engines, own);
      const earlier =
        found === undefined ? undefined : { ...found, folder: folderOf(`${storedCount}-before`) };
      if (earlier !== undefined) cpSync(seeded, earlier.folder, { recursive: true });
      if (!isEmbedded) await timed(storedCount, async () => seedEngines(on, installed, counts));
      const title = `${storedCount} clusters, ${background} background`;
      sections.push(
        await measureSection({
          ...options,
          storedCount,
          replaceable,
          background,
          on,
          ...(earlier === undefined ? {} : { earlier }),
          folder: own,
          onProgress: (text) => tell(`${title}: ${text}`),
        }),
      );
      for (const used of [own, earlier?.folder])
        if (used !== undefined) rmSync(used, { recursive: true });
    }
    rmSync(seeded, { recursive: true });
  }
  const [loadAfter = NaN] = loadavg();
  const { quick, rounds, seconds, connections } = options;
  return {
    format: 1,
    machine: {
      node: process.version,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      processors: cpus().length,
      kernel: release(),
      loadAverages: [loadBefore, loadAfter],
    },
    engines: options.engines,
    quick,
    rounds,
    seconds,
    connections,
    isSound: sections.every(isSound),
    sections,
  };
}

async function main(): Promise<void> {
  const options = readBenchOptions(
    process.argv.slice(2),
    scenarios.map(({ name }) => name),
  );
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  const report = await bench(options);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : reportText(report));
  if (!report.isSound) process.exitCode = 1;
}

await runBench(usage, main);
