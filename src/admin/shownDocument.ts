/**
 * A stored document as an operator may see it: every member, those of newer releases included, but for secrets and personal
 * data, of which only the places are told. It must never show a value of a cluster's secrets, wherever that stands; of one whose
 * secrets can't be opened it doesn't know them, and shows what stands under no name of a secret.
 */
import { isSealed } from "../model/clusterSecrets.ts";
import type { RpDocument } from "../model/document.ts";
import { memberPath, itemPath } from "../model/jsonPath.ts";
import { isMasked } from "../model/maskedNames.ts";

/** As in the contract. */
export interface ShownDocument {
  readonly kind: string;
  /** The places of what was left out. */
  readonly removed: readonly string[];
  readonly document: Readonly<Record<string, unknown>>;
}

/** Deeper than anything that a release writes; whoever walks by recursion needs an end. */
const depthMax = 64;
/** More places than that say nothing more. */
const removedMax = 200;
/** A shorter value would be found in innocent texts. */
const secretLengthMin = 6;

export function shownDocument(document: RpDocument): ShownDocument {
  const removed: string[] = [];
  const secrets = "secrets" in document ? textsIn(document.secrets) : [];
  const { secrets: held, ...rest } = document as RpDocument & { readonly secrets?: unknown };
  const named = isObject(held) && !isSealed(held) ? Object.keys(held) : [""];
  for (const name of held === undefined ? [] : named) {
    removed.push(name === "" ? "secrets" : memberPath("secrets", name));
  }
  const visible = members(rest, { path: "", depth: 0, secrets, removed });
  return { kind: document.kind, removed: removed.slice(0, removedMax), document: visible };
}

interface Walk {
  readonly path: string;
  readonly depth: number;
  /** Values that may stand nowhere. */
  readonly secrets: readonly string[];
  readonly removed: string[];
}

function members(value: object, walk: Walk): Readonly<Record<string, unknown>> {
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const path = memberPath(walk.path, name);
    const isHidden = isMasked(name) || holdsSecret(name, walk.secrets);
    if (isHidden || holdsSecret(member, walk.secrets) || walk.depth >= depthMax) {
      walk.removed.push(holdsSecret(name, walk.secrets) ? memberPath(walk.path, "…") : path);
      continue;
    }
    kept.push([name, shownValue(member, { ...walk, path, depth: walk.depth + 1 })]);
  }
  return Object.fromEntries(kept);
}

function shownValue(value: unknown, walk: Walk): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      const path = itemPath(walk.path, index);
      if (!holdsSecret(item, walk.secrets) && walk.depth < depthMax) {
        return [shownValue(item, { ...walk, path, depth: walk.depth + 1 })];
      }
      walk.removed.push(path);
      return [];
    });
  }
  return isObject(value) ? members(value, walk) : value;
}

function holdsSecret(value: unknown, secrets: readonly string[]): boolean {
  return typeof value === "string" && secrets.some((secret) => value.includes(secret));
}

function textsIn(value: unknown): readonly string[] {
  const texts: string[] = [];
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0 && depth < depthMax; depth += 1) {
    texts.push(...level.filter((each) => typeof each === "string"));
    level = level.flatMap((each) => (isObject(each) ? Object.values(each) : []));
  }
  return texts.filter(({ length }) => length >= secretLengthMin);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
