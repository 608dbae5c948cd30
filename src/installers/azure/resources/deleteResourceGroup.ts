/**
 * Deletes the managed resource group with all that is in it, in whatever state a create has left it. A group that isn't marked as
 * this cluster's must never be deleted: it is somebody else's, and the cluster has nothing in it. Nor must the deletion succeed as
 * long as there is one that is: it holds machines that somebody pays for, and nobody would know of it any more.
 */
import { restorePoller } from "@azure/arm-resources";
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { isRestError, isNotFound, statusOf } from "../failures/azureErrors.ts";
import { deploymentNames, incarnationTag, type ChosenNames } from "../azureNames.ts";
import { readNotes, withNotes } from "../azureNotes.ts";
import { cancelDeployment } from "./deployments.ts";
import { isBeingDeleted, ownerOf, readManagedGroup } from "./managedGroup.ts";
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
      if (group === undefined) return { done: true };
      const owner = ownerOf(group, context.snapshot);
      if (owner === "foreign") return { done: true };
      if (await isDeletionUnderWay(effects, context)) return again;
      if (isBeingDeleted(group)) return again;
      // an untagged one has the name that was noted: no other incarnation that lives can have it
      if (owner === "another") throw anotherIncarnations(names);
      if (await cancelDeployments(effects, context, names)) return again;
      await begin(effects, context, names);
      return again;
    },
  };
}

/**
 * Deleting it might end a cluster that lives, if this deletion is the one that comes too late. Who gets this isn't stuck: once the
 * group or its tag is gone, the next deletion ends well.
 */
function anotherIncarnations({ managedGroup }: ChosenNames): TerminalError {
  return new TerminalError({
    code: "InstallationFailed",
    message:
      `The resource group ${managedGroup} is marked as made for another cluster of the same name, earlier or later: its tag ${incarnationTag} is not this one's. ` +
      "If nothing in it is needed, delete it or remove that tag, then delete the cluster again.",
  });
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
