/**
 * The way of a write, the same for every api-version: complete the body, read it, and judge it. A version brings its
 * visibility table, its conversions and its own rules; everything that follows from the table alone is done here.
 * Pure and total: whatever JSON a caller sends, the answer is a cluster or faults, never an exception.
 */
import type { ObjectNode } from "../../generated/types/visibility.ts";
import type { Cluster } from "../model/cluster.ts";
import type { ClusterSecrets } from "../model/clusterSecrets.ts";
import type { ClusterDocument, ListedCluster } from "../model/document.ts";
import type { Fault } from "../model/rpError.ts";
import type { ApiVersion, AskedCluster, WireObject, WriteContext } from "./apiVersion.ts";
import { arrayFaults } from "./arrayItems.ts";
import { immutableFaults, type Spellings } from "./immutableMembers.ts";
import { mergePatch, removalFaults } from "./mergePatch.ts";
import { fillOmitted, missingMembers, nothingBefore } from "./omittedMembers.ts";
import { contradictions, writablePart } from "./readOnlyMembers.ts";
import { cannotBeRemoved, missing } from "./refused.ts";
import { touches } from "../model/jsonPath.ts";
import { isWireObject, memberOf } from "./wireObject.ts";
import { WireReader } from "./wireReader.ts";

/** What makes one api-version. `Goal` is its wire form of what a caller can set, with every member optional. */
export interface VersionParts<Goal> {
  readonly name: string;
  /** The `resource` of the generated visibility table. */
  readonly visibility: ObjectNode;
  /** Members that are not compared exactly. */
  readonly spellings: Spellings;
  show(document: ListedCluster): WireObject;
  /** As `show`, with the secrets that a caller can set; a body is completed from it. */
  showWithSecrets(document: ClusterDocument): WireObject;
  showCredentials(document: ClusterDocument): WireObject | undefined;
  readGoal(reader: WireReader): Goal;
  /** Members of `current` that the version doesn't map stay, at any depth. Total: a fault may have left holes. */
  toCluster(
    goal: Goal,
    current: ClusterDocument | undefined,
  ): { readonly cluster: Cluster; readonly secrets: ClusterSecrets };
  /**
   * The version's rules about values. A rule about a member that doesn't change must not be applied: a rule that
   * became stricter must not stand in the way of changing something else.
   *
   * @param stored the same of the stored cluster; `undefined` at creation.
   */
  ruleFaults(goal: Goal, stored: Goal | undefined, context: WriteContext): readonly Fault[];
}

/** A hostile body can have a hundred thousand faults; nobody reads more than these. */
const faultsMax = 50;

interface Write {
  readonly body: unknown;
  /** The external form that the body asks for, completed. */
  readonly goal: unknown;
  readonly current: ClusterDocument | undefined;
  /** The external form of `current`. */
  readonly stored: WireObject | undefined;
  readonly context: WriteContext;
  /** What is wrong with a patch as such. */
  readonly patchFaults: readonly Fault[];
}

/** An api-version made of its parts. */
export function defineVersion<Goal>(parts: VersionParts<Goal>): ApiVersion {
  const table = writablePart(parts.visibility);

  function judge({ body, goal, current, stored, context, patchFaults }: Write): AskedCluster {
    const reader = new WireReader(goal);
    const read = parts.readGoal(reader);
    const valueFaults = [
      ...patchFaults,
      ...missingMembers(table, goal),
      ...arrayFaults(table, goal),
      ...(stored === undefined ? [] : immutableFaults(table, goal, stored, parts.spellings)),
      ...parts.ruleFaults(read, stored && parts.readGoal(new WireReader(stored)), context),
    ];
    const unreadable = reader.faults.map(({ target = "" }) => target);
    const faults = [
      ...(isWireObject(body) ? contradictions(body, stored, context) : []),
      ...reader.faults,
      // what can't be read is absent in the goal, of which rules would only say that it is missing
      ...valueFaults.filter(
        ({ target = "" }) => !unreadable.some((place) => touches(place, target)),
      ),
    ];
    return { ...parts.toCluster(read, current), faults: faults.slice(0, faultsMax) };
  }

  return {
    name: parts.name,
    show: (document) => parts.show(document),
    showCredentials: (document) => parts.showCredentials(document),
    readPut: (body, current, context) => {
      const stored = current === undefined ? undefined : parts.showWithSecrets(current);
      const before =
        stored === undefined ? nothingBefore : ({ exists: true, value: stored } as const);
      const goal = fillOmitted(table, body, before);
      const asked = judge({ body, goal, current, stored, context, patchFaults: [] });
      const hasProperties = memberOf(body, "properties") !== undefined;
      return hasProperties ? asked : { ...asked, faults: withOneForProperties(asked.faults) };
    },
    readPatch: (body, current, context) => {
      const stored = parts.showWithSecrets(current);
      // not even `null` can reset the cluster as a whole
      const goal = isWireObject(body) ? mergePatch(table, body, stored) : body;
      const patch = isWireObject(body) ? body : {};
      const patchFaults = removalFaults(table, patch, stored);
      const asked = judge({ body, goal, current, stored, context, patchFaults });
      return { ...asked, faults: asked.faults.map((fault) => inWordsOfRemoval(fault, patch)) };
    },
  };
}

/** Who sets a member to `null` that is needed has not left it out. */
function inWordsOfRemoval(fault: Fault, patch: WireObject): Fault {
  const { target = "", message } = fault;
  if (message !== missing(target).message) return fault;
  let value: unknown = patch;
  // members of items are told apart by the items' names, which are needed themselves
  for (const name of target.split(".")) value = value === null ? null : memberOf(value, name);
  return value === null ? cannotBeRemoved(target) : fault;
}

/** Who leaves out `properties` has made one fault, not one for each member that is needed of it. */
function withOneForProperties(faults: readonly Fault[]): readonly Fault[] {
  const properties = "properties";
  const others = faults.filter(
    ({ target }) => target === undefined || !touches(target, properties),
  );
  return others.length === faults.length ? faults : [...others, missing(properties)];
}
