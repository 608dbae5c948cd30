/**
 * Until when this process may believe that it holds a lease, by its own monotonic clock. It never asks the store and
 * never compares two machines' clocks: it counts from *before* the call that acquired or renewed the lease, less a
 * margin, so that it always ends before the store's own view does.
 */
import type { Clock } from "./clock.ts";

/** The part of a lease that is not used: calls begun at the last moment must still end before the lease does. */
const marginShare = 1 / 6;

export class LeaseDeadline {
  readonly #clock: Clock;
  readonly #usableMs: number;
  #deadline: number;

  /** @param options.begunAt the monotonic time before the call that acquired the lease. */
  constructor(options: {
    readonly clock: Clock;
    readonly leaseMs: number;
    readonly begunAt: number;
  }) {
    this.#clock = options.clock;
    this.#usableMs = options.leaseMs * (1 - marginShare);
    this.#deadline = options.begunAt + this.#usableMs;
  }

  /** The lease was renewed by a call that began at this monotonic time. */
  renewed(begunAt: number): void {
    this.#deadline = Math.max(this.#deadline, begunAt + this.#usableMs);
  }

  /** Milliseconds left to act under the lease; zero or less when there are none. */
  get remainingMs(): number {
    return this.#deadline - this.#clock.monotonic();
  }

  /** Whether it may have run out. */
  get passed(): boolean {
    return this.remainingMs <= 0;
  }
}
