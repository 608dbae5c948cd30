/** Rules about the version of OpenShift that a cluster shall have. Whether it can be installed is the installer's to say. */
import { shown } from "../model/shownText.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

const threeNumbers = /^(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}$/;

/** A fault unless it is three numbers. */
export function versionNumberFaults(version: string, path: string): Fault[] {
  if (threeNumbers.test(version)) return [];
  return [refused(path, `'${shown(version)}' is not a version of the form 4.3.27.`)];
}
