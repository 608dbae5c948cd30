/**
 * A credential that gives up: the SDK's own wait without end for an answer that never comes, and
 * let every later sign-in wait with them. It must never keep a token.
 */
import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/core-auth";
import { CredentialUnavailableError } from "@azure/identity";
import type { Clock } from "../../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../../runtime/deadlineSignal.ts";
import { isSignInUnanswered } from "./failures/azureErrors.ts";

export class BoundedCredential implements TokenCredential {
  readonly #make: () => TokenCredential;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #brokenBy: () => Error | undefined;
  #held: TokenCredential | undefined;

  /**
   * @param options.make called again after a sign-in that took too long: what hangs is kept by the
   * credential that began it, and whoever comes later would wait for the same.
   * @param options.limitMs the time that one sign-in may take.
   * @param options.brokenBy why the last call of the credential got no answer: the SDK's own leave that out of their errors.
   */
  constructor(options: {
    readonly make: () => TokenCredential;
    readonly clock: Clock;
    readonly limitMs: number;
    readonly brokenBy?: () => Error | undefined;
  }) {
    this.#make = options.make;
    this.#clock = options.clock;
    this.#limitMs = options.limitMs;
    this.#brokenBy = options.brokenBy ?? (() => undefined);
  }

  /**
   * @throws {CredentialUnavailableError} when the time is up, which is judged as an outage.
   * @throws the reason of `abortSignal` as soon as it is aborted.
   * @throws whatever the credential throws.
   */
  async getToken(
    scopes: string | string[],
    options: GetTokenOptions = {},
  ): Promise<AccessToken | null> {
    const held = (this.#held ??= this.#make());
    using limit = deadlineSignal({
      clock: this.#clock,
      afterMs: this.#limitMs,
      // in the words of the SDK's own sign-in for a network that is down
      reason: () =>
        new CredentialUnavailableError("network_error: no answer to the sign-in came in time"),
      parents: options.abortSignal === undefined ? [] : [options.abortSignal as AbortSignal],
    });
    const { signal } = limit;
    try {
      return await untilAborted(signal, async () =>
        held.getToken(scopes, { ...options, abortSignal: signal }),
      );
    } catch (error) {
      if (signal.aborted && this.#held === held) this.#held = undefined;
      const cause = this.#brokenBy();
      if (cause !== undefined && isSignInUnanswered(error)) {
        throw new CredentialUnavailableError("network_error: nobody answered the sign-in", {
          cause,
        });
      }
      throw error;
    }
  }

  /**
   * For clients, which let several callers wait for one sign-in: it must not end with the caller
   * that happened to begin it.
   */
  get shared(): TokenCredential {
    return {
      getToken: async (scopes, options = {}) => {
        const { abortSignal: _, ...others } = options;
        return await this.getToken(scopes, others);
      },
    };
  }
}
