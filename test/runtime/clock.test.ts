/** The system's clock: its timers call back once, and never after they were disposed of. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a timer calls back once, when its time is up", () => {
  const elapsed = vi.fn();
  systemClock.timer(500, elapsed);
  vi.advanceTimersByTime(499);
  expect(elapsed).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(10_000);
  expect(elapsed).toHaveBeenCalledTimes(1);
});

test("a timer that was disposed of never calls back, and disposing of it again or afterwards does nothing", () => {
  const elapsed = vi.fn();
  const early = systemClock.timer(500, elapsed);
  early[Symbol.dispose]();
  early[Symbol.dispose]();
  vi.advanceTimersByTime(10_000);
  expect(elapsed).toHaveBeenCalledTimes(0);
  const late = systemClock.timer(500, elapsed);
  vi.advanceTimersByTime(500);
  late[Symbol.dispose]();
  expect(elapsed).toHaveBeenCalledTimes(1);
});

test("a time that is longer than a timer of the system can run doesn't end at once", async () => {
  const elapsed = vi.fn();
  const yearMs = 365 * 24 * 60 * 60_000;
  systemClock.timer(yearMs, elapsed);
  const slept = systemClock.sleep(yearMs).then(elapsed);
  await vi.advanceTimersByTimeAsync(20 * 24 * 60 * 60_000);
  expect(elapsed).toHaveBeenCalledTimes(0);
  await vi.runAllTimersAsync();
  await slept;
});
