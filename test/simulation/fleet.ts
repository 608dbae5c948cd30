/**
 * `npm run fleet`: a fleet of many processes on the Azure engines in simulated time, and what limits it. Ends with exit code 1 when
 * an operation was lost or had two workers at a time. The same options and seed give the same run.
 */
import { parseArgs } from "node:util";
import { runFleet, type FleetOptions, type FleetReport } from "./fleetRun.ts";

/** What is supposed where nothing else is said, and what it means. */
const numbers = {
  instances: [50, "processes"],
  clusters: [100_000, "clusters at rest"],
  subscriptions: [1_000, "subscriptions that they are divided among"],
  busyPercent: [0, "percent of the clusters that lie in one of these, the busy one"],
  rate: [50, "operations that begin in a second"],
  seconds: [120, "for how long they do"],
  workers: [100, "WORKERS of each process"],
  steps: [4, "steps of an operation, besides the one that waits"],
  stepMs: [200, "what each holds its worker for"],
  waits: [3, "how often the step that waits is begun again"],
  waitMs: [10_000, "after how long, AZURE_POLL_SECONDS"],
  storeMs: [6, "the median of a call of the store"],
  queueMs: [10, "the median of a call of the queue"],
  units: [Infinity, "request units a second of both containers"],
  messages: [2_000, "messages a second of the queue"],
  crashSeconds: [Infinity, "between two deaths of processes, in turn"],
  seed: [1, "of everything that chance decides"],
} as const satisfies Readonly<Record<string, readonly [byDefault: number, meaning: string]>>;

type NumberName = keyof typeof numbers;
const names = Object.keys(numbers) as readonly NumberName[];

function usage(): string {
  const lines = names.map((name) => {
    const [byDefault, meaning] = numbers[name];
    return `  --${name.padEnd(14)} ${meaning} (${byDefault === Infinity ? "no limit" : byDefault})\n`;
  });
  return `npm run fleet -- [options]\n${lines.join("")}  --split          two processes forward, a fifth are frontends, the others backends\n`;
}

/** @throws {TypeError} of an option that is none; {RangeError} of a number that is none. */
function optionsOf(): FleetOptions {
  const options: Record<string, { readonly type: "string" | "boolean" }> = {
    split: { type: "boolean" },
  };
  for (const name of names) options[name] = { type: "string" };
  const { values: given } = parseArgs({ options });
  const of = (name: NumberName): number => {
    const text = given[name];
    const value = text === undefined ? numbers[name][0] : Number(text);
    if (!(value >= 0)) {
      throw new RangeError(`--${name} must be a number from 0 on, not '${String(text)}'`);
    }
    return value;
  };
  const count = (name: NumberName): number => {
    const value = of(name);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`--${name} must be a whole number from 1 on, not '${value}'`);
    }
    return value;
  };
  const isSplit = given["split"] === true;
  const instances = count("instances");
  if (isSplit && instances < 4) throw new RangeError("--split needs 4 instances or more");
  return {
    seed: count("seed"),
    instances,
    clusters: count("clusters"),
    subscriptions: count("subscriptions"),
    workers: count("workers"),
    seconds: count("seconds"),
    busyPercent: of("busyPercent"),
    rate: of("rate"),
    steps: of("steps"),
    stepMs: of("stepMs"),
    waits: of("waits"),
    waitMs: of("waitMs"),
    storeMs: of("storeMs"),
    queueMs: of("queueMs"),
    unitsPerSecond: of("units"),
    messagesPerSecond: of("messages"),
    crashSeconds: of("crashSeconds"),
    split: isSplit,
  };
}

function told(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** Median, 99th percentile and most, in seconds. */
function spread(durationsMs: readonly number[]): string {
  if (durationsMs.length === 0) return "none";
  const sorted = durationsMs.toSorted((one, other) => one - other);
  const at = (share: number): string => {
    const ms = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return `${(ms / 1_000).toFixed(2)} s`;
  };
  return `median ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} (${told(sorted.length)})`;
}

function linesOf(report: FleetReport): readonly (readonly [string, string])[] {
  const { watch, perSecond } = report;
  const busy = watch.passes.filter(({ sent }) => sent > 0);
  const sum = (pick: (pass: (typeof busy)[number]) => number): number =>
    busy.reduce((all, pass) => all + pick(pass), 0);
  const sentPerSecond = (sum(({ sent }) => sent) / sum(({ durationMs }) => durationMs)) * 1_000;
  const most = Math.max(0, ...busy.map(({ sent }) => sent));
  const dearest = Math.max(...perSecond.partitionUnits);
  return [
    ["began", `${told(report.accepted)}, and ${told(report.refused)} were answered 503`],
    ["ended", `${told(report.ended)}; ${told(report.endedPerSecond)} a second in the second half`],
    [
      "left over",
      `${told(report.runningAtEnd)} under way when the last had begun, of which ` +
        `${told(report.unqueuedAtEnd)} waited for the forwarder; at rest ${told(report.settledSeconds)} s later`,
    ],
    ["commit to first step", spread(watch.startMs)],
    ["the same, not in the busy one", spread(watch.quietStartMs)],
    ["forwarder's passes", spread(busy.map(({ durationMs }) => durationMs))],
    [
      "sent while in a pass",
      `${told(sentPerSecond || 0)} a second; ${told(most)} in one pass at the most`,
    ],
    [
      "store",
      `${told(perSecond.storeRequests)} requests and ${told(perSecond.units)} units a second, ` +
        `${told(dearest)} in the dearest of ${perSecond.partitionUnits.length} partitions`,
    ],
    [
      "queue",
      `${told(perSecond.queueRequests)} requests and ${told(perSecond.queueMessages)} messages a second`,
    ],
    [
      "put off",
      `${told(perSecond.throttled)} requests a second, ${told(perSecond.refused)} for too long`,
    ],
    ["claims", told(watch.claims)],
    ["worker's fail-over", spread(watch.failoverMs)],
    ["forwarder's fail-over", spread(watch.forwarderFailoverMs)],
    ["deaths", told(report.deaths)],
    ["violations", told(watch.violations.length)],
  ];
}

async function main(): Promise<number> {
  let options: FleetOptions;
  try {
    options = optionsOf();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage()}`);
    return 2;
  }
  const begunAt = performance.now();
  const report = await runFleet(options);
  const seconds = (performance.now() - begunAt) / 1_000;
  for (const [name, value] of linesOf(report)) {
    process.stdout.write(`${name.padEnd(22)} ${value}\n`);
  }
  process.stdout.write(
    `${told(report.simulatedSeconds)} s simulated in ${told(seconds)} s, ` +
      `${told(report.occurrences)} occurrences\n`,
  );
  for (const violation of report.watch.violations.slice(0, 20)) {
    process.stdout.write(`violation: ${violation}\n`);
  }
  return report.watch.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main();
