/**
 * The time and the attempts of one call to a service: how long each request may take, how long to wait before it is made again,
 * and when the call has to be given up, on the given clock. It must never make a request again by itself: only whoever
 * made it knows whether it may have been carried out, and whether that does harm.
 */
import type { Clock } from "./clock.ts";
import { rejectOnAbort } from "./deadlineSignal.ts";
import type { Random } from "./ids.ts";

/** What one service is granted. */
export interface AttemptFigures {
  /** For one call, with all its requests and pauses. */
  readonly callLimitMs: number;
  /** For one request. */
  readonly attemptLimitMs: number;
  /** The most requests of a call that come to nothing. */
  readonly attemptsMax: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export interface CallAttemptsOptions {
  readonly clock: Clock;
  /** For jitter, so that those who were put off together don't come back together. */
  readonly random: Random;
  /** The caller's: it gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** Made once: of its own accord a controller makes an error, with its stack, each time. */
const ended = new Error("the attempt has ended");

/** Of one call, which begins when it is made. */
export class CallAttempts {
  readonly #options: CallAttemptsOptions;
  readonly #figures: AttemptFigures;
  readonly #endsAt: number;
  #failed = 0;

  constructor(options: CallAttemptsOptions, figures: AttemptFigures) {
    this.#options = options;
    this.#figures = figures;
    this.#endsAt = options.clock.monotonic() + figures.callLimitMs;
  }

  /** How much time the call has left. */
  get remainingMs(): number {
    return this.#endsAt - this.#options.clock.monotonic();
  }

  /**
   * One request.
   *
   * @param send must hand its signal on; what it still does after that was aborted is nobody's any more.
   * @param late makes what is thrown when there is no answer in time.
   * @throws the reason of the caller's signal; else what `send` throws.
   */
  async attempt<T>(send: (signal: AbortSignal) => Promise<T>, late: () => Error): Promise<T> {
    const { clock, signal: given } = this.#options;
    given?.throwIfAborted();
    const limit = new AbortController();
    const limitMs = Math.min(this.#figures.attemptLimitMs, this.remainingMs);
    using _timer = clock.timer(Math.max(0, limitMs), () => limit.abort(late()));
    // by hand: a signal made of several costs as much as all else here together
    const follow = (): void => limit.abort(given?.reason);
    given?.addEventListener("abort", follow, { once: true });
    const { signal } = limit;
    using aborted = rejectOnAbort(signal);
    try {
      return await Promise.race([send(signal), aborted.promise]);
    } catch (error) {
      given?.throwIfAborted();
      throw error;
    } finally {
      given?.removeEventListener("abort", follow);
      // an SDK may still wait for a part of the answer that nobody needs any more
      limit.abort(ended);
    }
  }

  /**
   * Waits before a request that came to nothing is made again: a little longer each time, and as long as the service says if that
   * is longer. It may say 0 while it is busy, which would use up all attempts at once.
   *
   * @returns `false`, at once, when the time or the attempts of the call don't allow it.
   * @throws the reason of the caller's signal.
   */
  async pause(retryAfterMs: number | undefined): Promise<boolean> {
    const { clock, random, signal } = this.#options;
    const { attemptsMax, firstPauseMs, longestPauseMs } = this.#figures;
    this.#failed += 1;
    const grownMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failed - 1));
    const jitteredMs = grownMs * (0.5 + random.fraction() / 2);
    const pauseMs = Math.max(retryAfterMs ?? 0, jitteredMs);
    if (this.#failed >= attemptsMax || pauseMs >= this.remainingMs) return false;
    await clock.sleep(pauseMs, signal);
    return true;
  }
}
