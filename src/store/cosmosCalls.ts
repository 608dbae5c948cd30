/**
 * The time and the attempts of one call of the store on Cosmos DB: how long each request may take, when it is made again, when
 * the call gives up, and what it has cost. The SDK resends reads by its own taste and writes hardly ever; here both
 * are resent by one rule, on the given clock. It must never resend by itself what may have been carried out: whoever
 * made the request decides that, since only he can look whether it was.
 */
import { CosmosFailure, failureFrom, requestUnitsFrom } from "./cosmosFailure.ts";
import {
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type CallOptions,
  type Store,
} from "./store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/ids.ts";

/** What one call of the store has cost. */
export interface Charge {
  /** The method of the store: a name of few, which a metric can be told apart by. */
  readonly operation: keyof Store;
  /**
   * Of all its requests together, as the service calculated them; without the plan that the SDK asks for beside each query
   * and shows nobody.
   */
  readonly requestUnits: number;
}

export interface CosmosCallsOptions {
  readonly clock: Clock;
  /** For jitter, so that those who were put off together don't come back together. */
  readonly random: Random;
  /** Told once for each call that made a request, failed ones included; it must not throw. */
  readonly onCharge?: (charge: Charge) => void;
}

/** How long one request may take. The service itself gives up after 5 s. */
export const attemptLimitMs = 5_000;
/** How long one call may take, with all its requests and pauses. */
export const callLimitMs = 20_000;
const attemptsMax = 10;
const firstPauseMs = 50;
const longestPauseMs = 2_000;

export class CosmosCalls {
  readonly #options: CosmosCallsOptions;

  constructor(options: CosmosCallsOptions) {
    this.#options = options;
  }

  /**
   * Runs one call of the store.
   *
   * @throws the signal's reason, if it is aborted before anything was done.
   */
  async run<T>(
    operation: keyof Store,
    { signal }: CallOptions,
    work: (call: CosmosCall) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const call = new CosmosCall(this.#options, signal);
    try {
      return await work(call);
    } finally {
      this.#options.onCharge?.({ operation, requestUnits: call.requestUnits });
    }
  }
}

/** What an attempt needs of an answer. */
interface Answer {
  /** Request units, as the SDK read them from the answer: a number or its text. */
  readonly requestCharge?: unknown;
}

export class CosmosCall {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #signal: AbortSignal | undefined;
  readonly #endsAt: number;
  #pauses = 0;
  #requestUnits = 0;

  constructor({ clock, random }: CosmosCallsOptions, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#random = random;
    this.#signal = signal;
    this.#endsAt = clock.monotonic() + callLimitMs;
  }

  /** How much time it has left for all its requests. */
  get remainingMs(): number {
    return this.#endsAt - this.#clock.monotonic();
  }

  get requestUnits(): number {
    return this.#requestUnits;
  }

  /**
   * One request.
   *
   * @param send must hand its signal on; what it still does after that was aborted is nobody's any more.
   * @throws {CosmosFailure}
   * @throws the signal's reason.
   */
  async attempt<A extends Answer>(send: (signal: AbortSignal) => Promise<A>): Promise<A> {
    this.#signal?.throwIfAborted();
    const { remainingMs } = this;
    const limit = new AbortController();
    const timer = new AbortController();
    this.#clock.sleep(Math.max(0, Math.min(attemptLimitMs, remainingMs)), timer.signal).then(
      () => limit.abort(),
      () => {
        // answered in time
      },
    );
    const signals = this.#signal === undefined ? [limit.signal] : [limit.signal, this.#signal];
    const signal = AbortSignal.any(signals);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void =>
      reject(new CosmosFailure("unanswered", "Cosmos DB did not answer in time"));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const answer = await Promise.race([send(signal), aborted]);
      this.#requestUnits += requestUnitsFrom(answer.requestCharge);
      return answer;
    } catch (error) {
      this.#signal?.throwIfAborted();
      const failure = failureFrom(error);
      this.#requestUnits += failure.requestUnits;
      throw failure;
    } finally {
      timer.abort();
      signal.removeEventListener("abort", onAbort);
      // the SDK may still wait for a query's plan that nobody needs any more
      limit.abort();
    }
  }

  /**
   * One request that changes something.
   *
   * @throws {CosmosFailure}
   * @throws {StoreOutcomeUnknownError} when the signal is aborted while the request is on its way.
   * @throws the signal's reason, when it is aborted before.
   */
  async write<A extends Answer>(send: (signal: AbortSignal) => Promise<A>): Promise<A> {
    this.#signal?.throwIfAborted();
    try {
      return await this.attempt(send);
    } catch (error) {
      if (error instanceof CosmosFailure) throw error;
      throw new StoreOutcomeUnknownError("the call was given up while a write was on its way", {
        cause: error,
      });
    }
  }

  /**
   * A request that changes nothing, made again until there is an answer.
   *
   * @throws {CosmosFailure} when the answer is that it failed.
   * @throws {StoreUnavailableError}
   * @throws the signal's reason.
   */
  async read<A extends Answer>(send: (signal: AbortSignal) => Promise<A>): Promise<A> {
    for (;;) {
      try {
        return await this.attempt(send);
      } catch (error) {
        if (!(error instanceof CosmosFailure)) throw error;
        if (error.kind === "putOff" || error.kind === "unanswered") await this.pause(error);
        else if (error.kind === "condition") throw error;
        else throw unavailable(error);
      }
    }
  }

  /**
   * Waits before a request is made again: a little longer each time, and as long as the service says if that is longer. It
   * may say 0 while it is busy, which would use up all attempts at once.
   *
   * @throws {StoreUnavailableError} when the time or the attempts of the call don't allow it.
   * @throws the signal's reason.
   */
  async pause(failure: CosmosFailure): Promise<void> {
    this.#pauses += 1;
    const grownMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#pauses - 1));
    const jitteredMs = grownMs * (0.5 + this.#random.fraction() / 2);
    const pauseMs = Math.max(failure.retryAfterMs ?? 0, jitteredMs);
    const { remainingMs } = this;
    if (this.#pauses >= attemptsMax || pauseMs >= remainingMs) throw unavailable(failure);
    await this.#clock.sleep(pauseMs, this.#signal);
  }
}

/** @param failure of a request that was surely not carried out, or changes nothing. */
export function unavailable(failure: CosmosFailure): StoreUnavailableError {
  return new StoreUnavailableError(failure.message, {
    cause: failure,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}
