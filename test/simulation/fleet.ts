/**
 * `npm run fleet`: a fleet of many processes on the Azure engines in simulated time, and what limits it. Ends with exit code 1 when
 * an operation was lost or had two workers at a time. The same options and seed give the same run.
 */
import { fleetOptionsOf, usage } from "./fleetOptions.ts";
import { runFleet, type FleetOptions, type FleetReport } from "./fleetRun.ts";

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

function linesOf(
  report: FleetReport,
  { busyPercent }: FleetOptions,
): readonly (readonly [string, string])[] {
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
    ...(busyPercent > 0
      ? ([["the same, not in the busy one", spread(watch.quietStartMs)]] as const)
      : []),
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

/** For whoever waits in front of it. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${line}\u001B[K`);
}

async function main(): Promise<number> {
  let options: FleetOptions | "help";
  try {
    options = fleetOptionsOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage()}`);
    return 2;
  }
  if (options === "help") {
    process.stdout.write(usage());
    return 0;
  }
  const { seconds: arriving } = options;
  const begunAt = performance.now();
  progress("storing the clusters");
  const report = await runFleet(options, (simulated) => {
    progress(`${told(simulated)} s simulated; operations begin until ${told(arriving)} s`);
  });
  progress("");
  const seconds = (performance.now() - begunAt) / 1_000;
  for (const [name, value] of linesOf(report, options)) {
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

// whoever reads may stop before the end, as `head` does
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await main();
