/**
 * `$skipToken`: where the next page of a list begins. It is bound to its collection, so that a token of one list is no good
 * for another; what it leads to is scoped by the request's own path anyway.
 */
import { RpError } from "../model/rpError.ts";

/** The token for a continuation of the store. */
export function skipToken(continuation: string, collection: string): string {
  return Buffer.from(JSON.stringify([collection, continuation])).toString("base64url");
}

/**
 * The continuation in a token.
 *
 * @throws {RpError} `InvalidParameter` when it is not one of ours, or of another collection.
 */
export function readSkipToken(token: string, collection: string): string {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    value = undefined;
  }
  if (Array.isArray(value) && value.length === 2 && value[0] === collection) {
    const continuation: unknown = value[1];
    if (typeof continuation === "string") return continuation;
  }
  throw invalidSkipToken();
}

/** The answer to a token that leads nowhere. */
export function invalidSkipToken(): RpError {
  return new RpError({
    code: "InvalidParameter",
    message: "'$skipToken' is not one of this list; begin the list again without it.",
    target: "$skipToken",
  });
}
