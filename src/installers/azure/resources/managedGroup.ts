/** The managed resource group: whose it is. What doesn't carry the cluster's mark must be left alone. */
import type { ResourceGroup } from "@azure/arm-resources";
import { TerminalError } from "../../../model/rpError.ts";
import type { InstallationSnapshot, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { incarnationTag, type ChosenNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { namedAnswer } from "./namedAnswer.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";

/**
 * As it is in Azure; nothing when it isn't there.
 *
 * @throws {RestError} when the answer tells neither.
 */
export async function readManagedGroup(
  effects: Pick<AzureEffects, "azure">,
  { snapshot, signal }: Pick<StepContext, "snapshot" | "signal">,
  { managedGroup }: ChosenNames,
): Promise<ResourceGroup | undefined> {
  const { resourceGroups } = effects.azure.of(snapshot.subscriptionId).resources;
  const group = await orAbsent(resourceGroups.get(managedGroup, { abortSignal: signal }));
  return namedAnswer(group, managedGroup);
}

/** Whose a group is, as its marks say. */
export type GroupOwner =
  /** This incarnation's. */
  | "this"
  /** Some incarnation's of this cluster: whoever sets a group's tags without the one that says which takes it away. */
  | "untagged"
  /** Another incarnation's of this cluster. */
  | "another"
  /** Not this cluster's. */
  | "foreign";

export function ownerOf(
  group: Pick<ResourceGroup, "managedBy" | "tags">,
  snapshot: Pick<InstallationSnapshot, "resourceId" | "incarnationId">,
): GroupOwner {
  if (!isSameName(group.managedBy, snapshot.resourceId)) return "foreign";
  const incarnation = group.tags?.[incarnationTag];
  if (incarnation === undefined) return "untagged";
  return incarnation === snapshot.incarnationId ? "this" : "another";
}

/** Made for this incarnation of the cluster, as two marks say. */
function isOurs(
  group: Pick<ResourceGroup, "managedBy" | "tags">,
  snapshot: Pick<InstallationSnapshot, "resourceId" | "incarnationId">,
): boolean {
  return ownerOf(group, snapshot) === "this";
}

/** @throws {TerminalError} when the group is somebody else's. */
export function checkOwner(
  group: ResourceGroup,
  { snapshot }: Pick<StepContext, "snapshot">,
): void {
  if (isOurs(group, snapshot)) return;
  const again =
    snapshot.cluster.resourceGroupId === undefined
      ? "again"
      : "with a 'resourceGroupId' whose group does not exist";
  throw new TerminalError({
    code: "ClusterResourceGroupAlreadyExists",
    message: `The resource group ${noted(snapshot, "names").managedGroup} exists and was not made for this cluster. Delete the cluster and create it ${again}.`,
  });
}

export function isBeingDeleted({ properties }: Pick<ResourceGroup, "properties">): boolean {
  return isSameName(properties?.provisioningState, "Deleting");
}
