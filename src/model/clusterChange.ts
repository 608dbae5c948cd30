/**
 * Whether a write changes anything, and whether the real cluster has to follow (decision 17). It compares what is
 * stored with what is asked for, members that this release doesn't know included.
 */
import type { Cluster } from "./cluster.ts";
import type { ClusterSecrets } from "./clusterSecrets.ts";

/**
 * `none`: nothing to commit. `tags`: only what is kept beside the cluster (tags, or who changed it last) differs, so
 * that a commit is enough. `work`: an operation has to bring the cluster there.
 */
export type ClusterChange = "none" | "tags" | "work";

/** A goal and its secrets; a document has both. */
export interface ClusterGoal {
  readonly cluster: Cluster;
  readonly secrets: ClusterSecrets;
}

/** How `after` differs from `before`. The order of an object's members doesn't count, that of an array's items does. */
export function clusterChange(before: ClusterGoal, after: ClusterGoal): ClusterChange {
  if (!isEqual(before.secrets, after.secrets)) return "work";
  if (isEqual(before.cluster, after.cluster)) return "none";
  return isEqual(withoutLabels(before.cluster), withoutLabels(after.cluster)) ? "tags" : "work";
}

function withoutLabels(cluster: Cluster): Omit<Cluster, "tags" | "systemData"> {
  const { tags: _tags, systemData: _systemData, ...rest } = cluster;
  return rest;
}

/** Of JSON values; a member that is `undefined` counts as absent. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  if (one === null || other === null || Array.isArray(one) !== Array.isArray(other)) return false;
  const [ones, others] = [one, other].map(membersOf);
  if (ones === undefined || others === undefined || ones.size !== others.size) return false;
  return [...ones].every(([name, value]) => others.has(name) && isEqual(value, others.get(name)));
}

function membersOf(value: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined));
}
