/**
 * Makes the managed resource group, marked as this incarnation's. A group that somebody else has made must never be taken, since the
 * deletion of the cluster would delete it.
 */
import type { InstallationSnapshot, Step, StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { incarnationTag } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { isRestError } from "../failures/azureErrors.ts";
import { callOutside } from "./lateCalls.ts";
import { checkOwner, isBeingDeleted, readManagedGroup } from "./managedGroup.ts";

/** Of Azure, on one resource. */
const tagsMax = 50;

export function createResourceGroup(effects: Pick<AzureEffects, "azure" | "pollMs">): Step {
  return {
    name: "CreateResourceGroup",
    // an earlier cluster's group of the same name may have to go first
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { snapshot, signal } = context;
      const names = noted(snapshot, "names");
      const group = await readManagedGroup(effects, context, names);
      if (group !== undefined && isBeingDeleted(group)) return untilDeleted(effects, context);
      if (group !== undefined) {
        checkOwner(group, context);
        return { done: true };
      }
      const { resourceGroups } = effects.azure.of(snapshot.subscriptionId).resources;
      try {
        await callOutside(context, {}, async () =>
          resourceGroups.createOrUpdate(
            names.managedGroup,
            {
              location: snapshot.cluster.location,
              managedBy: snapshot.resourceId,
              tags: tagsOf(snapshot),
            },
            { abortSignal: signal },
          ),
        );
      } catch (error) {
        // what a look doesn't show any more may still be on its way out
        if (!isRestError(error) || error.code !== "ResourceGroupBeingDeleted") throw error;
        return untilDeleted(effects, context);
      }
      // Azure lets the last of several that make it at once have it: whose it is shows only in a later look
      return { done: false, againAfterMs: effects.pollMs };
    },
  };
}

/** Whose it was doesn't matter: it goes. */
function untilDeleted(
  { pollMs }: Pick<AzureEffects, "pollMs">,
  { snapshot }: Pick<StepContext, "snapshot">,
): StepResult {
  const { managedGroup } = noted(snapshot, "names");
  const because = `The resource group ${managedGroup} is being deleted; it is made anew once it is gone.`;
  return { done: false, againAfterMs: pollMs, because };
}

/**
 * The cluster's own tags, as far as there is room beside the mark. Azure compares the names of tags regardless of case, and refuses
 * two that are the same.
 */
function tagsOf({ cluster, incarnationId }: InstallationSnapshot): Record<string, string> {
  const others = Object.entries(cluster.tags ?? {}).filter(
    ([name]) => name.toLowerCase() !== incarnationTag,
  );
  return {
    ...Object.fromEntries(others.slice(0, tagsMax - 1)),
    [incarnationTag]: incarnationId,
  };
}
