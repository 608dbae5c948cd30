/**
 * The end of a request on which something was thrown: the answer to the caller, the cause to the log. The log must never get
 * the error of the JSON parser, which quotes the body.
 */
import type { NextFunction, Request, Response } from "express";
import { sendAnswer } from "./answer.ts";
import { asRpError, errorAnswer } from "./errorAnswer.ts";
import { contextOf } from "./requestContext.ts";

/** The last middleware. Four parameters make it Express's error handler. */
export function answerErrors(
  thrown: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  const context = contextOf(response);
  const error = asRpError(thrown);
  // a limit that does its work is none of ours to mend
  const isRefusal = error.code === "TooManyOperations";
  context.note({
    errorCode: error.code,
    ...(error.status < 500 || isRefusal ? { reason: error.message } : {}),
  });
  if (error.status >= 500 && !isRefusal) {
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
