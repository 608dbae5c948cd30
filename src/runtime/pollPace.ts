/**
 * How long a loop rests between two looks at an engine: the interval while there is work, longer and longer while there is none,
 * since looks may be paid for, and longer while the engine fails, so that it isn't flooded. It must never wait by itself.
 */

/** Doublings of the interval after which a failing engine is asked no more rarely. */
const failureDoublingsMax = 4;

export interface PollFigures {
  /** Between two looks while there is work. */
  readonly intervalMs: number;
  /** To what the interval grows, by doubling, while there is none; `intervalMs` when absent. */
  readonly idleIntervalMs?: number;
}

export class PollPace {
  readonly #intervalMs: number;
  readonly #idleIntervalMs: number;
  #idleLooks = 0;
  #failures = 0;
  #retryAfterMs = 0;

  constructor({ intervalMs, idleIntervalMs = intervalMs }: PollFigures) {
    this.#intervalMs = intervalMs;
    this.#idleIntervalMs = Math.max(intervalMs, idleIntervalMs);
  }

  /** How many looks in a row have failed. A nudge must not turn them into a hot loop. */
  get failures(): number {
    return this.#failures;
  }

  /** A look has brought this many things to do. */
  looked(found: number): void {
    this.#failures = 0;
    this.#retryAfterMs = 0;
    this.#idleLooks = found > 0 ? 0 : this.#idleLooks + 1;
  }

  /** @param retryAfterMs what the engine itself asks for, if it does. */
  failed(retryAfterMs = 0): void {
    this.#failures += 1;
    this.#retryAfterMs = retryAfterMs;
  }

  /** Until the next look. */
  get waitMs(): number {
    if (this.#failures > 0) {
      const doublings = Math.min(this.#failures, failureDoublingsMax);
      return Math.max(this.#intervalMs * 2 ** doublings, this.#retryAfterMs);
    }
    // the first empty look is followed by another after the plain interval
    const doublings = Math.max(0, this.#idleLooks - 1);
    return Math.min(this.#intervalMs * 2 ** Math.min(doublings, 30), this.#idleIntervalMs);
  }
}
