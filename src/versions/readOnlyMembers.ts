/**
 * Members that the service sets. A caller may send them, because what a GET shows must be accepted by a PUT (ARM-34);
 * they are never taken over. Only those by which a body contradicts its URL or the state of the cluster are refused:
 * `id`, `name`, `type` and `properties.provisioningState` (ARM-06, ARM-35, ARM-50). All others are ignored, whatever
 * they say (decision 20).
 */
import type { ObjectNode, VisibilityNode } from "../../generated/types/visibility.ts";
import type { ErrorCode } from "../model/errorCodes.ts";
import { foldCase } from "../model/resourceId.ts";
import type { Fault } from "../model/rpError.ts";
import type { WireObject, WriteContext } from "./apiVersion.ts";
import { memberOf, objectOf } from "./wireObject.ts";

/** The table without what the service sets: what a write is read by. */
export function writablePart(table: ObjectNode): ObjectNode {
  return { ...table, members: objectOf(membersOf(table)) };
}

function membersOf({ members }: ObjectNode): [string, VisibilityNode | undefined][] {
  return Object.entries(members).map(([name, node]) => [name, writableNode(node)]);
}

function writableNode(node: VisibilityNode): VisibilityNode | undefined {
  switch (node.kind) {
    case "value":
    case "map":
      return node.access === "readOnly" ? undefined : node;
    case "object": {
      const writable = writablePart(node);
      return Object.keys(writable.members).length === 0 ? undefined : writable;
    }
    case "array": {
      const items = writableNode(node.items);
      return items === undefined ? undefined : { ...node, items };
    }
  }
}

const mismatchCodes = {
  id: "MismatchingResourceID",
  name: "MismatchingResourceName",
  type: "MismatchingResourceType",
} as const satisfies Record<keyof WriteContext["identity"], ErrorCode>;

/**
 * How the body contradicts its URL or the cluster's state. Absent and `null` contradict nothing.
 *
 * @param shown the cluster as this version shows it; `undefined` at creation, when there is no state to contradict.
 */
export function contradictions(
  body: WireObject,
  shown: WireObject | undefined,
  { identity }: WriteContext,
): Fault[] {
  const faults: Fault[] = [];
  for (const member of ["id", "name", "type"] as const) {
    const given = memberOf(body, member) ?? identity[member];
    if (typeof given === "string" && foldCase(given) === foldCase(identity[member])) continue;
    faults.push({
      code: mismatchCodes[member],
      message: `'${member}' in the body must be '${identity[member]}', as in the URL, or absent.`,
      target: member,
    });
  }
  const state = memberOf(memberOf(shown, "properties"), "provisioningState");
  const givenState = memberOf(memberOf(body, "properties"), "provisioningState") ?? state;
  if (state !== undefined && givenState !== state) {
    faults.push({
      code: "InvalidParameter",
      message: "'properties.provisioningState' cannot be set, and differs from the cluster's own.",
      target: "properties.provisioningState",
    });
  }
  return faults;
}
