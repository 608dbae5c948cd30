/** The figures of the event loop tell whatever held it up, and nothing else; measuring them seldom wakes anybody. */
import { readFile } from "node:fs";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tellEventLoopLag } from "../../src/runtime/eventLoopLag.ts";
import { Metrics } from "../../src/runtime/metrics.ts";

const blockedMs = 400;

function block(): void {
  const until = performance.now() + blockedMs;
  while (performance.now() < until) {
    // stands still
  }
}

const server = createServer((_request, response) => {
  block();
  response.end();
});
beforeAll(async () => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => server.close());

async function figuresOf(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const metrics = await registry.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.map(({ name, values }) => [name, values[0]?.value ?? Number.NaN]),
  );
}

test.each<[string, () => void]>([
  ["of a request", () => get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)],
  ["of a file", () => readFile(import.meta.filename, block)],
  ["between two turns", () => setImmediate(block)],
  ["of a timer", () => setTimeout(block, 1)],
])(
  "a callback %s that holds the loop up is told once, whatever is waited for besides",
  async (_what, begin) => {
    const registry = new Registry();
    tellEventLoopLag(registry);
    const waiting = setTimeout(() => {}, 60_000);
    begin();
    const most = async () => (await figuresOf(registry))["nodejs_eventloop_lag_max_seconds"];
    // less than the interval may have passed of it before the timer was due
    await expect.poll(most).toBeGreaterThan(blockedMs / 1_000 - 0.15);
    clearTimeout(waiting);
    await expect.poll(most).toBeLessThan(0.15);
  },
);

test("before the timer was due once nothing is told, as prom-client would tell the highest number", async () => {
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
  const ofLateness = ["min", "max", "mean", "stddev", "p50", "p90", "p99"];
  const expected = ofLateness.map((each) => `nodejs_eventloop_lag_${each}_seconds`);
  expect(new Set(names)).toEqual(new Set(["nodejs_eventloop_lag_seconds", ...expected]));
  expect(names).toHaveLength(8);
});
