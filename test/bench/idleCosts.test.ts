/** What the benchmark reads out of two looks at a process's metrics. */
import { expect, test } from "vitest";
import { idleLines, looksBetween } from "./idleCosts.ts";

function metrics(rows: readonly (readonly [string, string, number])[]): string {
  return rows
    .map(([what, labels, value]) => `rp_store_call_duration_seconds_${what}{${labels}} ${value}\n`)
    .join("");
}

test("what was asked in between, of all outcomes together", () => {
  const before = metrics([
    ["count", 'method="listUnqueued",outcome="ok"', 10],
    ["sum", 'method="listUnqueued",outcome="ok"', 0.5],
  ]);
  const after = metrics([
    ["bucket", 'le="0.1",method="listUnqueued",outcome="ok"', 99],
    ["count", 'method="listUnqueued",outcome="ok"', 14],
    ["sum", 'method="listUnqueued",outcome="ok"', 0.51],
    ["count", 'method="listUnqueued",outcome="unavailable"', 1],
    ["sum", 'method="listUnqueued",outcome="unavailable"', 0.04],
    ["count", 'method="listPurges",outcome="ok"', 2],
    ["sum", 'method="listPurges",outcome="ok"', 0.004],
  ]);
  const looks = looksBetween(before, after);
  expect(looks.listUnqueued.count).toBe(5);
  expect(looks.listUnqueued.meanMs).toBeCloseTo(10);
  expect(looks.listPurges.count).toBe(2);
  expect(looks.listPurges.meanMs).toBeCloseTo(2);
  expect(looks.listRunning).toEqual({ count: 0, meanMs: Number.NaN });
  const [line] = idleLines([
    { stored: 7, startMs: 800, cpuPercent: 0.456, memoryBytes: 2 ** 27, looks },
  ]);
  expect(line).toContain("idle with 7 stored: 0.46 % of a processor, 128 MB, started in 800 ms");
  expect(line).toContain("for what is to be sent 10.00 ms (5 times)");
  expect(line).toContain("for how much is under way none (0 times)");
});
