/**
 * Who may call: the port between a listener and whatever recognises its callers, and the middleware that asks it before a byte
 * of the body is read. It must never tell a caller why it was not recognised; that is for the log.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { NextFunction, RequestHandler, Response } from "express";
import { RpError } from "../model/rpError.ts";
import { Attachment } from "./attachment.ts";
import { shown } from "../model/shownText.ts";
import type { LogFields } from "../runtime/log.ts";

/** Who was let in: whoever a certificate names, or anybody who reaches a loopback address. */
export type Caller =
  | { readonly isAuthenticated: true; readonly subject: string }
  | { readonly isAuthenticated: false };

/** What an authenticator thinks of a request; `reason` is for the log alone. */
export type Judgement =
  | { readonly caller: Caller }
  | { readonly refusal: RpError; readonly reason: string };

/** Recognises callers. Asked for every request, since what it goes by changes while connections stay open. */
export interface Authenticator {
  /** Looks at the connection and the headers alone. */
  judge(request: IncomingMessage): Judgement;
}

const callers = new Attachment<IncomingMessage, Caller>("caller");

/**
 * Who calls, once the request has passed `authenticate`.
 *
 * @throws {TypeError} before: what such a request says of its user must not be believed.
 */
export function callerOf(request: IncomingMessage): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new TypeError("nobody has judged who makes the request");
  return caller;
}

/** @param note adds members to the request's line in the log. */
export function authenticate(
  authenticator: Authenticator,
  note: (response: Response, fields: LogFields) => void,
): RequestHandler {
  return (request: IncomingMessage, response: ServerResponse, next: NextFunction): void => {
    const judgement = authenticator.judge(request);
    if ("refusal" in judgement) {
      note(response as Response, { refused: shown(judgement.reason) });
      // strangers keep no connection from those who may call
      response.setHeader("Connection", "close");
      next(judgement.refusal);
      return;
    }
    const { caller } = judgement;
    callers.set(request, caller);
    if (caller.isAuthenticated) note(response as Response, { caller: shown(caller.subject) });
    next();
  };
}

/** The one answer to every caller that a certificate does not let in (ARM-117). */
export function unknownCaller(reason: string): Judgement {
  return {
    refusal: new RpError({
      code: "Forbidden",
      message: "Only callers with the right client certificate may call here.",
    }),
    reason,
  };
}
