/** One call's requests end in time, and its pauses keep within its time and its attempts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CallAttempts, type AttemptFigures } from "../../src/runtime/callAttempts.ts";
import { settled, TestClock } from "./testClock.ts";

const figures: AttemptFigures = {
  callLimitMs: 20_000,
  attemptLimitMs: 5_000,
  attemptsMax: 4,
  firstPauseMs: 100,
  longestPauseMs: 300,
};
const late = (): Error => new Error("late");
const never = new Promise<never>(() => {});

function chance(fraction: number) {
  const none = (): never => {
    throw new Error("not asked for");
  };
  return { fraction: () => fraction, integer: none, bytes: none };
}

function begin(clock: TestClock, signal?: AbortSignal, fraction = 0): CallAttempts {
  return new CallAttempts({ clock, random: chance(fraction), signal }, figures);
}

test("a request that is never answered ends after its time, and its signal is aborted", async () => {
  const clock = new TestClock();
  let given: AbortSignal | undefined;
  const attempt = begin(clock).attempt(async (signal) => {
    given = signal;
    return never;
  }, late);
  attempt.catch(() => {});
  await clock.advance(4_999);
  expect(given?.aborted).toBe(false);
  await clock.advance(1);
  await expect(attempt).rejects.toEqual(late());
  expect(given?.aborted).toBe(true);
});

test("a request has no more than what the call has left", async () => {
  const clock = new TestClock();
  const call = begin(clock);
  await clock.advance(19_900);
  const attempt = call.attempt(async () => never, late);
  attempt.catch(() => {});
  await clock.advance(100);
  await expect(attempt).rejects.toEqual(late());
});

test("what was answered is nobody's wait any more: no sleeper, and the request's signal is aborted", async () => {
  const clock = new TestClock();
  let given: AbortSignal | undefined;
  const answer = await begin(clock).attempt(async (signal) => {
    given = signal;
    return "answer";
  }, late);
  expect(answer).toBe("answer");
  expect(given?.aborted).toBe(true);
  await settled();
  expect(clock.sleeping).toBe(0);
});

test("the caller's reason counts, before a request, during it and in a pause", async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const reason = new Error("given up");
  const call = begin(clock, stop.signal);
  const attempt = call.attempt(async () => never, late);
  const pause = call.pause(undefined);
  stop.abort(reason);
  await expect(attempt).rejects.toBe(reason);
  await expect(pause).rejects.toBe(reason);
  let isSent = false;
  const after = call.attempt(async () => {
    isSent = true;
  }, late);
  await expect(after).rejects.toBe(reason);
  expect(isSent).toBe(false);
});

test("pauses grow up to the longest, and end with the attempts", async () => {
  const clock = new TestClock();
  const call = begin(clock);
  const paused = async (retryAfterMs?: number): Promise<number> => {
    const before = clock.monotonic();
    const pause = call.pause(retryAfterMs);
    while (clock.sleeping > 0) await clock.advance(1);
    expect(await pause).toBe(true);
    return clock.monotonic() - before;
  };
  expect(await paused()).toBe(50);
  expect(await paused(0)).toBe(100);
  expect(await paused(1_000)).toBe(1_000);
  expect(await call.pause(0)).toBe(false);
});

test("no pause is shorter than the service says, none goes beyond the call's time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 25_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      async (retryAfterMs, fraction) => {
        const clock = new TestClock();
        const pause = begin(clock, undefined, fraction).pause(retryAfterMs);
        await clock.advance(Math.max(0, retryAfterMs - 1));
        const isEarly = clock.sleeping === 0 && retryAfterMs > 1;
        await clock.advance(figures.callLimitMs);
        const isAllowed = Math.max(retryAfterMs, 50) < figures.callLimitMs;
        expect(await pause).toBe(isAllowed);
        expect(isEarly).toBe(!isAllowed);
      },
    ),
  );
});
