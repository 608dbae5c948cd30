/** A process stops believing in its lease before the store does, whatever its clocks do meanwhile. */
import { expect, test } from "vitest";
import type { Clock } from "../../src/runtime/clock.ts";
import { LeaseDeadline, momentOf } from "../../src/runtime/leaseDeadline.ts";

/** Two clocks that go as they are told. */
class TwoClocks implements Clock {
  wallMs = 1_000_000;
  monotonicMs = 0;

  now(): number {
    return this.wallMs;
  }

  monotonic(): number {
    return this.monotonicMs;
  }

  sleep(): Promise<void> {
    throw new Error("nobody sleeps here");
  }

  timer(): Disposable {
    throw new Error("nobody sets a timer here");
  }

  pass(durationMs: number): void {
    this.wallMs += durationMs;
    this.monotonicMs += durationMs;
  }
}

function acquired(): { clock: TwoClocks; deadline: LeaseDeadline } {
  const clock = new TwoClocks();
  return {
    clock,
    deadline: new LeaseDeadline({ clock, leaseMs: 6_000, begunAt: momentOf(clock) }),
  };
}

test("ends before the lease does", () => {
  const { clock, deadline } = acquired();
  expect(deadline.remainingMs).toBeCloseTo(5_000);
  clock.pass(4_900);
  expect(deadline.passed).toBe(false);
  clock.pass(200);
  expect(deadline.passed).toBe(true);
});

test("counts from before the call that acquired or renewed it", () => {
  const { clock, deadline } = acquired();
  clock.pass(2_000);
  const begunAt = momentOf(clock);
  clock.pass(1_000);
  deadline.renewed(begunAt);
  expect(deadline.remainingMs).toBeCloseTo(4_000);
});

test("an answer that comes late doesn't shorten it", () => {
  const { clock, deadline } = acquired();
  const early = momentOf(clock);
  clock.pass(2_000);
  deadline.renewed(momentOf(clock));
  deadline.renewed(early);
  expect(deadline.remainingMs).toBeCloseTo(5_000);
});

test("a machine that was suspended finds it passed, though its monotonic clock stood still", () => {
  const { clock, deadline } = acquired();
  clock.wallMs += 3_600_000;
  expect(deadline.passed).toBe(true);
});

test("a wall clock that is set back doesn't prolong it", () => {
  const { clock, deadline } = acquired();
  clock.wallMs -= 3_600_000;
  clock.pass(5_100);
  expect(deadline.passed).toBe(true);
});
