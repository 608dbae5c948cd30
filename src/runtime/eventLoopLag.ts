/**
 * How late the event loop is, under the names that prom-client gives it: a timer is to fire again and again, and what is measured is
 * by how much it fired too late, whatever held the loop up. prom-client's own timer wakes the process a hundred times a second, which was
 * half of what an idle one used, and its 10 ms are counted in. This one must never wake the process more often than ten times a second, nor
 * keep it from ending.
 */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";

/** For `collectDefaultMetrics`, whose own measuring can't be left out: it wakes the process so often, in milliseconds. */
export const unusedPrecisionMs = 60 * 60_000;

const intervalMs = 100;

/** In nanoseconds. */
const figures: readonly (readonly [string, (lateness: RecordableHistogram) => number])[] = [
  ["min", (lateness) => lateness.min],
  ["max", (lateness) => lateness.max],
  ["mean", (lateness) => lateness.mean],
  ["stddev", (lateness) => lateness.stddev],
  ["p50", (lateness) => lateness.percentile(50)],
  ["p90", (lateness) => lateness.percentile(90)],
  ["p99", (lateness) => lateness.percentile(99)],
];

/** Takes the place of prom-client's figures; each look tells of the time since the last one. */
export function tellEventLoopLag(registry: Registry): void {
  const lateness = createHistogram();
  // the system's own timer: one that is turned by hand is never late
  let dueAtMs = performance.now() + intervalMs;
  setInterval(() => {
    const now = performance.now();
    // a histogram has no zero
    lateness.record(Math.max(1, Math.round((now - dueAtMs) * 1e6)));
    dueAtMs = now + intervalMs;
  }, intervalMs).unref();
  const gauges: Gauge[] = [];
  // called for the first gauge, before the others are looked at: figures of one look belong together
  const collect = (): void => {
    for (const [index, [, figure]] of figures.entries()) {
      if (lateness.count === 0) gauges[index]?.remove();
      else gauges[index]?.set(figure(lateness) / 1e9);
    }
    lateness.reset();
  };
  for (const [name] of figures) {
    const metric = `nodejs_eventloop_lag_${name}_seconds`;
    registry.removeSingleMetric(metric);
    gauges.push(
      new Gauge({
        name: metric,
        help: `How late the event loop was since the last look: ${name}.`,
        registers: [registry],
        ...(gauges.length === 0 ? { collect } : {}),
      }),
    );
  }
}
