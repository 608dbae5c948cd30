/** Rules about from where something can be reached: the contract leaves the list open, and this release knows two. */
import { shown } from "../model/shownText.ts";
import type { Visibility } from "../model/cluster.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

const visibilities: readonly string[] = ["Private", "Public"] satisfies readonly Visibility[];

export function isVisibility(text: string | undefined): text is Visibility {
  return text !== undefined && visibilities.includes(text);
}

/** A fault if it is none. An absent one has its default, or is a fault of the version's. */
export function visibilityFaults(text: string | undefined, path: string): Fault[] {
  if (text === undefined || isVisibility(text)) return [];
  const choice = visibilities.join(", ");
  return [refused(path, `'${shown(text)}' is not a visibility: ${choice}.`)];
}
