/**
 * `/healthz/live` and `/healthz/ready`: open to everyone, so they tell nothing but yes or no. Ready means that what this
 * process depends on answers and that it isn't stopping.
 */
import { checkReads } from "./methodNotAllowed.ts";
import type { RequestHandler } from "express";
import type { LogIds } from "../model/logIds.ts";
import { foldCase } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import { sendAnswer } from "./answer.ts";
import { errorAnswer } from "./errorAnswer.ts";
import { contextOf, type RequestContext } from "./requestContext.ts";
import { parseRequestPath } from "./requestPath.ts";

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

export function health(options: HealthOptions): RequestHandler {
  return async (request, response, next) => {
    const path = pathOf(request.originalUrl);
    if (path !== "/healthz/live" && path !== "/healthz/ready") {
      next();
      return;
    }
    checkReads(request);
    if (path === "/healthz/ready") {
      if (options.stopping()) {
        // it is as somebody wanted it: nothing that an operator has to be told of in the log
        sendAnswer(response, errorAnswer(unready("The process takes no new work.", undefined)));
        return;
      }
      await checkReady(options, contextOf(response));
    }
    sendAnswer(response, {
      status: 200,
      body: { status: path === "/healthz/ready" ? "ready" : "live" },
    });
  };
}

/** None for one that is malformed: what is wrong with it, only those are told who may call. */
function pathOf(url: string): string | undefined {
  try {
    return foldCase(`/${parseRequestPath(url).segments.join("/")}`);
  } catch (error) {
    if (error instanceof RpError) return undefined;
    throw error;
  }
}

async function checkReady(
  { checks }: HealthOptions,
  { signal, logIds }: Pick<RequestContext, "signal" | "logIds">,
): Promise<void> {
  for (const { name, check } of checks) {
    try {
      await check(signal, logIds);
    } catch (error) {
      throw unready(`The ${name} does not answer.`, error);
    }
  }
}

function unready(message: string, cause: unknown): RpError {
  return new RpError({ code: "ServiceUnavailable", message }, { retryAfterSeconds: 5, cause });
}
