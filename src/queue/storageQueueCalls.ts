/**
 * The time and the attempts of one call of the queue on Azure Storage: how long each request may take, when it is made again, and
 * when the call gives up, on the given clock. It must never make again by itself what may have been carried out: whoever made
 * the request says whether that does harm.
 */
import { QueueUnavailableError, type QueueCallOptions } from "./queue.ts";
import { failureFrom, StorageQueueFailure } from "./storageQueueFailure.ts";
import { CallAttempts, type AttemptFigures } from "../runtime/callAttempts.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/ids.ts";

/** How long one request may take; the service is told to give up after it too. */
export const attemptLimitMs = 5_000;
/** How long one call may take, with all its requests and pauses: no longer than a heartbeat can wait for it. */
export const callLimitMs = 10_000;
/** How often a request is made again, and after which pauses. */
export const attemptFigures: AttemptFigures = {
  callLimitMs,
  attemptLimitMs,
  attemptsMax: 5,
  firstPauseMs: 100,
  longestPauseMs: 2_000,
};

export interface StorageQueueCallOptions extends QueueCallOptions {
  readonly clock: Clock;
  /** For jitter, so that those who were put off together don't come back together. */
  readonly random: Random;
  /** Told of each request that is made again, and why; it must not throw. */
  readonly onRetry?: (reason: "putOff" | "unanswered") => void;
}

/** One call. It begins when it is made. */
export class StorageQueueCall {
  readonly #attempts: CallAttempts;
  readonly #signal: AbortSignal | undefined;
  readonly #onRetry: StorageQueueCallOptions["onRetry"];
  #wasUnanswered = false;

  /** @throws the signal's reason, if it is aborted before anything was done. */
  constructor(options: StorageQueueCallOptions) {
    options.signal?.throwIfAborted();
    this.#attempts = new CallAttempts(options, attemptFigures);
    this.#signal = options.signal;
    this.#onRetry = options.onRetry;
  }

  /** Whether a request of this call may have been carried out without our knowing. */
  get wasUnanswered(): boolean {
    return this.#wasUnanswered;
  }

  /**
   * A request that may be carried out twice: made again until there is an answer.
   *
   * @param send must hand its signal on; what it still does after that was aborted is nobody's any more.
   * @throws {StorageQueueFailure} of the kind `lost`.
   * @throws {QueueUnavailableError}
   * @throws the signal's reason.
   */
  async repeat<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#until(send, ["putOff", "unanswered"]);
  }

  /**
   * A request that must not be carried out twice: made again only while it surely was not carried out.
   *
   * @throws as above.
   */
  async once<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#until(send, ["putOff"]);
  }

  async #until<T>(
    send: (signal: AbortSignal) => Promise<T>,
    repeated: readonly StorageQueueFailure["kind"][],
  ): Promise<T> {
    for (;;) {
      try {
        return await this.#attempt(send);
      } catch (error) {
        if (!(error instanceof StorageQueueFailure)) throw error;
        if (error.kind === "unanswered") this.#wasUnanswered = true;
        if (error.kind === "lost") throw error;
        if (!repeated.includes(error.kind)) throw unavailable(error);
        if (!(await this.#attempts.pause(error.retryAfterMs))) throw unavailable(error);
        this.#onRetry?.(error.kind === "putOff" ? "putOff" : "unanswered");
      }
    }
  }

  async #attempt<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#attempts.attempt(
        send,
        () => new StorageQueueFailure("unanswered", "Azure Storage did not answer in time"),
      );
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw failureFrom(error);
    }
  }
}

function unavailable(failure: StorageQueueFailure): QueueUnavailableError {
  return new QueueUnavailableError(failure.message, {
    cause: failure,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}
