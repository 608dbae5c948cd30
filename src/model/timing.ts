/**
 * How the time limits of the protocol hang together. The settings give three; all others follow from them here, so
 * that their order (heartbeat < lease < visibility < sweep) cannot be broken in one place.
 */

import type { EpochMs } from "./document.ts";

/** The three that are set, in milliseconds; `config.ts` has checked their order. */
export interface Timing {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** Longer than the lease, so that a crashed worker's message finds the lease expired. */
  readonly visibilityMs: number;
}

/** The longest that an operation waits for its next attempt. A step that wants to wait longer is simply asked again. */
export const attemptWaitMaxMs = 10 * 60_000;

/** Doublings of the sweep's margin after which it grows no more. */
const sweepDoublingsMax = 6;

/**
 * How long after a message was sent, or a worker wrote, the sweep leaves a document alone. It grows with each time the
 * sweep has flagged the operation: with a queue that is longer than the margin, every sweep would add a message for
 * each waiting document.
 */
export function sweepMarginMs(timing: Timing, sweeps: number): number {
  return 2 * timing.visibilityMs * 2 ** Math.min(sweeps, sweepDoublingsMax);
}

/**
 * How long an operation has to wait until its next attempt. A time that is further away than anybody may set it was set
 * before the clock was set back: then it is due.
 */
export function attemptWaitMs(nextAttemptAt: EpochMs, now: EpochMs): number {
  const waitMs = nextAttemptAt - now;
  return waitMs > 0 && waitMs <= attemptWaitMaxMs ? waitMs : 0;
}

/** The furthest that a time of scheduling may lie from now; one beyond was set before the clock was set back. */
export function farthestTime(timing: Timing, now: EpochMs): EpochMs {
  return now + attemptWaitMaxMs + sweepMarginMs(timing, sweepDoublingsMax);
}
