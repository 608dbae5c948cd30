/** How places in a JSON body are written in messages: as paths. It must never repeat more of a caller's name than `shown` does. */
import { shown } from "./shownText.ts";

/** The path of a member: `properties.networkProfile`, or `tags['a b']` for a name that isn't a word. */
export function memberPath(path: string, name: string): string {
  if (!/^[\w$-]+$/.test(name)) return `${path}['${shown(name)}']`;
  return path === "" ? shown(name) : `${path}.${shown(name)}`;
}

/** The path of an item: `properties.workerProfiles[0]`. */
export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Whether one place is the other, stands in it or around it. The empty path is around every place. */
export function touches(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

function isWithin(place: string, outer: string): boolean {
  if (outer === "" || place === outer) return true;
  return place.startsWith(`${outer}.`) || place.startsWith(`${outer}[`);
}
