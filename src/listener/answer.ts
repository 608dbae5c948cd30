/** An answer as a value: handlers return one, and only `sendAnswer` writes it to the wire. */
import type { Response } from "express";
import { leavesLongRest } from "./unreadBody.ts";

/** What the caller gets. No body means none at all, as 202 and 204 demand (ARM-21). */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** That body as `jsonText` writes it, where it had to be made to know its size. */
  readonly text?: string;
}

/** Writes an answer; the body is indented for people who use curl. */
export function sendAnswer(response: Response, answer: Answer): void {
  response.status(answer.status);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (leavesLongRest(response.req)) response.setHeader("Connection", "close");
  if (answer.body === undefined) {
    response.end();
    return;
  }
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.end(answer.text ?? jsonText(answer.body));
}

/** A body as it is sent. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
