/**
 * How much all bodies in memory may have together, and each subscription's part of it: whoever sends a lot, and slowly, must
 * not keep the others from being heard. It only counts; the bytes are held elsewhere.
 */
import type { ServerResponse } from "node:http";
import type { BodyLimits } from "../model/limits.ts";
import { RpError } from "../model/rpError.ts";

/** When those who come too many at once may try again. */
const retryAfterSeconds = 1;
/** Up to here a body is small: most clusters' are by far, and those that cancel or announce something. */
const smallBytes = 64 * 1024;
/** By default as much as twenty of the largest bodies. */
const shareOfSubscription = 1 / 3;
/** The rest is for small bodies, however many large ones of however many subscriptions there are. */
const shareOfLarge = 3 / 4;

export class BodyBudget {
  readonly #bytes: number;
  readonly #subscriptionBytes: number;
  readonly #largeBytes: number;
  /** Of each subscription that has any; so there are never more than requests. */
  readonly #ofSubscription = new Map<string, number>();
  #held = 0;
  #heldByLarge = 0;

  constructor({ bytes, totalBytes }: Pick<BodyLimits, "bytes" | "totalBytes">) {
    // however small the whole is, one body can be held as it came and unpacked
    const one = Math.min(totalBytes, 2 * bytes);
    this.#bytes = totalBytes;
    this.#subscriptionBytes = Math.max(one, Math.floor(totalBytes * shareOfSubscription));
    this.#largeBytes = Math.max(one, Math.floor(totalBytes * shareOfLarge));
  }

  /**
   * What one request holds, until its response is closed: to be told of more before it is taken.
   *
   * @param subscription any text that is the same for all requests of one; all those without one share as if they were one.
   * @returns throws {RpError}: `TooManyRequests` when it is too much for the subscription, `ServiceUnavailable` when it is
   *   with all others.
   */
  account(response: ServerResponse, subscription = ""): (bytes: number) => void {
    let own = 0;
    const change = (bytes: number): void => {
      this.#heldByLarge += largePart(own + bytes) - largePart(own);
      own += bytes;
      this.#held += bytes;
      const left = (this.#ofSubscription.get(subscription) ?? 0) + bytes;
      if (left === 0) this.#ofSubscription.delete(subscription);
      else this.#ofSubscription.set(subscription, left);
    };
    response.once("close", () => change(-own));
    return (bytes) => {
      if ((this.#ofSubscription.get(subscription) ?? 0) + bytes > this.#subscriptionBytes) {
        throw new RpError(
          {
            code: "TooManyRequests",
            message: "The bodies of this subscription that are being sent are too much; try again.",
          },
          { retryAfterSeconds },
        );
      }
      const more = largePart(own + bytes) - largePart(own);
      if (
        this.#held + bytes > this.#bytes ||
        (more > 0 && this.#heldByLarge + more > this.#largeBytes)
      ) {
        throw new RpError(
          {
            code: "ServiceUnavailable",
            message: "Too many bodies are being sent at once; try again.",
          },
          { retryAfterSeconds },
        );
      }
      // what is told after the answer is let go of already
      if (!response.closed) change(bytes);
    };
  }
}

function largePart(bytes: number): number {
  return bytes > smallBytes ? bytes : 0;
}
