/**
 * `npm run bench:operations`: what the asynchronous way takes, measured on the program with an installer that does nothing: how soon
 * work begins, how many operations end in a second, and how soon another process goes on with what one leaves. See
 * docs/performance.md. Ends with exit code 1 when anything was answered otherwise than it should be.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileCache } from "./measureSection.ts";
import { cpuMsOf, memoryPeakBytesOf } from "./processFigures.ts";
import { apiVersion, createBody } from "./scenarios.ts";
import { countRunning } from "./seededFolder.ts";
import { ServedProcess } from "./servedProcess.ts";
import { median } from "./statistics.ts";
import { clusterPath } from "./storedClusters.ts";

const program = fileURLToPath(new URL("processes/instantProgram.ts", import.meta.url));
/** Longer than a lease, a message's visibility and a restart together. */
const limitMs = 60_000;
const lookMs = 2;

/** A step that has begun, as the program tells it. */
interface Begun {
  readonly begun: string;
  readonly atMs: number;
}

interface Started {
  readonly served: ServedProcess;
  readonly begun: readonly Begun[];
}

async function start(folder: string, options: { readonly holds?: boolean } = {}): Promise<Started> {
  const begun: Begun[] = [];
  const served = await ServedProcess.start({
    program,
    args: options.holds === true ? ["hold"] : [],
    settings: {
      PORT: "0",
      DATA_DIR: folder,
      OPERATIONS_LIMIT: "0",
      NODE_COMPILE_CACHE: compileCache,
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
    if (performance.now() - begun > limitMs) throw new Error("it did not happen within a minute");
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

/** From the moment at which a PUT is sent to an idle process until the first step runs, in milliseconds. */
async function beginningMs(folder: string, times: number): Promise<readonly number[]> {
  const { served, begun } = await start(folder);
  await using _ = served;
  const tookMs: number[] = [];
  for (let number = 0; number < times; number += 1) {
    const sentAt = Date.now();
    await create(served, number);
    await until(() => begun.length > number);
    tookMs.push((begun[number]?.atMs ?? NaN) - sentAt);
    await until(async () => (await countRunning(folder, 1)) === 0);
  }
  return tookMs;
}

/** Creates as fast as twenty callers can, until all have ended. */
async function throughput(folder: string, count: number) {
  const { served } = await start(folder);
  await using _ = served;
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
  while ((await countRunning(folder, 1)) > 0) await sleep(50);
  const endedMs = performance.now() - begun;
  const { errors, first } = served.told;
  if (errors > 0) throw new Error(`the log has errors: ${first}`);
  return {
    operations: count,
    answeredPerSecond: (1_000 * count) / answeredMs,
    endedPerSecond: (1_000 * count) / endedMs,
    cpuMsPerOperation: (cpuMsOf(served.pid) - cpuBefore) / count,
    memoryPeakBytes: memoryPeakBytesOf(served.pid),
  };
}

/** From the end of a process in the middle of a step until another runs that step, in milliseconds. */
async function takeoverMs(folder: string, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  const first = await start(folder, { holds: true });
  await using _first = first.served;
  await create(first.served, 0);
  await until(() => first.begun.length > 0);
  const second = await start(folder, { holds: true });
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

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "10000" },
    rounds: { type: "string", default: "5" },
    beginnings: { type: "string", default: "50" },
  },
});
const rounds = Number(values.rounds);

function figures(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((each) => Math.round(each));
  return `${Math.round(median(values))} ms (${least} to ${most}, ${values.length} times)`;
}

const parent = mkdtempSync(join(tmpdir(), "rp-bench-"));
process.once("exit", () => rmSync(parent, { recursive: true, force: true }));
const folder = (): string => mkdtempSync(join(parent, "data-"));

const lines = [`load average before: ${(loadavg()[0] ?? NaN).toFixed(1)}`];
lines.push(
  `a PUT is sent → its first step runs: ${figures(await beginningMs(folder(), Number(values.beginnings)))}`,
);
const through = await throughput(folder(), Number(values.operations));
lines.push(
  `${through.operations} creates by 20 callers: ${Math.round(through.answeredPerSecond)} answered and ` +
    `${Math.round(through.endedPerSecond)} ended a second, ${through.cpuMsPerOperation.toFixed(2)} ms CPU each, ` +
    `at most ${Math.round(through.memoryPeakBytes / 2 ** 20)} MB`,
);
for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) tookMs.push(await takeoverMs(folder(), signal));
  lines.push(`${signal} of a worker → another runs the step: ${figures(tookMs)}`);
}
process.stdout.write(`${lines.join("\n")}\n`);
