/** The limits of tags (ARM-106): those of ARM, with the platform's present number of tags. */
import { foldCase } from "../model/resourceId.ts";
import { shown } from "../model/shownText.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";
import { memberPath } from "../model/jsonPath.ts";

const tagsMax = 50;
const nameLengthMax = 512;
const valueLengthMax = 256;
const illegalInName = /[<>%&\\?/\p{Cc}]/u;

type Tags = Readonly<Record<string, string>>;

/**
 * Everything wrong with tags, which stand at `tags` in every version. Stored ones, and fewer of them, aren't judged again.
 */
export function tagFaults(tags: Tags = {}, stored: Tags = {}): Fault[] {
  const isChanged = ([name, value]: [string, string]): boolean =>
    !Object.hasOwn(stored, name) || stored[name] !== value;
  return Object.entries(tags).some(isChanged) ? faultsOf(tags) : [];
}

function faultsOf(tags: Tags): Fault[] {
  const path = "tags";
  const faults: Fault[] = [];
  const refuse = (target: string, message: string): void => {
    faults.push(refused(target, message));
  };
  const entries = Object.entries(tags);
  if (entries.length > tagsMax) {
    refuse(path, `A cluster can have ${tagsMax} tags, not ${entries.length}.`);
    return faults;
  }
  const seen = new Map<string, string>();
  for (const [name, value] of entries) {
    const target = memberPath(path, name);
    const quoted = `'${shown(name)}'`;
    // ARM looks tags up in any case, so it could find only one of them
    const same = seen.get(foldCase(name));
    if (same === undefined) seen.set(foldCase(name), name);
    else
      refuse(target, `Tag ${quoted} differs from '${shown(same)}' in upper and lower case alone.`);
    if (name.length > nameLengthMax) {
      refuse(target, `The name of a tag can have ${nameLengthMax} characters; ${quoted} has more.`);
    }
    if (illegalInName.test(name)) {
      refuse(target, `The name of tag ${quoted} has a control character or one of < > % & \\ ? /.`);
    }
    if (value.length > valueLengthMax) {
      refuse(
        target,
        `The value of a tag can have ${valueLengthMax} characters; that of ${quoted} has more.`,
      );
    }
  }
  return faults;
}
