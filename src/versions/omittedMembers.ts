/**
 * What a PUT means by the members it omits (decision 14), leaf by leaf, array items matched by their identifiers: a
 * mutable member goes back to its default (ARM-33), a member that is set at creation and a secret keep what is stored.
 * So the smallest legal body can always be repeated (ARM-32). Nothing here judges a value; what has the wrong type is
 * passed on as it is.
 */
import type { ArrayNode, ObjectNode, VisibilityNode } from "../../generated/types/visibility.ts";
import type { Fault } from "../model/rpError.ts";
import { askedItemsOf, itemsOf, storedItems } from "./arrayItems.ts";
import { missing } from "./refused.ts";
import { itemPath, memberPath } from "../model/jsonPath.ts";
import { isWireObject, memberOf, objectOf } from "./wireObject.ts";

/** What is there before the write: nothing, or the external form of what is stored, which may lack members. */
export type Before =
  | { readonly exists: false }
  | { readonly exists: true; readonly value: unknown };

/** Before a cluster, or an item of it, is made. */
export const nothingBefore: Before = { exists: false };

/** What is `asked` for, completed. Holds members of the table alone. */
export function fillOmitted(node: VisibilityNode, asked: unknown, before: Before): unknown {
  switch (node.kind) {
    case "value":
    case "map": {
      if (asked !== undefined) return asked;
      const keeps = node.access !== "mutable" || node.secret === true;
      return before.exists && keeps ? before.value : node.default;
    }
    case "object":
      if (asked !== undefined && !isWireObject(asked)) return asked;
      return objectOf(
        Object.entries(node.members).map(([name, member]) => [
          name,
          fillOmitted(member, memberOf(asked, name), memberBefore(before, name)),
        ]),
      );
    case "array":
      return fillItems(node, asked, before);
  }
}

function fillItems(node: ArrayNode, asked: unknown, before: Before): unknown {
  if (asked !== undefined && !Array.isArray(asked)) return asked;
  const stored = before.exists ? before.value : undefined;
  const keeps = before.exists && node.access !== "mutable";
  const unasked = keeps ? identifiersOf(node, stored) : node.default;
  const listed = asked === undefined ? unasked : askedItemsOf(asked);
  if (listed === undefined) return undefined;
  const known = storedItems(node, stored);
  return listed.map((item) => {
    const match = known.find(item);
    const itemBefore = match === undefined ? nothingBefore : { exists: true, value: match };
    return isWireObject(item) ? fillOmitted(node.items, item, itemBefore) : item;
  });
}

/** The stored items, nothing of them but which they are; none stay none. */
function identifiersOf({ identifiers }: ArrayNode, stored: unknown): unknown[] | undefined {
  if (stored === undefined) return undefined;
  return itemsOf(stored).map((item) =>
    objectOf(identifiers.map((name) => [name, memberOf(item, name)])),
  );
}

function memberBefore(before: Before, name: string): Before {
  return before.exists ? { exists: true, value: memberOf(before.value, name) } : nothingBefore;
}

/** A fault for each member that must be there and isn't, once everything that can be filled in has been. */
export function missingMembers(node: ObjectNode, goal: unknown, path = ""): Fault[] {
  if (!isWireObject(goal)) return [];
  return Object.entries(node.members).flatMap(([name, member]) => {
    const place = memberPath(path, name);
    const value = memberOf(goal, name);
    switch (member.kind) {
      case "value":
      case "map":
        return member.required === true && value === undefined ? [missing(place)] : [];
      case "object":
        return missingMembers(member, value, place);
      case "array": {
        const { items } = member;
        if (items.kind !== "object") return [];
        return itemsOf(value).flatMap((item, index) =>
          missingMembers(items, item, itemPath(place, index)),
        );
      }
    }
  });
}
