/**
 * Deletes the managed resource group with all that is in it, in whatever state a create has left it. A group that isn't marked as
 * this incarnation's must never be deleted: it is somebody else's, and the cluster has nothing in it.
 */
import { restorePoller } from "@azure/arm-resources";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { isRestError, isNotFound, statusOf } from "../failures/azureErrors.ts";
import { deploymentNames, type ChosenNames } from "../azureNames.ts";
import { readNotes, withNotes } from "../azureNotes.ts";
import { cancelDeployment } from "./deployments.ts";
import { isBeingDeleted, isOurs, readManagedGroup } from "./managedGroup.ts";
import { submit } from "./submit.ts";

type Effects = Pick<AzureEffects, "azure" | "pollMs">;

export function deleteResourceGroup(effects: Effects): Step {
  const again = { done: false, againAfterMs: effects.pollMs } as const;
  return {
    name: "DeleteResourceGroup",
    deadlineMs: 4 * 60 * 60_000,
    run: async (context) => {
      const { names } = readNotes(context.snapshot);
      if (names === undefined) return { done: true };
      const group = await readManagedGroup(effects, context, names);
      if (group === undefined || !isOurs(group, context.snapshot)) return { done: true };
      if (await isDeletionUnderWay(effects, context)) return again;
      if (isBeingDeleted(group)) return again;
      if (await cancelDeployments(effects, context, names)) return again;
      await begin(effects, context, names);
      return again;
    },
  };
}

/** What a deployment goes on to make could come after the deletion has looked. */
async function cancelDeployments(
  effects: Effects,
  context: StepContext,
  names: ChosenNames,
): Promise<boolean> {
  const storage = await cancelDeployment(effects, context, deploymentNames.storage(names));
  const resources = await cancelDeployment(effects, context, deploymentNames.resources(names));
  return storage || resources;
}

async function begin(effects: Effects, context: StepContext, names: ChosenNames): Promise<void> {
  const { resourceGroups } = effects.azure.of(context.snapshot.subscriptionId).resources;
  const { poller } = await submit(context, (options) =>
    resourceGroups.delete(names.managedGroup, options),
  );
  await context.save({
    installation: withNotes(context.snapshot, { groupDeletion: await poller.serialize() }),
  });
}

/**
 * Asks for the end of the deletion that was noted: the group alone doesn't tell why it is still there.
 *
 * @throws {RestError} why it failed; then the next run begins it again.
 */
async function isDeletionUnderWay(effects: Effects, context: StepContext): Promise<boolean> {
  const { groupDeletion } = readNotes(context.snapshot);
  if (groupDeletion === undefined || groupDeletion === "") return false;
  const { resources } = effects.azure.of(context.snapshot.subscriptionId);
  try {
    const poller = restorePoller(resources, groupDeletion, resources.resourceGroups.delete, {
      abortSignal: context.signal,
    });
    await poller.poll({ abortSignal: context.signal });
    if (!poller.isDone) return true;
    // it says so and the group is still there: somebody has made it anew, or it is not seen everywhere yet
    await forget(context);
    return true;
  } catch (error) {
    if (context.signal.aborted) throw error;
    const status = statusOf(error);
    // no answer, or none about the deletion
    if (isRestError(error) && (status === undefined || status === 401 || status === 429))
      throw error;
    if (status !== undefined && status >= 500) throw error;
    await forget(context);
    // Azure doesn't remember it any more
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function forget(context: StepContext): Promise<void> {
  await context.save({ installation: withNotes(context.snapshot, { groupDeletion: "" }) });
}
