/**
 * How long turns of the event loop take, under the names that prom-client gives it. prom-client itself measures by a timer that wakes
 * the process a hundred times a second, which was half of what an idle one used, and counts the timer's own 10 ms in. Here each turn
 * is measured as it happens, its waiting left out. It must never wake the process by itself.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";

/** For `collectDefaultMetrics`, whose own measuring can't be left out: it wakes the process so often, in milliseconds. */
export const unusedPrecisionMs = 60 * 60_000;

type Turns = ReturnType<typeof monitorEventLoopDelay>;

const figures: readonly (readonly [string, (turns: Turns) => number])[] = [
  ["min", (turns) => turns.min],
  ["max", (turns) => turns.max],
  ["mean", (turns) => turns.mean],
  ["stddev", (turns) => turns.stddev],
  ["p50", (turns) => turns.percentile(50)],
  ["p90", (turns) => turns.percentile(90)],
  ["p99", (turns) => turns.percentile(99)],
];

/** Takes the place of prom-client's figures; each look tells of the turns since the last one. */
export function tellEventLoopLag(registry: Registry): void {
  const turns = monitorEventLoopDelay({ samplePerIteration: true });
  turns.enable();
  const gauges: Gauge[] = [];
  // called for the first gauge, before the others are looked at: figures of one look belong together
  const collect = (): void => {
    for (const [index, [, figure]] of figures.entries()) {
      if (turns.count === 0) gauges[index]?.remove();
      else gauges[index]?.set(figure(turns) / 1e9);
    }
    turns.reset();
  };
  for (const [name] of figures) {
    const metric = `nodejs_eventloop_lag_${name}_seconds`;
    registry.removeSingleMetric(metric);
    gauges.push(
      new Gauge({
        name: metric,
        help: `Turns of the event loop since the last look, without their waiting: ${name}.`,
        registers: [registry],
        ...(gauges.length === 0 ? { collect } : {}),
      }),
    );
  }
}
