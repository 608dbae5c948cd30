/**
 * Members that are set at creation and never again (ARM-37): the same value is accepted, another one refused. A member
 * that the stored cluster lacks counts as having its default, so that writing out a default is no change.
 */
import type {
  ArrayNode,
  MapNode,
  ValueNode,
  VisibilityNode,
} from "../../generated/types/visibility.ts";
import type { Fault } from "../model/rpError.ts";
import { identityOf, itemsOf, storedItems } from "./arrayItems.ts";
import { itemPath, memberPath } from "../model/jsonPath.ts";
import { isWireObject, memberOf } from "./wireObject.ts";

/**
 * How a value is compared, by JSON path without indices (`workerProfiles[].subnetId`), where it isn't exactly: `location`
 * has several spellings (ARM-36).
 */
export type Spellings = Readonly<Record<string, (value: string) => string>>;

/**
 * A fault for each member that was set at creation and would change.
 *
 * @param goal what is asked for, completed.
 * @param stored the external form of the stored cluster.
 */
export function immutableFaults(
  node: VisibilityNode,
  goal: unknown,
  stored: unknown,
  spellings: Spellings,
  path = "",
): Fault[] {
  switch (node.kind) {
    case "value":
    case "map": {
      if (node.access !== "createOnly") return [];
      const spelling = spellings[path.replaceAll(/\[\d+\]/g, "[]")];
      return isSame(node, goal, stored, spelling) ? [] : [changed(path)];
    }
    case "object":
      return Object.entries(node.members).flatMap(([name, member]) =>
        immutableFaults(
          member,
          memberOf(goal, name),
          memberOf(stored, name),
          spellings,
          memberPath(path, name),
        ),
      );
    case "array": {
      // a list that stays absent doesn't change
      if (goal === undefined && stored === undefined) return [];
      const before = stored ?? node.default;
      const known = storedItems(node, before);
      const faults = itemsOf(goal).flatMap((item, index) => {
        const match = known.find(item);
        // an item that is new is at its own creation
        if (match === undefined) return [];
        return immutableFaults(node.items, item, match, spellings, itemPath(path, index));
      });
      if (node.access === "createOnly" && !haveSameItems(node, goal, before)) {
        faults.push(changed(path));
      }
      return faults;
    }
  }
}

function isSame(
  node: ValueNode | MapNode,
  goal: unknown,
  stored: unknown,
  spelling: ((value: string) => string) | undefined,
): boolean {
  const before = stored ?? node.default;
  // a member that stays absent doesn't change
  if (goal === undefined && stored === undefined) return true;
  if (typeof goal === "string" && typeof before === "string" && spelling !== undefined) {
    return spelling(goal) === spelling(before);
  }
  return node.kind === "map" ? haveSameEntries(goal, before) : goal === before;
}

function haveSameEntries(one: unknown, other: unknown): boolean {
  if (!isWireObject(one) || !isWireObject(other)) return one === other;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => one[name] === memberOf(other, name))
  );
}

function haveSameItems(node: ArrayNode, one: unknown, other: unknown): boolean {
  const identities = (items: unknown): string =>
    JSON.stringify(
      itemsOf(items)
        .map((item) => identityOf(node, item) ?? "")
        .toSorted(),
    );
  return identities(one) === identities(other);
}

function changed(path: string): Fault {
  return {
    code: "PropertyChangeNotAllowed",
    message: `'${path}' can only be set when the cluster is created.`,
    target: path,
  };
}
