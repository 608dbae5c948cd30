/**
 * How many requests are let in at once: for one subscription, so that none of them is served at the cost of the others, and
 * in all, so that those that are let in end in time. What their bodies take of memory `listener/bodyBudget.ts` divides. Nobody
 * waits here; whoever is one too many is told when to come again.
 */
import type { Response } from "express";
import type { RequestLimits } from "../model/limits.ts";
import { RpError } from "../model/rpError.ts";

const retryAfterSeconds = 1;

export class Admission {
  readonly #limits: Pick<RequestLimits, "requests" | "subscriptionRequests">;
  /** Of each subscription with any; so there are never more than requests. */
  readonly #ofSubscription = new Map<string, number>();
  #inAll = 0;

  constructor(limits: Pick<RequestLimits, "requests" | "subscriptionRequests">) {
    this.#limits = limits;
  }

  /**
   * To be asked before the body is read; it counts until the response is closed.
   *
   * @param subscriptionId any text that is the same for all requests of the subscription.
   * @throws {RpError} `TooManyRequests`.
   */
  enterSubscription(subscriptionId: string, response: Response): void {
    const count = this.#ofSubscription.get(subscriptionId) ?? 0;
    const most = this.#limits.subscriptionRequests;
    if (count >= most) {
      throw new RpError(
        {
          code: "TooManyRequests",
          message: `${most} requests of this subscription are under way, which is the most; try again.`,
        },
        { retryAfterSeconds },
      );
    }
    this.#ofSubscription.set(subscriptionId, count + 1);
    response.on("close", () => {
      const left = (this.#ofSubscription.get(subscriptionId) ?? 1) - 1;
      if (left === 0) this.#ofSubscription.delete(subscriptionId);
      else this.#ofSubscription.set(subscriptionId, left);
    });
  }

  /**
   * To be asked after the body was read, as a slow caller is no work; it counts until the response is closed.
   *
   * @throws {RpError} `ServiceUnavailable`.
   */
  enter(response: Response): void {
    if (this.#inAll >= this.#limits.requests) {
      throw new RpError(
        {
          code: "ServiceUnavailable",
          message: "Too many requests are being worked on; try again.",
        },
        { retryAfterSeconds },
      );
    }
    this.#inAll += 1;
    response.on("close", () => (this.#inAll -= 1));
  }
}
