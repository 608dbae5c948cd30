/**
 * Safe access to JSON that a caller wrote: only own members count, so that `__proto__` and `constructor` are names like
 * any other, and nothing here throws or recurses.
 */
import type { WireObject } from "./apiVersion.ts";

/** Whether a JSON value is an object: neither `null` nor an array. */
export function isWireObject(value: unknown): value is WireObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member of that name; `undefined` when there is none, or `value` isn't an object. */
export function memberOf(value: unknown, name: string): unknown {
  return isWireObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** An object of the entries that have a value. */
export function objectOf<T>(
  entries: Iterable<readonly [string, T | undefined]>,
): Readonly<Record<string, T>> {
  const present: [string, T][] = [];
  for (const [name, value] of entries) if (value !== undefined) present.push([name, value]);
  return Object.fromEntries(present);
}

/** What of an object has a value. */
export type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The members that have a value. Their names are the program's own, so that plain assignment will do. */
export function present<T extends object>(members: T): Present<T> {
  const some: Record<string, unknown> = {};
  for (const name of Object.keys(members)) {
    const value: unknown = members[name as keyof T];
    if (value !== undefined) some[name] = value;
  }
  return some as Present<T>;
}

/** The same; nothing at all when no member has a value. */
export function presentOrNone<T extends object>(members: T): Present<T> | undefined {
  const some = present(members);
  return Object.keys(some).length === 0 ? undefined : some;
}
