/**
 * How a cluster stands, taken out of its document for operators. It must never let anything else of a document through, nor
 * fail on one that is damaged.
 */
import type { ClusterDocument } from "./document.ts";

/** How a cluster stands: no secret, and nothing of what was asked for. */
export type ClusterStanding = Pick<
  ClusterDocument,
  | "minimumSchemaVersion"
  | "resourceId"
  | "provisioningState"
  | "operation"
  | "unqueued"
  | "sweeps"
  | "nextAttemptAt"
  | "work"
>;

const members = [
  "minimumSchemaVersion",
  "resourceId",
  "provisioningState",
  "operation",
  "unqueued",
  "sweeps",
  "nextAttemptAt",
  "work",
] as const satisfies readonly (keyof ClusterStanding)[];

/** The members that a query has to bring. */
export const standingMembers: readonly string[] = members;

/** @returns `undefined` for what lacks a member that every cluster has. */
export function standingOf(document: unknown): ClusterStanding | undefined {
  if (!isObject(document)) return undefined;
  const { resourceId, provisioningState, operation, work } = document;
  const isWhole =
    typeof resourceId === "string" &&
    typeof provisioningState === "string" &&
    isObject(operation) &&
    isObject(work);
  if (!isWhole) return undefined;
  const standing = members.flatMap((name) =>
    document[name] === undefined ? [] : [[name, document[name]] as const],
  );
  return Object.fromEntries(standing) as unknown as ClusterStanding;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
