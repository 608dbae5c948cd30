/**
 * Time, as an effect handed to everyone. The system's clock is made here and nowhere else; everything in the core takes
 * a `Clock`, so that a test can turn it.
 */
import type { EpochMs } from "../model/document.ts";

export interface Clock {
  /** The wall clock: for what is stored and shown. It may jump. */
  now(): EpochMs;
  /** Milliseconds that never go back: for deadlines of this process. */
  monotonic(): number;
  /**
   * Waits.
   *
   * @throws the signal's reason as soon as it is aborted: whoever set a limit said what its passing means.
   */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once when the time is up, after 24 days at the latest, unless it was disposed of before. */
  timer(durationMs: number, elapsed: () => void): Disposable;
}

/** The longest that a timer of the system can run; a longer one would fire at once. */
const sleepLongestMs = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // by hand: the promised timer of Node makes an error of its own of each that is stopped, as nearly all are
  sleep: async (durationMs, signal) => {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      },
      Math.min(durationMs, sleepLongestMs),
    );
    signal?.addEventListener("abort", stop, { once: true });
    return promise;
  },
  timer: (durationMs, elapsed) => {
    const timer = setTimeout(elapsed, Math.min(durationMs, sleepLongestMs));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
