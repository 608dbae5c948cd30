/**
 * What a PATCH means: a merge patch (RFC 7396) on the external form of the stored cluster (ARM-47). Objects merge,
 * `null` resets a member that a cluster can be without, maps such as `tags` are replaced as a whole (ARM-46), and so are
 * arrays, except that a listed item which matches a stored one by its identifiers inherits the members it omits
 * (decision 6). Nothing omitted gets a default (ARM-51). Nothing here judges a value; what has the wrong type is passed
 * on as it is.
 */
import type {
  ArrayNode,
  MapNode,
  ObjectNode,
  ValueNode,
  VisibilityNode,
} from "../../generated/types/visibility.ts";
import type { Fault } from "../model/rpError.ts";
import { askedItemsOf, storedItems } from "./arrayItems.ts";
import { fillOmitted, nothingBefore } from "./omittedMembers.ts";
import { cannotBeRemoved } from "./refused.ts";
import { itemPath, memberPath } from "../model/jsonPath.ts";
import { isWireObject, memberOf, objectOf } from "./wireObject.ts";

/**
 * The external form after the patch. `null` for a member that cannot be removed leaves it as it is; `removalFaults` has
 * the fault.
 *
 * @param stored the external form before, secrets included.
 */
export function mergePatch(node: VisibilityNode, patch: unknown, stored: unknown): unknown {
  switch (node.kind) {
    case "value":
    case "map":
      if (patch === undefined) return stored;
      if (patch !== null) return patch;
      return isRemovable(node) ? node.default : stored;
    case "object": {
      if (patch !== undefined && patch !== null && !isWireObject(patch)) return patch;
      return objectOf(
        Object.entries(node.members).map(([name, member]) => [
          name,
          mergePatch(member, patch === null ? null : memberOf(patch, name), memberOf(stored, name)),
        ]),
      );
    }
    case "array":
      return mergeItems(node, patch, stored);
  }
}

function mergeItems(node: ArrayNode, patch: unknown, stored: unknown): unknown {
  if (patch === undefined) return stored;
  if (patch === null) return isRemovable(node) ? undefined : stored;
  if (!Array.isArray(patch)) return patch;
  const known = storedItems(node, stored);
  return askedItemsOf(patch).map((item) => {
    const match = known.find(item);
    return match === undefined
      ? fillOmitted(node.items, withoutNulls(node.items, item), nothingBefore)
      : mergePatch(node.items, item, match);
  });
}

/** In an item that is new there is nothing to remove. */
function withoutNulls(node: VisibilityNode, value: unknown): unknown {
  if (node.kind !== "object" || !isWireObject(value)) return value;
  return objectOf(
    Object.entries(node.members).map(([name, member]) => [
      name,
      withoutNulls(member, memberOf(value, name)) ?? undefined,
    ]),
  );
}

/**
 * A fault for each `null` of a patch that stands for a stored member which can't be removed. One for a member that isn't
 * there removes nothing.
 *
 * @param stored the external form before, secrets included.
 */
export function removalFaults(
  node: ObjectNode,
  patch: unknown,
  stored: unknown,
  path = "",
): Fault[] {
  if (patch !== null && !isWireObject(patch)) return [];
  return Object.entries(node.members).flatMap(([name, member]) => {
    const place = memberPath(path, name);
    const value = patch === null ? null : memberOf(patch, name);
    const before = memberOf(stored, name);
    if (member.kind === "object") return removalFaults(member, value, before, place);
    if (value === null) {
      return before === undefined || isRemovable(member) ? [] : [cannotBeRemoved(place)];
    }
    return member.kind === "array" ? itemRemovalFaults(member, value, before, place) : [];
  });
}

function itemRemovalFaults(
  node: ArrayNode,
  value: unknown,
  stored: unknown,
  path: string,
): Fault[] {
  const { items, identifiers } = node;
  if (items.kind !== "object") return [];
  // an item without an identifier is a new one, which lacks it
  const members = Object.entries(items.members).filter(([name]) => !identifiers.includes(name));
  const others: ObjectNode = { ...items, members: Object.fromEntries(members) };
  const known = storedItems(node, stored);
  return askedItemsOf(value).flatMap((item, index) =>
    isWireObject(item) ? removalFaults(others, item, known.find(item), itemPath(path, index)) : [],
  );
}

/** A list with a default is one that no cluster is without, and its items have members that can't be set back. */
function isRemovable(node: ValueNode | MapNode | ArrayNode): boolean {
  if (node.kind === "array") return node.default === undefined;
  return node.required !== true && node.secret !== true;
}
