/**
 * Removes what was made by the names of assets that others have taken the place of: identity and security groups, and an image of
 * another release. It must never be done once machines may exist.
 */
import type { NetworkManagementClient } from "@azure/arm-network";
import type { StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { blobs, containers, infraNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { statusOf } from "../failures/azureErrors.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";
import { detach } from "./detachSecurityGroups.ts";
import { namedAnswer } from "./namedAnswer.ts";
import { submit } from "./submit.ts";
import { blobServiceOf } from "./storageAccount.ts";

type Effects = Pick<AzureEffects, "azure" | "pollMs">;

/**
 * @param infraId of the replaced assets.
 * @returns whether nothing is left; otherwise it is to be called again.
 */
export async function removeReplaced(
  effects: Effects,
  context: StepContext,
  { infraId, isImageReplaced }: { readonly infraId: string; readonly isImageReplaced: boolean },
): Promise<boolean> {
  const { snapshot, signal } = context;
  const { managedGroup } = noted(snapshot, "names");
  const { identities, network } = effects.azure.of(snapshot.subscriptionId);
  const names = infraNames(infraId);
  // off the user's subnets first, which hold them
  if ((await detach(effects, context)).isAnyLeft) return false;
  const groups = [names.controlPlaneSecurityGroup, names.nodeSecurityGroup];
  for (const group of groups) {
    if (!(await isGroupGone(network.networkSecurityGroups, context, group))) return false;
  }
  if (isImageReplaced && !(await isImageGone(effects, context))) return false;
  context.guard();
  await identities.userAssignedIdentities.delete(managedGroup, names.identity, {
    abortSignal: signal,
  });
  return true;
}

/** Begins the deletion of what is there. */
async function isGroupGone(
  groups: NetworkManagementClient["networkSecurityGroups"],
  context: StepContext,
  name: string,
): Promise<boolean> {
  const { managedGroup } = noted(context.snapshot, "names");
  const there = namedAnswer(
    await orAbsent(groups.get(managedGroup, name, { abortSignal: context.signal })),
    name,
  );
  if (there === undefined) return true;
  if (!isSameName(there.provisioningState, "Deleting")) {
    await submit(context, (options) => groups.delete(managedGroup, name, options));
  }
  return false;
}

async function isImageGone(effects: Effects, context: StepContext): Promise<boolean> {
  const { snapshot, signal } = context;
  const service = await blobServiceOf(effects, snapshot, signal);
  const blob = service.getContainerClient(containers.image).getPageBlobClient(blobs.image);
  context.guard();
  try {
    await blob.deleteIfExists({ abortSignal: signal });
    return true;
  } catch (error) {
    // while it is being copied
    if (statusOf(error) === 409) return false;
    throw error;
  }
}
