/**
 * How the time limits of the protocol hang together. The settings give three; all others follow from them here, so
 * that their order (heartbeat < lease < visibility < sweep) cannot be broken in one place.
 */

/** The three that are set, in milliseconds; `config.ts` has checked their order. */
export interface Timing {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** Longer than the lease, so that a crashed worker's message finds the lease expired. */
  readonly visibilityMs: number;
}

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
