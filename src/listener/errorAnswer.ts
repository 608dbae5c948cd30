/**
 * Turns whatever was thrown into ARM's error shape (ARM-92). The caller learns a code and what to do; causes, stacks and
 * texts of libraries must never get into an answer (ARM-93).
 */
import { errorCodes } from "../model/errorCodes.ts";
import { RpError, type Fault } from "../model/rpError.ts";
import {
  SealingKeyUnknownError,
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from "../store/store.ts";
import type { Answer } from "./answer.ts";

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
  if (thrown instanceof SealingKeyUnknownError) {
    return new RpError(
      {
        code: "SealingKeyUnknown",
        message:
          `What was asked for is sealed by the key '${thrown.keyId}', which the resource provider ` +
          "doesn't have; its operator has to bring it back.",
      },
      { retryAfterSeconds: retryAfterDefaultSeconds, cause: thrown },
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
