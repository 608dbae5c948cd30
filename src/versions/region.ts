/** The rule about the region of a cluster: it is the one served, however it is spelled (ARM-36). */
import { regionName } from "../model/regionName.ts";
import { shown } from "../model/shownText.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

/** White space doesn't count in a name, but it is kept and shown. */
const lengthMax = 90;

/** A fault if a cluster shall be made in another region than the one served. An absent one is a fault of the schema. */
export function regionFaults(location: string | undefined, served: string): Fault[] {
  if (location === undefined) return [];
  if (location.length > lengthMax) {
    return [refused("location", `'location' must have at most ${lengthMax} characters.`)];
  }
  if (regionName(location) === regionName(served)) return [];
  const given = shown(location);
  return [refused("location", `This service makes clusters in '${served}', not in '${given}'.`)];
}
