/**
 * Which item of an array is which: items are told apart by the members that the contract names as identifiers
 * (`x-ms-identifiers`), compared exactly, and never by their place.
 */
import { shown } from "../model/shownText.ts";
import type { ArrayNode, VisibilityNode } from "../../generated/types/visibility.ts";
import type { Fault } from "../model/rpError.ts";
import { itemPath, memberPath } from "../model/jsonPath.ts";
import { memberOf } from "./wireObject.ts";

/** Items of a stored array, found by their identity. */
export interface StoredItems {
  find(item: unknown): unknown;
}

/** `stored` may be anything; what isn't an array has no items. */
export function storedItems(node: ArrayNode, stored: unknown): StoredItems {
  const byIdentity = new Map<string, unknown>();
  for (const item of itemsOf(stored)) {
    const identity = identityOf(node, item);
    if (identity !== undefined) byIdentity.set(identity, item);
  }
  return {
    find: (item) => {
      const identity = identityOf(node, item);
      return identity === undefined ? undefined : byIdentity.get(identity);
    },
  };
}

/** The items of a value that should be an array. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** No array of a body needs more. A hostile one of a hundred thousand items must not keep the service busy. */
const itemsMax = 100;

/** The same of a caller's array: of one that is too long only as many items as show that it is. */
export function askedItemsOf(value: unknown): readonly unknown[] {
  return itemsOf(value).slice(0, itemsMax + 1);
}

/** What tells an item from others; `undefined` when it lacks an identifier. */
export function identityOf({ identifiers }: ArrayNode, item: unknown): string | undefined {
  const values = identifiers.map((name) => memberOf(item, name));
  return values.every((value) => typeof value === "string") ? JSON.stringify(values) : undefined;
}

/** A fault for each item whose identity an earlier one has, and for an array that is too long. */
export function arrayFaults(node: VisibilityNode, goal: unknown, path = ""): Fault[] {
  switch (node.kind) {
    case "value":
    case "map":
      return [];
    case "object":
      return Object.entries(node.members).flatMap(([name, member]) =>
        arrayFaults(member, memberOf(goal, name), memberPath(path, name)),
      );
    case "array": {
      const items = itemsOf(goal);
      if (items.length > itemsMax) return [tooMany(path)];
      const seen = new Set<string>();
      return items.flatMap((item, index) => {
        const place = itemPath(path, index);
        const faults = arrayFaults(node.items, item, place);
        const identity = identityOf(node, item);
        if (identity !== undefined && seen.has(identity)) faults.push(repeated(node, item, place));
        if (identity !== undefined) seen.add(identity);
        return faults;
      });
    }
  }
}

function tooMany(path: string): Fault {
  const message = `'${path}' can have ${itemsMax} items, not more.`;
  return { code: "InvalidParameter", message, target: path };
}

function repeated({ identifiers }: ArrayNode, item: unknown, place: string): Fault {
  const named = identifiers.map((name) => `'${shown(String(memberOf(item, name)))}'`);
  return {
    code: "InvalidParameter",
    message: `More than one item has the ${identifiers.join(" and ")} ${named.join(" and ")}.`,
    target: memberPath(place, identifiers[0] ?? ""),
  };
}
