/**
 * `npm run bench:operations`: what the asynchronous way takes, measured on the program with an installer that does nothing: how soon
 * work begins, how many operations end in a second, how soon another process goes on with what one leaves, and what all of it costs
 * while nothing is to be done. See docs/performance.md. Ends with exit code 1 when anything was answered otherwise than it should be.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { enginesNames, startEngines, type BenchEngines, type EnginesName } from "./benchEngines.ts";
import { idleLines, measureIdle, type IdleCosts } from "./idleCosts.ts";
import { compileCache } from "./measureSection.ts";
import { cpuMsOf, memoryPeakBytesOf } from "./processFigures.ts";
import { apiVersion, createBody } from "./scenarios.ts";
import { countRunning } from "./seededFolder.ts";
import { ServedProcess } from "./servedProcess.ts";
import { median } from "./statistics.ts";
import { clusterPath } from "./storedClusters.ts";

const program = fileURLToPath(new URL("processes/instantProgram.ts", import.meta.url));
/** Longer than a lease, a message's visibility and a restart together, on either engine. */
const limitMs = 120_000;
const lookMs = 2;
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
      OPERATIONS_LIMIT: "0",
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

/** Creates as fast as twenty callers can, until all have ended. */
async function throughput(on: BenchEngines, count: number) {
  const { served } = await start(on);
  await using _ = served;
  await using open = await on.openStore();
  const cpuBefore = cpuMsOf(served.pid);
  const begun = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await create(served, next - 1);
    }
  };
  await Promise.all(Array.from({ length: 20 }, caller));
  const answeredMs = performance.now() - begun;
  while ((await countRunning(open.store, 1)) > 0) await sleep(50);
  const endedMs = performance.now() - begun;
  const { errors, first } = served.told;
  if (errors > 0) throw new Error(`the log has errors: ${first}`);
  return {
    operations: count,
    answeredPerSecond: (1_000 * count) / answeredMs,
    endedPerSecond: (1_000 * count) / endedMs,
    endedMs,
    cpuMsPerOperation: (cpuMsOf(served.pid) - cpuBefore) / count,
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

function enginesCalled(asked: string): EnginesName {
  const found = enginesNames.find((name) => name === asked);
  if (found !== undefined) return found;
  throw new TypeError(`--engines is one of ${enginesNames.join(", ")}, not '${asked}'`);
}

const { values } = parseArgs({
  options: {
    engines: { type: "string", default: "embedded" },
    operations: { type: "string" },
    rounds: { type: "string" },
    beginnings: { type: "string", default: "50" },
    stored: { type: "string" },
    idleSeconds: { type: "string", default: "65" },
    json: { type: "boolean", default: false },
  },
});
const engines = enginesCalled(values.engines);
// the stand-ins look through all that they hold, and a worker that was killed is missed for a minute
const defaults =
  engines === "azure"
    ? { operations: 200, rounds: 0, stored: "" }
    : { operations: 10_000, rounds: 5, stored: "100,10000,100000" };
const rounds = Number(values.rounds ?? defaults.rounds);
const storedCounts = (values.stored ?? defaults.stored).split(",").filter(Boolean).map(Number);
if (engines === "azure" && storedCounts.length > 0) {
  throw new TypeError("--stored is for the embedded engine: stand-ins look through all they hold");
}

function figures(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((each) => Math.round(each));
  return `${Math.round(median(values))} ms (${least} to ${most}, ${values.length} times)`;
}

const parent = mkdtempSync(join(tmpdir(), "rp-bench-"));
process.once("exit", () => rmSync(parent, { recursive: true, force: true }));
/** Runs something on engines that hold nothing yet. */
async function onNew<T>(measure: (on: BenchEngines) => Promise<T>): Promise<T> {
  await using on = await startEngines(engines, mkdtempSync(join(parent, "data-")));
  return await measure(on);
}

async function idle(): Promise<readonly IdleCosts[]> {
  if (storedCounts.length === 0) return [];
  const folder = mkdtempSync(join(parent, "idle-"));
  return measureIdle(folder, { stored: storedCounts, seconds: Number(values.idleSeconds) });
}

async function takeovers(signal: "SIGTERM" | "SIGKILL"): Promise<readonly number[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    tookMs.push(await onNew(async (on) => takeoverMs(on, signal)));
  }
  return tookMs;
}

const loadAverageBefore = loadavg()[0] ?? NaN;
const single = await onNew(async (on) => singles(on, Number(values.beginnings)));
const count = Number(values.operations ?? defaults.operations);
const through = await onNew(async (on) => throughput(on, count));
const takeoverTimesMs = {
  SIGKILL: await takeovers("SIGKILL"),
  SIGTERM: await takeovers("SIGTERM"),
};
const idleCosts = await idle();

function text(): string {
  const lines = [
    `load average before: ${loadAverageBefore.toFixed(1)}`,
    `a PUT is sent → its first step runs: ${figures(single.begunMs)}`,
    `a PUT is sent → Succeeded, asked every ${pollMs} ms: ${figures(single.endedMs)}`,
    `${through.operations} creates by 20 callers: ${Math.round(through.answeredPerSecond)} answered and ` +
      `${Math.round(through.endedPerSecond)} ended a second, all after ${(through.endedMs / 1_000).toFixed(1)} s, ${through.cpuMsPerOperation.toFixed(2)} ms CPU each, ` +
      `at most ${Math.round(through.memoryPeakBytes / 2 ** 20)} MB`,
  ];
  for (const [signal, tookMs] of Object.entries(takeoverTimesMs)) {
    if (tookMs.length === 0) continue;
    lines.push(`${signal} of a worker → another runs the step: ${figures(tookMs)}`);
  }
  return [...lines, ...idleLines(idleCosts)].join("\n");
}

function json(): string {
  return JSON.stringify({
    engines,
    loadAverageBefore,
    single,
    throughput: through,
    takeoverMs: takeoverTimesMs,
    idle: idleCosts,
  });
}

process.stdout.write(`${values.json ? json() : text()}\n`);
