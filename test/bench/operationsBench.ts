/**
 * `npm run bench:operations`: what the asynchronous way takes, measured on the program with an installer that does nothing: how soon
 * work begins, how many operations end in a second, how soon another process goes on with what one leaves, and what all of it costs
 * while nothing is to be done. See docs/performance.md. Ends with exit code 1 when anything was answered otherwise than it should be.
 */
import { mkdtempSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { benchFolder, runBench, tell } from "./benchCommand.ts";
import { startEngines, type BenchEngines, type OpenStore } from "./benchEngines.ts";
import { idleLines, measureIdle, type IdleCosts } from "./idleCosts.ts";
import { loadWarning } from "./loadWarning.ts";
import { compileCache } from "./measureSection.ts";
import {
  operationsUsage,
  readOperationsOptions,
  type OperationsOptions,
} from "./operationsOptions.ts";
import { cpuMsOf, memoryBytesOf, memoryPeakBytesOf } from "./processFigures.ts";
import { apiVersion, createBody } from "./scenarios.ts";
import { countRunning } from "./seededFolder.ts";
import { ServedProcess } from "./servedProcess.ts";
import { median } from "./statistics.ts";
import { clusterPath } from "./storedClusters.ts";

const program = fileURLToPath(new URL("processes/instantProgram.ts", import.meta.url));
/** Longer than a lease, a message's visibility and a restart together, on either engine. */
const limitMs = 120_000;
const lookMs = 2;
/** How many operations are in a step at once, as by default. */
const workers = 100;
/** How often somebody asks whether a cluster is there. */
const pollMs = 10;

/** A step that has begun, as the program tells it. */
interface Begun {
  readonly begun: string;
  readonly atMs: number;
}

interface Started {
  readonly served: ServedProcess;
  readonly begun: readonly Begun[];
}

async function start(
  on: BenchEngines,
  options: { readonly holds?: boolean } = {},
): Promise<Started> {
  const begun: Begun[] = [];
  const served = await ServedProcess.start({
    program,
    args: options.holds === true ? ["hold"] : [],
    settings: {
      PORT: "0",
      // by default as many may be under way as are measured, and none more
      OPERATIONS_LIMIT: "0",
      WORKERS: String(workers),
      NODE_COMPILE_CACHE: compileCache,
      ...on.settings,
    },
    onLine: (line) => {
      if (line.startsWith('{"begun"')) begun.push(JSON.parse(line) as Begun);
    },
  });
  return { served, begun };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const begun = performance.now();
  while (!(await isSo())) {
    if (performance.now() - begun > limitMs)
      throw new Error("it did not happen within two minutes");
    await sleep(lookMs);
  }
}

const body = createBody("created");

async function create({ url }: ServedProcess, number: number): Promise<void> {
  const answer = await fetch(`${url}${clusterPath("created", number)}?api-version=${apiVersion}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body,
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`a create was answered ${answer.status}: ${text}`);
}

async function isInstalled({ url }: ServedProcess, number: number): Promise<boolean> {
  const path = `${clusterPath("created", number)}?api-version=${apiVersion}`;
  const text = await (await fetch(`${url}${path}`)).text();
  return text.includes('"Succeeded"');
}

/** From the moment at which a PUT is sent to an idle process until the first step runs and until a caller sees its end. */
async function singles(on: BenchEngines, times: number) {
  const { served, begun } = await start(on);
  await using _ = served;
  const begunMs: number[] = [];
  const endedMs: number[] = [];
  for (let number = 0; number < times; number += 1) {
    const sentAt = Date.now();
    await create(served, number);
    await until(() => begun.length > number);
    begunMs.push((begun[number]?.atMs ?? NaN) - sentAt);
    while (!(await isInstalled(served, number))) await sleep(pollMs);
    endedMs.push(Date.now() - sentAt);
  }
  return { begunMs, endedMs };
}

/** As fast as twenty callers can, each of another cluster. */
async function createAll(served: ServedProcess, count: number): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await create(served, next - 1);
    }
  };
  await Promise.all(Array.from({ length: 20 }, caller));
}

/** @throws {Error} when the process has ended, or has told of an error. */
async function untilNoneRuns(served: ServedProcess, { store }: OpenStore): Promise<void> {
  while (served.pid > 0 && (await countRunning(store, 1)) > 0) await sleep(50);
  const { errors, first } = served.told;
  if (errors > 0) throw new Error(`the log has errors: ${first}`);
}

/** From the first create until all have ended. */
async function throughput(on: BenchEngines, count: number) {
  const { served } = await start(on);
  await using _ = served;
  await using open = await on.openStore();
  const cpuBefore = cpuMsOf(served.pid);
  const begun = performance.now();
  await createAll(served, count);
  const answeredMs = performance.now() - begun;
  await untilNoneRuns(served, open);
  const endedMs = performance.now() - begun;
  return {
    operations: count,
    answeredPerSecond: (1_000 * count) / answeredMs,
    endedPerSecond: (1_000 * count) / endedMs,
    endedMs,
    cpuMsPerOperation: (cpuMsOf(served.pid) - cpuBefore) / count,
    memoryPeakBytes: memoryPeakBytesOf(served.pid),
  };
}

/**
 * Memory with so many operations under way at once: accepted, and not ended, since no step ends until all have been asked for.
 * A worker holds as many as it may; the others wait for one.
 */
async function inFlight(on: BenchEngines, count: number) {
  const { served, begun } = await start(on, { holds: true });
  await using _ = served;
  await using open = await on.openStore();
  await createAll(served, count);
  await until(() => begun.length >= Math.min(count, workers));
  const underWay = await countRunning(open.store, count + 1);
  if (underWay !== count) throw new Error(`${underWay} operations are under way, not ${count}`);
  const held = begun.length;
  const memoryBytes = memoryBytesOf(served.pid);
  const letGoAt = performance.now();
  process.kill(served.pid, "SIGUSR2");
  await untilNoneRuns(served, open);
  return {
    operations: count,
    held,
    memoryBytes,
    endedMs: performance.now() - letGoAt,
    memoryPeakBytes: memoryPeakBytesOf(served.pid),
  };
}

/** From the end of a process in the middle of a step until another runs that step, in milliseconds. */
async function takeoverMs(on: BenchEngines, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  const first = await start(on, { holds: true });
  await using _first = first.served;
  await create(first.served, 0);
  await until(() => first.begun.length > 0);
  const second = await start(on, { holds: true });
  await using _second = second.served;
  // the heartbeats of the first go on for a while
  await sleep(3_000);
  const endedAt = Date.now();
  const ended = first.served.end(signal);
  await until(() => second.begun.length > 0);
  await ended;
  await second.served.end("SIGKILL");
  return (second.begun[0]?.atMs ?? NaN) - endedAt;
}

const signals = ["SIGKILL", "SIGTERM"] as const;

async function measure(options: OperationsOptions) {
  const parent = benchFolder();
  /** Runs something on engines that hold nothing yet. */
  const onNew = async <T>(measured: (on: BenchEngines) => Promise<T>): Promise<T> => {
    const folder = mkdtempSync(join(parent, "data-"));
    await using on = await startEngines(options.engines, folder);
    return await measured(on);
  };
  const takeovers = async (signal: "SIGTERM" | "SIGKILL"): Promise<readonly number[]> => {
    const tookMs: number[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      tell(`${signal} of a worker, ${round} of ${options.rounds}`);
      tookMs.push(await onNew(async (on) => takeoverMs(on, signal)));
    }
    return tookMs;
  };
  const idle = async (): Promise<readonly IdleCosts[]> => {
    const { stored, idleSeconds } = options;
    if (stored.length === 0) return [];
    tell(`idle processes with ${stored.join(", ")} stored clusters, for ${idleSeconds} s`);
    return measureIdle(mkdtempSync(join(parent, "idle-")), { stored, seconds: idleSeconds });
  };

  const loadAverageBefore = loadavg()[0] ?? NaN;
  const warning = loadWarning(loadAverageBefore, cpus().length);
  if (warning !== undefined) tell(warning);
  tell(`${options.beginnings} creates, one after the other`);
  const single = await onNew(async (on) => singles(on, options.beginnings));
  tell(`creates by 20 callers, ${options.operations}`);
  const through = await onNew(async (on) => throughput(on, options.operations));
  const { inFlight: held } = options;
  if (held > 0) tell(`${held} operations under way at once`);
  return {
    engines: options.engines,
    loadAverageBefore,
    single,
    throughput: through,
    // for machines: what was left out isn't there
    ...(held > 0 ? { inFlight: await onNew(async (on) => inFlight(on, held)) } : {}),
    takeoverMs: { SIGKILL: await takeovers("SIGKILL"), SIGTERM: await takeovers("SIGTERM") },
    idle: await idle(),
  };
}

function figures(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((each) => Math.round(each));
  return `${Math.round(median(values))} ms (${least} to ${most}, ${values.length} times)`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

function textOf(report: Awaited<ReturnType<typeof measure>>): string {
  const { loadAverageBefore, single, throughput: through, inFlight: held } = report;
  const warning = loadWarning(loadAverageBefore, cpus().length);
  const lines = [
    `load average before: ${loadAverageBefore.toFixed(1)}`,
    ...(warning === undefined ? [] : [warning]),
    `a PUT is sent → its first step runs: ${figures(single.begunMs)}`,
    `a PUT is sent → Succeeded, asked every ${pollMs} ms: ${figures(single.endedMs)}`,
    `${through.operations} creates by 20 callers: ${Math.round(through.answeredPerSecond)} answered and ` +
      `${Math.round(through.endedPerSecond)} ended a second, all after ${(through.endedMs / 1_000).toFixed(1)} s, ${through.cpuMsPerOperation.toFixed(2)} ms CPU each, ` +
      `at most ${megabytes(through.memoryPeakBytes)}`,
  ];
  if (held !== undefined) {
    lines.push(
      `${held.operations} operations under way at once, ${held.held} of them in a step: ${megabytes(held.memoryBytes)} then, ` +
        `all ended ${(held.endedMs / 1_000).toFixed(1)} s after they were let go, at most ${megabytes(held.memoryPeakBytes)}`,
    );
  }
  for (const signal of signals) {
    const tookMs = report.takeoverMs[signal];
    if (tookMs.length === 0) continue;
    lines.push(`${signal} of a worker → another runs the step: ${figures(tookMs)}`);
  }
  return [...lines, ...idleLines(report.idle)].join("\n");
}

async function main(): Promise<void> {
  const options = readOperationsOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(operationsUsage);
    return;
  }
  const report = await measure(options);
  process.stdout.write(`${options.json ? JSON.stringify(report) : textOf(report)}\n`);
}

await runBench(operationsUsage, main);
