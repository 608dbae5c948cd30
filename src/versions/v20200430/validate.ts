/**
 * 2020-04-30: its rules about values, each with the JSON path in this version's form. What the contract can say (types,
 * ranges of numbers) is checked by its schema and not repeated here, and what follows from the visibility table is the same
 * for all versions. What is needed at creation is known here alone (decision 24): a cluster that was made through another
 * version goes on without it.
 */
import type { Fault } from "../../model/rpError.ts";
import { addressRangeFaults, type AddressRange } from "../addressRangeRules.ts";
import type { WriteContext } from "../apiVersion.ts";
import { resourceGroupFaults, subnetFaults, type AskedId } from "../azureIdRules.ts";
import { domainFaults } from "../domainRules.ts";
import { masterSizeFaults, podRangeFaults, poolFaults } from "../machineRules.ts";
import { pullSecretFaults } from "../pullSecretRules.ts";
import { missing } from "../refused.ts";
import { regionFaults } from "../region.ts";
import { servicePrincipalFaults } from "../servicePrincipalRules.ts";
import { soleItemFaults } from "../soleItem.ts";
import { tagFaults } from "../tagRules.ts";
import { versionNumberFaults } from "../versionNumberRules.ts";
import { visibilityFaults } from "../visibilityRules.ts";
import type { Goal } from "./convert.ts";

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
    ...servicePrincipalFaults(
      goal.properties.servicePrincipalProfile,
      stored?.properties.servicePrincipalProfile,
      "properties.servicePrincipalProfile",
    ),
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

function secretFaults({ properties }: Goal, stored: Goal | undefined): Fault[] {
  const { pullSecret } = properties.clusterProfile;
  if (pullSecret === undefined || pullSecret === stored?.properties.clusterProfile.pullSecret) {
    return [];
  }
  const path = "properties.clusterProfile.pullSecret";
  const encoding = "the JSON text itself, not base64";
  return pullSecretFaults(pullSecret.trim(), { path, encoding });
}

/** What can only be set at creation; a later change of it is a fault of its own. */
function creationFaults({ location, properties }: Goal, context: WriteContext): Fault[] {
  const { masterProfile, ingressProfiles, apiserverProfile } = properties;
  return [
    ...regionFaults(location, context.location),
    ...clusterProfileFaults(properties, context),
    ...addressRangeFaults(ranges(properties)),
    ...masterSizeFaults(masterProfile.vmSize, "properties.masterProfile.vmSize"),
    ...placeFaults(properties),
    ...visibilityFaults(apiserverProfile.visibility, "properties.apiserverProfile.visibility"),
    ...ingressProfiles.flatMap(({ visibility }, index) =>
      visibilityFaults(visibility, `properties.ingressProfiles[${index}].visibility`),
    ),
    ...soleItemFaults(ingressProfiles, undefined, {
      path: "properties.ingressProfiles",
      name: "default",
      what: "ingress profile",
    }),
  ];
}

type Properties = Goal["properties"];

function clusterProfileFaults({ clusterProfile }: Properties, context: WriteContext): Fault[] {
  const { domain, version, resourceGroupId } = clusterProfile;
  const path = (member: keyof typeof clusterProfile): string =>
    `properties.clusterProfile.${member}`;
  const group = path("resourceGroupId");
  return [
    ...(domain === undefined ? [missing(path("domain"))] : domainFaults(domain, path("domain"))),
    ...(version === undefined ? [] : versionNumberFaults(version, path("version"))),
    ...(resourceGroupId === undefined
      ? [missing(group)]
      : resourceGroupFaults({ path: group, id: resourceGroupId }, context.identity.id)),
  ];
}

function ranges({ networkProfile }: Properties): AddressRange[] {
  const range = (member: keyof typeof networkProfile, purpose: string, prefixLengthMax: number) => {
    const cidr = networkProfile[member];
    const path = `properties.networkProfile.${member}`;
    return cidr === undefined ? [] : [{ path, purpose, cidr, prefixLengthMax }];
  };
  return [...range("podCidr", "pod", 18), ...range("serviceCidr", "service", 22)];
}

/** Where the machines are. */
function placeFaults({ masterProfile, workerProfiles }: Properties): Fault[] {
  const places = [
    { path: "properties.masterProfile.subnetId", id: masterProfile.subnetId },
    ...workerProfiles.map(({ subnetId }, index) => ({
      path: `properties.workerProfiles[${index}].subnetId`,
      id: subnetId,
    })),
  ];
  return [
    ...places.flatMap(({ path, id }) => (id === undefined ? [missing(path)] : [])),
    ...subnetFaults(places.filter((place): place is AskedId => place.id !== undefined)),
  ];
}
