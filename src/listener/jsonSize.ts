/**
 * Whether parsed JSON is of a size that the rest of the program is made for: how deep, how long its arrays, how many values. It
 * comes before anything that takes time for each value, or a stack frame for each level.
 */
import type { BodyLimits } from "../model/limits.ts";

/** What of it is too much, as the end of a sentence; nothing when it is all right. */
export function jsonExcess(
  json: unknown,
  limits: Pick<BodyLimits, "depth" | "items" | "values">,
): string | undefined {
  let values = 0;
  // level by level, as recursion is what deep JSON is made to break
  let level: object[] = isContainer(json) ? [json] : [];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limits.depth) return `is nested more than ${limits.depth} levels deep`;
    const next: object[] = [];
    for (const container of level) {
      const members: readonly unknown[] = Array.isArray(container)
        ? container
        : Object.values(container);
      if (Array.isArray(container) && members.length > limits.items) {
        return `has an array of ${members.length} items; ${limits.items} are the most`;
      }
      values += members.length;
      if (values > limits.values) return `has more than ${limits.values} members and items`;
      for (const member of members) if (isContainer(member)) next.push(member);
    }
    level = next;
  }
  return undefined;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
