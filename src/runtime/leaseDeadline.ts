/**
 * Until when this process may believe that it holds a lease, by its own clock. It never asks the store and never compares
 * two machines' clocks: it counts from *before* the call that acquired or renewed the lease, less a margin, so that it
 * always ends before the store's own view does.
 *
 * Both of the machine's clocks count, whichever has gone further: the monotonic one stands still while a laptop or a
 * virtual machine is suspended, and the wall clock may be set back.
 */
import type { Clock } from "./clock.ts";

/** The part of a lease that is not used: calls begun at the last moment must still end before the lease does. */
const marginShare = 1 / 6;

/** A moment on both clocks of the machine. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Now, to be taken before a call that acquires or renews a lease. */
export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonic(), wallMs: clock.now() };
}

export class LeaseDeadline {
  readonly #clock: Clock;
  readonly #usableMs: number;
  #begunAt: Moment;

  /** @param options.begunAt the moment before the call that acquired the lease. */
  constructor(options: {
    readonly clock: Clock;
    readonly leaseMs: number;
    readonly begunAt: Moment;
  }) {
    this.#clock = options.clock;
    this.#usableMs = options.leaseMs * (1 - marginShare);
    this.#begunAt = options.begunAt;
  }

  /** The lease was renewed by a call that began at this moment. */
  renewed(begunAt: Moment): void {
    if (begunAt.monotonicMs > this.#begunAt.monotonicMs) this.#begunAt = begunAt;
  }

  /** Milliseconds left to act under the lease; zero or less when there are none. */
  get remainingMs(): number {
    const now = momentOf(this.#clock);
    const elapsedMs = Math.max(
      now.monotonicMs - this.#begunAt.monotonicMs,
      now.wallMs - this.#begunAt.wallMs,
    );
    return this.#usableMs - elapsedMs;
  }

  /** Whether it may have run out. */
  get passed(): boolean {
    return this.remainingMs <= 0;
  }
}
