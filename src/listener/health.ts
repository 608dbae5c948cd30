/**
 * `/healthz/live` and `/healthz/ready`: open to everyone, so they tell nothing but yes or no, and however often they are asked, what
 * the process depends on is asked once a second at most. Ready means that all of that answers and that the process isn't
 * stopping. What does not answer is for the log alone.
 */
import type { RequestHandler } from "express";
import type { LogIds } from "../model/logIds.ts";
import { RpError } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import { sendAnswer } from "./answer.ts";
import { errorAnswer } from "./errorAnswer.ts";
import { checkReads } from "./methodNotAllowed.ts";
import { contextOf, type RequestContext } from "./requestContext.ts";

/** Something the process depends on. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves when it is there. */
  readonly check: (signal: AbortSignal, logIds: LogIds) => Promise<void>;
}

export interface HealthOptions {
  readonly checks: readonly ReadinessCheck[];
  /** Whether a clean stop has begun, or the process is drained. */
  readonly stopping: () => boolean;
}

/** How long an answer of the checks counts. */
const freshMs = 1_000;
/** Checks that take longer count as unanswered. */
const checkLimitMs = 5_000;

/** @param options.readyPaths those that are answered like `/healthz/ready`. */
export function health(
  options: HealthOptions & {
    readonly clock: Clock;
    readonly readyPaths?: readonly string[];
  },
): RequestHandler {
  const readyPaths = ["/healthz/ready", ...(options.readyPaths ?? [])];
  const readiness = new Readiness(options);
  return async (request, response, next) => {
    const path = pathOf(contextOf(response));
    const isReady = path !== undefined && readyPaths.includes(path);
    if (path !== "/healthz/live" && !isReady) {
      next();
      return;
    }
    checkReads(request);
    if (isReady && (options.stopping() || !(await readiness.now(contextOf(response))))) {
      sendAnswer(response, unready);
      return;
    }
    sendAnswer(response, { status: 200, body: { status: isReady ? "ready" : "live" } });
  };
}

/** None for one that is malformed: what is wrong with it, only those are told who may call. */
function pathOf(context: RequestContext): string | undefined {
  try {
    return context.target.foldedPath;
  } catch (error) {
    if (error instanceof RpError) return undefined;
    throw error;
  }
}

const unready = errorAnswer(
  new RpError(
    { code: "ServiceUnavailable", message: "The process is not ready." },
    { retryAfterSeconds: 5 },
  ),
);

interface LastCheck {
  readonly isReady: Promise<boolean>;
  endedAtMs?: number;
}

class Readiness {
  readonly #options: Pick<HealthOptions, "checks"> & { readonly clock: Clock };
  /** The last one; while it is under way it has no end. */
  #last: LastCheck | undefined;

  constructor(options: Pick<HealthOptions, "checks"> & { readonly clock: Clock }) {
    this.#options = options;
  }

  /** @param asking whose check it is, should it be time for one. */
  async now(asking: Pick<RequestContext, "log" | "logIds">): Promise<boolean> {
    const { clock } = this.#options;
    const endedAtMs = this.#last?.endedAtMs ?? Infinity;
    if (this.#last === undefined || clock.monotonic() - endedAtMs >= freshMs) {
      const check: LastCheck = { isReady: this.#check(asking) };
      this.#last = check;
      void check.isReady.finally(() => (check.endedAtMs = clock.monotonic()));
    }
    return this.#last.isReady;
  }

  async #check({ log, logIds }: Pick<RequestContext, "log" | "logIds">): Promise<boolean> {
    const { checks, clock } = this.#options;
    using deadline = deadlineSignal({
      clock,
      afterMs: checkLimitMs,
      reason: () => new Error(`there was no answer within ${checkLimitMs / 1_000} s`),
    });
    const { signal } = deadline;
    for (const { name, check } of checks) {
      try {
        await untilAborted(signal, async () => check(signal, logIds));
      } catch (error) {
        log.error({ error }, `the process is not ready: the ${name} does not answer`);
        return false;
      }
    }
    return true;
  }
}
