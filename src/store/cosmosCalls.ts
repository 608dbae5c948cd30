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
import { CallAttempts, type AttemptFigures } from "../runtime/callAttempts.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/ids.ts";
import type { LogIds } from "../model/logIds.ts";

/** What one call of the store has cost. */
export interface Charge {
  /** The method of the store: a name of few, which a metric can be told apart by. */
  readonly operation: keyof Store;
  /** Of all its requests together, as the service calculated them. */
  readonly requestUnits: number;
}

export interface CosmosCallsOptions {
  readonly clock: Clock;
  /** For jitter, so that those who were put off together don't come back together. */
  readonly random: Random;
  /** Told once for each call that made a request, failed ones included, and whom it was made for; it must not throw. */
  readonly onCharge?: (charge: Charge, logIds: LogIds | undefined) => void;
  /** Told of each request that is made again, and why; it must not throw. */
  readonly onRetry?: (reason: "putOff" | "unanswered") => void;
}

/** How long one request may take. The service itself gives up after 5 s. */
export const attemptLimitMs = 5_000;
/** How long one call may take, with all its requests and pauses. */
export const callLimitMs = 20_000;
/** How often a request is made again, and after which pauses. */
export const attemptFigures: AttemptFigures = {
  callLimitMs,
  attemptLimitMs,
  attemptsMax: 10,
  firstPauseMs: 50,
  longestPauseMs: 2_000,
};

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
    { signal, logIds }: CallOptions,
    work: (call: CosmosCall) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const call = new CosmosCall(this.#options, signal);
    try {
      return await work(call);
    } finally {
      this.#options.onCharge?.({ operation, requestUnits: call.requestUnits }, logIds);
    }
  }
}

/** What an attempt needs of an answer. */
interface Answer {
  /** Request units, as the SDK read them from the answer: a number or its text. */
  readonly requestCharge?: unknown;
}

export class CosmosCall {
  readonly #attempts: CallAttempts;
  readonly #signal: AbortSignal | undefined;
  #requestUnits = 0;

  readonly #onRetry: CosmosCallsOptions["onRetry"];

  constructor({ clock, random, onRetry }: CosmosCallsOptions, signal: AbortSignal | undefined) {
    this.#attempts = new CallAttempts({ clock, random, signal }, attemptFigures);
    this.#onRetry = onRetry;
    this.#signal = signal;
  }

  /** How much time it has left for all its requests. */
  get remainingMs(): number {
    return this.#attempts.remainingMs;
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
    try {
      const answer = await this.#attempts.attempt(
        send,
        () => new CosmosFailure("unanswered", "Cosmos DB did not answer in time"),
      );
      this.#requestUnits += requestUnitsFrom(answer.requestCharge);
      return answer;
    } catch (error) {
      this.#signal?.throwIfAborted();
      const failure = failureFrom(error);
      this.#requestUnits += failure.requestUnits;
      throw failure;
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
   * Waits before a request is made again.
   *
   * @throws {StoreUnavailableError} when the time or the attempts of the call don't allow it.
   * @throws the signal's reason.
   */
  async pause(failure: CosmosFailure): Promise<void> {
    if (!(await this.#attempts.pause(failure.retryAfterMs))) throw unavailable(failure);
    this.#onRetry?.(failure.kind === "putOff" ? "putOff" : "unanswered");
  }
}

/** @param failure of a request that was surely not carried out, or changes nothing. */
export function unavailable(failure: CosmosFailure): StoreUnavailableError {
  return new StoreUnavailableError(failure.message, {
    cause: failure,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}
