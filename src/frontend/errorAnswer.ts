/**
 * Turns whatever was thrown into ARM's error shape (ARM-92). The caller learns a code and what to do; causes, stacks and
 * texts of libraries go to the log only (ARM-93), and the log never gets the error of the JSON parser, which quotes the body.
 */
import type { NextFunction, Request, Response } from "express";
import { errorCodes } from "../model/errorCodes.ts";
import { RpError, type Fault } from "../model/rpError.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from "../store/store.ts";
import { sendAnswer, type Answer } from "./answer.ts";
import { contextOf } from "./requestContext.ts";

/** How long callers are asked to wait when the dependency didn't say. */
const retryAfterDefaultSeconds = 5;

/** The error as an answer. */
export function errorAnswer(error: RpError): Answer {
  return {
    status: error.status,
    headers: {
      ...error.headers,
      "x-ms-error-code": error.code,
      ...(error.retryAfterSeconds === undefined
        ? {}
        : { "Retry-After": String(error.retryAfterSeconds) }),
    },
    body: errorBody(error.fault, error.details),
  };
}

/** ARM's error body. */
export function errorBody(
  fault: Fault,
  details: readonly Fault[] = [],
): { readonly error: unknown } {
  return { error: { ...fault, ...(details.length === 0 ? {} : { details }) } };
}

/** The last middleware. Four parameters make it Express's error handler. */
export function answerErrors(
  thrown: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  const context = contextOf(response);
  const error = asRpError(thrown);
  context.note({ errorCode: error.code, ...(error.status < 500 ? { reason: error.message } : {}) });
  if (error.status >= 500) {
    context.log.error(
      { error: error.cause ?? error },
      `answered with ${error.status} ${error.code}`,
    );
  }
  if (response.headersSent) {
    // nothing can be said any more; Express cuts the connection
    next(thrown);
    return;
  }
  sendAnswer(response, errorAnswer(error));
}

/** Every thrown value as the error that is answered; its own text is shown only if it is an `RpError`. */
export function asRpError(thrown: unknown): RpError {
  if (thrown instanceof RpError) {
    const waits = errorCodes[thrown.code].status === 503 && thrown.retryAfterSeconds === undefined;
    return waits
      ? new RpError(thrown.fault, {
          details: thrown.details,
          retryAfterSeconds: retryAfterDefaultSeconds,
          headers: thrown.headers,
          cause: thrown.cause,
        })
      : thrown;
  }
  if (thrown instanceof StoreUnavailableError || thrown instanceof StoreOutcomeUnknownError) {
    const waitMs = thrown instanceof StoreUnavailableError ? thrown.retryAfterMs : undefined;
    return new RpError(
      { code: "ServiceUnavailable", message: "The database cannot serve now; try again." },
      {
        retryAfterSeconds:
          waitMs === undefined ? retryAfterDefaultSeconds : Math.max(1, Math.ceil(waitMs / 1000)),
        cause: thrown,
      },
    );
  }
  if (thrown instanceof StoreConflictError) {
    return new RpError(
      { code: "Conflict", message: "The cluster is being changed by others; try again." },
      { retryAfterSeconds: 1, cause: thrown },
    );
  }
  return new RpError(
    { code: "InternalServerError", message: "Internal server error." },
    { cause: thrown },
  );
}
