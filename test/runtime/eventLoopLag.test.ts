/** The figures of the event loop are of its turns as they were, and measuring them wakes nobody. */
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { tellEventLoopLag } from "../../src/runtime/eventLoopLag.ts";
import { Metrics } from "../../src/runtime/metrics.ts";

async function turn(): Promise<void> {
  await new Promise((resume) => setImmediate(resume));
}

function block(durationMs: number): void {
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    // stands still
  }
}

async function figuresOf(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const metrics = await registry.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.map(({ name, values }) => [name, values[0]?.value ?? Number.NaN]),
  );
}

test("a turn that stood still is told once, beside short ones", async () => {
  const registry = new Registry();
  tellEventLoopLag(registry);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  setImmediate(() => block(60));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const first = await figuresOf(registry);
  expect(first["nodejs_eventloop_lag_max_seconds"]).toBeGreaterThanOrEqual(0.055);
  // by a timer of 10 ms, none would be shorter than that
  expect(first["nodejs_eventloop_lag_min_seconds"]).toBeLessThan(0.005);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const second = await figuresOf(registry);
  expect(second["nodejs_eventloop_lag_max_seconds"]).toBeLessThan(0.055);
});

test("without a turn since the last look nothing is told, as prom-client would tell the highest number", async () => {
  const registry = new Registry();
  tellEventLoopLag(registry);
  expect(await figuresOf(registry)).toMatchObject({
    nodejs_eventloop_lag_min_seconds: Number.NaN,
    nodejs_eventloop_lag_p99_seconds: Number.NaN,
  });
});

test("they take the place of prom-client's, each once", async () => {
  const text = await new Metrics().text();
  const names = [...text.matchAll(/^# TYPE (nodejs_eventloop_lag\S*) gauge$/gm)].map(
    ([, name]) => name,
  );
  const ofTurns = ["min", "max", "mean", "stddev", "p50", "p90", "p99"];
  const expected = ofTurns.map((each) => `nodejs_eventloop_lag_${each}_seconds`);
  expect(new Set(names)).toEqual(new Set(["nodejs_eventloop_lag_seconds", ...expected]));
  expect(names).toHaveLength(8);
});
