/**
 * The places in listings at which pages begin, as adapters hand them out and take them back. They are no secret and no proof: what
 * callers of the API see is sealed by the frontend.
 */
import { InvalidContinuationError } from "./store.ts";

type PlaceTypes = readonly ("string" | "number")[];
type Place<T extends PlaceTypes> = {
  readonly [I in keyof T]: T[I] extends "string" ? string : number;
};

/** A place in a listing as callers hand it back; they can't use it for another. */
export function continuationAt(listing: string, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([listing, ...place])).toString("base64url");
}

/**
 * Where a page begins; `undefined` for the first.
 *
 * @throws {InvalidContinuationError}
 * @throws {RangeError}
 */
export function placeOf<const T extends PlaceTypes>(
  listing: string,
  { limit, continuation }: { readonly limit: number; readonly continuation?: string },
  types: T,
): Place<T> | undefined {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`a page of ${limit}`);
  if (continuation === undefined) return undefined;
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(continuation, "base64url").toString("utf8"));
  } catch {
    // not ours
  }
  if (Array.isArray(decoded)) {
    const [name, ...place] = decoded as readonly unknown[];
    const fits = types.every((type, index) => typeof place[index] === type);
    if (name === listing && place.length === types.length && fits) return place as Place<T>;
  }
  throw invalidContinuation();
}

export function invalidContinuation(): InvalidContinuationError {
  return new InvalidContinuationError("the continuation is none of this listing's");
}
