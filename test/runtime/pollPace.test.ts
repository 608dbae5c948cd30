/** A loop looks often while there is work, rarely while there is none, and spares an engine that fails. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PollPace } from "../../src/runtime/pollPace.ts";

test("while there is work, the interval stays", () => {
  const pace = new PollPace({ intervalMs: 500, idleIntervalMs: 5_000 });
  pace.looked(1);
  expect(pace.waitMs).toBe(500);
  pace.looked(32);
  expect(pace.waitMs).toBe(500);
});

test("without work it doubles up to the longest, and one finding ends that", () => {
  const pace = new PollPace({ intervalMs: 500, idleIntervalMs: 5_000 });
  const waits: number[] = [];
  for (let look = 0; look < 6; look += 1) {
    pace.looked(0);
    waits.push(pace.waitMs);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  pace.looked(1);
  expect(pace.waitMs).toBe(500);
});

test("without a longer one the interval is always the same", () => {
  const pace = new PollPace({ intervalMs: 500 });
  for (let look = 0; look < 100; look += 1) pace.looked(0);
  expect(pace.waitMs).toBe(500);
});

test("failures double it sixteenfold at most, and a look that works ends that", () => {
  const pace = new PollPace({ intervalMs: 500, idleIntervalMs: 500 });
  const waits: number[] = [];
  for (let look = 0; look < 6; look += 1) {
    pace.failed();
    waits.push(pace.waitMs);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(pace.failures).toBe(6);
  pace.looked(0);
  expect(pace.failures).toBe(0);
  expect(pace.waitMs).toBe(500);
});

test("an engine that says how long to leave it alone is left alone that long", () => {
  const pace = new PollPace({ intervalMs: 500 });
  pace.failed(30_000);
  expect(pace.waitMs).toBe(30_000);
  pace.failed(10);
  expect(pace.waitMs).toBe(2_000);
});

test("whatever happens, it is never shorter than the interval, nor not a number", () => {
  const happening = fc.oneof(
    fc.nat(3).map((found) => (pace: PollPace) => pace.looked(found)),
    fc.nat(60_000).map((retryAfterMs) => (pace: PollPace) => pace.failed(retryAfterMs)),
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 200 }), fc.nat(10_000), (happenings, idle) => {
      const pace = new PollPace({ intervalMs: 500, idleIntervalMs: idle });
      for (const happen of happenings) {
        happen(pace);
        expect(pace.waitMs).toBeGreaterThanOrEqual(500);
        expect(pace.waitMs).toBeLessThanOrEqual(60_000);
      }
    }),
  );
});
