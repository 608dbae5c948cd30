/**
 * A tap on the shoulder between loops of one process: whoever waits wakes at once instead of at its next poll. It carries
 * no data and nothing may depend on it: what it announces is found by reading the store, with or without a nudge.
 */
import type { Clock } from "./clock.ts";

/** Made once: of its own accord a controller makes an error, with its stack, for each waiter. */
const nudged = new Error("there was a nudge");

export class Nudge {
  readonly #clock: Clock;
  readonly #waiters = new Set<AbortController>();
  #pending = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wakes everyone who waits; when nobody does, the next `wait` returns at once. Many calls count as one. */
  notify(): void {
    // a waiter that was aborted before isn't there any more, even if it has not left yet
    const waiters = [...this.#waiters].filter((waiter) => !waiter.signal.aborted);
    if (waiters.length === 0) this.#pending = true;
    for (const waiter of waiters) waiter.abort(nudged);
  }

  /**
   * Waits for a notification (one since the last wait counts), for at most so many milliseconds.
   *
   * @returns whether there was one.
   * @throws the signal's reason as soon as it is aborted.
   */
  async wait(durationMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#pending && !signal.aborted) {
      this.#pending = false;
      return true;
    }
    const waiter = new AbortController();
    let notified = false;
    waiter.signal.addEventListener("abort", () => (notified = !signal.aborted));
    const onAbort = (): void => waiter.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    this.#waiters.add(waiter);
    try {
      await this.#clock.sleep(durationMs, waiter.signal);
      return false;
    } catch (error) {
      if (!notified) throw error;
      return true;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiters.delete(waiter);
    }
  }
}
