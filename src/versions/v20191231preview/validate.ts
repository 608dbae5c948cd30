/**
 * 2019-12-31-preview: its rules about values, each with the JSON path in this version's form. What the contract can say
 * (types, required members, ranges of numbers) is checked by its schema and not repeated here, and what follows from the
 * visibility table is the same for all versions.
 */
import type { Fault } from "../../model/rpError.ts";
import { addressRangeFaults } from "../addressRangeRules.ts";
import type { WriteContext } from "../apiVersion.ts";
import { pullSecretFaults } from "../pullSecretRules.ts";
import { regionKey } from "../region.ts";
import { tagFaults } from "../tagRules.ts";
import { shortened } from "../wireObject.ts";
import { decodePullSecret, type Goal } from "./convert.ts";

const masterVmSizes = ["Standard_D8s_v3"];
const workerVmSizes = ["Standard_D2s_v3", "Standard_D4s_v3", "Standard_D8s_v3"];
const workerName = "worker";

/**
 * Everything that breaks a rule. A member that stays as it is stored isn't judged: a rule that became stricter must not
 * stand in the way of changing something else.
 *
 * @param stored the same of the stored cluster; `undefined` at creation.
 */
export function ruleFaults(goal: Goal, stored: Goal | undefined, context: WriteContext): Fault[] {
  return [
    ...tagsFaults(goal, stored),
    ...secretFaults(goal, stored),
    ...(stored === undefined ? creationFaults(goal, context) : []),
    ...workerFaults(goal, stored),
  ];
}

/** What can only be set at creation; a later change of it is a fault of its own. */
function creationFaults({ location, properties }: Goal, context: WriteContext): Fault[] {
  const { networkProfile, masterProfile } = properties;
  const range = (member: keyof typeof networkProfile, purpose: string, prefixLengthMax: number) => {
    const cidr = networkProfile[member];
    const path = `properties.networkProfile.${member}`;
    return cidr === undefined ? [] : [{ path, purpose, cidr, prefixLengthMax }];
  };
  return [
    ...regionFaults(location, context),
    ...addressRangeFaults([
      ...range("vnetCidr", "virtual network", 24),
      ...range("podCidr", "pod", 18),
      ...range("serviceCidr", "service", 22),
    ]),
    ...vmSizeFaults(masterProfile.vmSize, masterVmSizes, "properties.masterProfile.vmSize"),
  ];
}

function regionFaults(location: string | undefined, { location: served }: WriteContext): Fault[] {
  if (location === undefined || regionKey(location) === regionKey(served)) return [];
  const given = shortened(location);
  return [refused("location", `This service makes clusters in '${served}', not in '${given}'.`)];
}

function tagsFaults({ tags }: Goal, stored: Goal | undefined): Fault[] {
  const before = stored?.tags ?? {};
  const isChanged = ([name, value]: [string, string]): boolean =>
    !Object.hasOwn(before, name) || before[name] !== value;
  return Object.entries(tags ?? {}).some(isChanged) ? tagFaults(tags ?? {}, "tags") : [];
}

function secretFaults({ properties }: Goal, stored: Goal | undefined): Fault[] {
  const { pullSecret } = properties;
  const path = "properties.pullSecret";
  if (pullSecret !== undefined) {
    if (pullSecret === stored?.properties.pullSecret) return [];
    return pullSecretFaults(decodePullSecret(pullSecret), { path, encoding: "base64 text" });
  }
  return stored === undefined ? [refused(path, `'${path}' is missing.`)] : [];
}

function workerFaults({ properties }: Goal, stored: Goal | undefined): Fault[] {
  const path = "properties.workerProfiles";
  const before = new Set(stored?.properties.workerProfiles.map(({ name }) => name));
  const faults = properties.workerProfiles.flatMap(({ name, vmSize }, index) =>
    // its size was set when it was made
    before.has(name) ? [] : vmSizeFaults(vmSize, workerVmSizes, `${path}[${index}].vmSize`),
  );
  const names = properties.workerProfiles.map(({ name }) => name);
  const isAsStored =
    stored !== undefined && names.length === before.size && names.every((name) => before.has(name));
  if (isAsStored) return faults;
  if (names.length !== 1) {
    faults.push(refused(path, `A cluster has exactly one worker profile, called '${workerName}'.`));
  } else if (names[0] !== undefined && names[0] !== workerName) {
    faults.push(refused(`${path}[0].name`, `The worker profile must be called '${workerName}'.`));
  }
  return faults;
}

function vmSizeFaults(size: string | undefined, allowed: readonly string[], path: string): Fault[] {
  if (size === undefined || allowed.includes(size)) return [];
  return [
    refused(
      path,
      `'${shortened(size)}' is not a size that can be used here: ${allowed.join(", ")}.`,
    ),
  ];
}

function refused(target: string, message: string): Fault {
  return { code: "InvalidParameter", message, target };
}
