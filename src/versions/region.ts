/** Names of Azure regions, which callers spell in several ways: `westus`, `West US`, `West us` (ARM-36). */
import { shown } from "../model/shownText.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

/** The one spelling by which regions are compared. */
export function regionKey(location: string): string {
  return location.replaceAll(/\s/g, "").toLowerCase();
}

/** White space doesn't count in a name, but it is kept and shown. */
const lengthMax = 90;

/** A fault if a cluster shall be made in another region than the one served. An absent one is a fault of the schema. */
export function regionFaults(location: string | undefined, served: string): Fault[] {
  if (location === undefined) return [];
  if (location.length > lengthMax) {
    return [refused("location", `'location' must have at most ${lengthMax} characters.`)];
  }
  if (regionKey(location) === regionKey(served)) return [];
  const given = shown(location);
  return [refused("location", `This service makes clusters in '${served}', not in '${given}'.`)];
}
