/** The limits of tags (ARM-106): those of ARM, with the platform's present number of tags. */
import type { Fault } from "../model/rpError.ts";
import { memberPath, shortened } from "./wireObject.ts";

const tagsMax = 50;
const nameLengthMax = 512;
const valueLengthMax = 256;
const illegalInName = /[<>%&\\?/\p{Cc}]/u;

/** Everything wrong with these tags. `path` is where they stand in the body. */
export function tagFaults(tags: Readonly<Record<string, string>>, path: string): Fault[] {
  const faults: Fault[] = [];
  const refuse = (target: string, message: string): void => {
    faults.push({ code: "InvalidParameter", message, target });
  };
  const entries = Object.entries(tags);
  if (entries.length > tagsMax) {
    refuse(path, `A cluster can have ${tagsMax} tags, not ${entries.length}.`);
    return faults;
  }
  for (const [name, value] of entries) {
    const target = memberPath(path, name);
    const quoted = `'${shortened(name)}'`;
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
