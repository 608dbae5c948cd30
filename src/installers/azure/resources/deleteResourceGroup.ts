/**
 * Deletes the managed resource group with all that is in it, in whatever state a create has left it. A group that isn't marked as
 * this cluster's must never be deleted: it is somebody else's, and the cluster has nothing in it. Nor must the deletion succeed as
 * long as there is one that is: it holds machines that somebody pays for, and nobody would know of it any more.
 */
import { restorePoller } from "@azure/arm-resources";
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { deploymentNames, incarnationTag, type ChosenNames } from "../azureNames.ts";
import { readNotes, withNotes } from "../azureNotes.ts";
import { cancelDeployment } from "./deployments.ts";
import { againOf, failedDeletion, noteDeletion } from "./failedDeletion.ts";
import { detach } from "./detachSecurityGroups.ts";
import { isBeingDeleted, ownerOf, readManagedGroup } from "./managedGroup.ts";
import { progressOf, submit } from "./submit.ts";

type Effects = Pick<AzureEffects, "azure" | "pollMs" | "random">;

/** How long a deletion that fails is begun again, from the step's first start; it may take Azure an hour. */
const failuresEndAfterMs = 2 * 60 * 60_000;

/** From the step's first start: the group's deletion then has to cope with a deployment that doesn't end. */
const cancelForMs = 10 * 60_000;

export function deleteResourceGroup(effects: Effects): Step {
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
      const underWay = await deletionUnderWay(effects, context, names);
      if (underWay !== undefined) return underWay;
      const again = againOf(shown(names), context, effects);
      if (isBeingDeleted(group)) return again;
      // an untagged one has the name that was noted: no other incarnation that lives can have it
      if (owner === "another") throw anotherIncarnations(names);
      const isEarly = context.now - context.startedAt < cancelForMs;
      if (isEarly && (await cancelDeployments(effects, context, names))) return again;
      // one that was set late would hold the group back, and Azure doesn't say for how long it tries
      const { isAnyLeft, because } = await detach(effects, context);
      if (isAnyLeft) return because === undefined ? again : { ...again, because };
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
      "If nothing in it is needed, delete it or remove that tag, then delete this cluster again.",
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
  await noteDeletion(context, { groupDeletion: await poller.serialize() });
}

/**
 * Asks for the end of the deletion that was noted: the group alone doesn't tell why it is still there.
 *
 * @returns nothing when it has to be begun, once more if need be.
 * @throws {TerminalError} why it failed, when another try can't help.
 */
async function deletionUnderWay(
  effects: Effects,
  context: StepContext,
  names: ChosenNames,
): Promise<StepResult | undefined> {
  const { groupDeletion } = readNotes(context.snapshot);
  if (groupDeletion === undefined || groupDeletion === "") return undefined;
  const { resources } = effects.azure.of(context.snapshot.subscriptionId);
  const progress = await progressOf(context, (options) =>
    restorePoller(resources, groupDeletion, resources.resourceGroups.delete, options),
  );
  const again = againOf(shown(names), context, effects);
  if (progress.is === "underWay") return again;
  if (progress.is === "failed") {
    return failedDeletion(effects, context, {
      of: shown(names),
      error: progress.error,
      ended: { groupDeletion: "" },
      endsAfterMs: failuresEndAfterMs,
    });
  }
  await context.save({ installation: withNotes(context.snapshot, { groupDeletion: "" }) });
  // it has ended and the group is still there: somebody has made it anew, or it is not seen everywhere yet
  return progress.is === "ended" ? again : undefined;
}

function shown({ managedGroup }: ChosenNames): string {
  return `the resource group ${managedGroup}`;
}
