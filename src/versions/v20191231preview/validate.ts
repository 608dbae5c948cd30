/**
 * 2019-12-31-preview: its rules about values, each with the JSON path in this version's form. What the contract can say
 * (types, required members, ranges of numbers) is checked by its schema and not repeated here, and what follows from the
 * visibility table is the same for all versions.
 */
import type { Fault } from "../../model/rpError.ts";
import { addressRangeFaults } from "../addressRangeRules.ts";
import type { WriteContext } from "../apiVersion.ts";
import { masterSizeFaults, podRangeFaults, poolFaults } from "../machineRules.ts";
import { pullSecretFaults } from "../pullSecretRules.ts";
import { missing } from "../refused.ts";
import { regionFaults } from "../region.ts";
import { tagFaults } from "../tagRules.ts";
import { decodePullSecret, type Goal } from "./convert.ts";

/**
 * Everything that breaks a rule. A member that stays as it is stored isn't judged: a rule that became stricter must not
 * stand in the way of changing something else.
 *
 * @param stored the same of the stored cluster; `undefined` at creation.
 */
export function ruleFaults(goal: Goal, stored: Goal | undefined, context: WriteContext): Fault[] {
  return [
    ...tagFaults(goal.tags, stored?.tags),
    ...secretFaults(goal, stored),
    ...(stored === undefined ? creationFaults(goal, context) : []),
    ...poolFaults(
      goal.properties.workerProfiles,
      stored?.properties.workerProfiles,
      "properties.workerProfiles",
    ),
    ...podRangeFaults(
      {
        podCidr: goal.properties.networkProfile.podCidr,
        pools: goal.properties.workerProfiles,
      },
      stored?.properties.workerProfiles,
      "properties.workerProfiles",
    ),
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
    ...regionFaults(location, context.location),
    ...addressRangeFaults([
      ...range("vnetCidr", "virtual network", 24),
      ...range("podCidr", "pod", 18),
      ...range("serviceCidr", "service", 22),
    ]),
    ...masterSizeFaults(masterProfile.vmSize, "properties.masterProfile.vmSize"),
  ];
}

function secretFaults({ properties }: Goal, stored: Goal | undefined): Fault[] {
  const { pullSecret } = properties;
  const path = "properties.pullSecret";
  if (pullSecret !== undefined) {
    if (pullSecret === stored?.properties.pullSecret) return [];
    const encoding = "the base64 encoding of the JSON text";
    return pullSecretFaults(decodePullSecret(pullSecret), { path, encoding });
  }
  return stored === undefined ? [missing(path)] : [];
}
