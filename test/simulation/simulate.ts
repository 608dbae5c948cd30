/**
 * `npm run simulate`: many schedules of the simulation on all cores, or one with every line of it. Ends with exit code 1 when a
 * schedule violates anything, and says how to see it again.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { nothingYet, sumOf, type ChunkResult } from "./chunkResult.ts";

const usage = `npm run simulate -- [options]
  --schedules N   how many schedules to run (default 1000)
  --seed S        the seed of the first; each following has the next (default 1)
  --threads T     how many run at once (default: one per core)
  --trace         shows every line of the schedule of --seed, and runs no other
  --first         ends at the first finding
  --keepMessages  no message is lost by itself
  --help          shows this
`;

/** Schedules that a thread runs between two lines of progress. */
const chunkSize = 50;
/** Chunks after which a thread is replaced: what the processes that died in its schedules waited for is never let go of. */
const chunksMax = 20;

interface Options {
  readonly schedules: number;
  readonly seed: number;
  readonly threads: number;
  readonly trace: boolean;
  readonly first: boolean;
  readonly keepMessages: boolean;
  readonly help: boolean;
}

function optionsOf(): Options {
  const { values } = parseArgs({
    options: {
      schedules: { type: "string", default: "1000" },
      seed: { type: "string", default: "1" },
      threads: { type: "string", default: String(availableParallelism()) },
      trace: { type: "boolean", default: false },
      first: { type: "boolean", default: false },
      keepMessages: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const whole = (name: "schedules" | "seed" | "threads"): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`--${name} must be a whole number from 1 on, not '${values[name]}'`);
    }
    return value;
  };
  return {
    schedules: whole("schedules"),
    seed: whole("seed"),
    threads: whole("threads"),
    trace: values.trace,
    first: values.first,
    keepMessages: values.keepMessages,
    help: values.help,
  };
}

/** One schedule with all its lines. @returns the exit code. */
async function trace({ seed, keepMessages }: Options): Promise<number> {
  // all others run in threads, so only this one needs it here
  const { runSchedule } = await import("./schedule.ts");
  const onLine = (line: string): boolean => process.stdout.write(`${line}\n`);
  const result = await runSchedule(seed, { keepMessages, onLine });
  const { violation, ...figures } = result;
  process.stdout.write(
    `${JSON.stringify(figures)}\n${violation === undefined ? "nothing found" : `found: ${violation.message}`}\n`,
  );
  return violation === undefined ? 0 : 1;
}

/** All schedules, in chunks. */
async function runAll(options: Options): Promise<ChunkResult> {
  const { schedules, seed, threads, first, keepMessages } = options;
  let sum = nothingYet;
  let next = seed;
  const end = seed + schedules;
  const isOver = (): boolean => next >= end || (first && sum.findings.length > 0);
  const someChunks = async (): Promise<void> => {
    const worker = new Worker(new URL("processes/chunkWorker.ts", import.meta.url));
    for (let chunk = 0; chunk < chunksMax && !isOver(); chunk += 1) {
      const count = Math.min(chunkSize, end - next);
      const answered = once(worker, "message");
      worker.postMessage({ first: next, count, endAtFinding: first, keepMessages });
      next += count;
      const [result] = (await answered) as [ChunkResult];
      for (const { seed: found, message } of result.findings) {
        process.stdout.write(`seed ${found}: ${message}\n`);
      }
      sum = sumOf(sum, result);
      if (process.stderr.isTTY) process.stderr.write(`\r${sum.schedules} of ${schedules} `);
    }
    await worker.terminate();
  };
  const work = async (): Promise<void> => {
    while (!isOver()) await someChunks();
  };
  await Promise.all(Array.from({ length: Math.min(threads, schedules) }, work));
  return sum;
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = optionsOf();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.trace) return trace(options);
  const begunAt = performance.now();
  const { schedules, findings, seen, occurrences, settledVisibilities } = await runAll(options);
  const seconds = (performance.now() - begunAt) / 1_000;
  const counts = Object.entries(seen).map(([name, count]) => `${count} ${name}`);
  process.stdout.write(
    `\n${schedules} schedules from seed ${options.seed} in ${seconds.toFixed(1)} s: ` +
      `${occurrences} occurrences, ${counts.join(", ")}; after the last fault everything came to ` +
      `its end within ${settledVisibilities.toFixed(1)} times the message visibility\n` +
      `${findings.length} findings\n`,
  );
  const [found] = findings;
  if (found === undefined) return 0;
  process.stdout.write(
    `To see the first again: npm run simulate -- --trace --seed ${found.seed}` +
      `${options.keepMessages ? " --keepMessages" : ""}\n`,
  );
  return 1;
}

process.exitCode = await main();
