/** A list that has room for more but can hold only one item, of a given name. */
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

interface Named {
  readonly name?: string | undefined;
}

/**
 * A fault unless there is exactly the one item. The same names as are stored aren't judged again. An item without a name
 * is a fault of its own, which the schema finds.
 */
export function soleItemFaults(
  items: readonly Named[],
  stored: readonly Named[] | undefined,
  list: { readonly path: string; readonly name: string; readonly what: string },
): Fault[] {
  const { path, name, what } = list;
  const names = items.map((item) => item.name);
  const before = new Set(stored?.map((item) => item.name));
  const isAsStored =
    stored !== undefined && names.length === before.size && names.every((one) => before.has(one));
  if (isAsStored) return [];
  if (names.length !== 1) {
    return [refused(path, `A cluster has exactly one ${what}, called '${name}'.`)];
  }
  if (names[0] === undefined || names[0] === name) return [];
  return [refused(`${path}[0].name`, `The ${what} must be called '${name}'.`)];
}
