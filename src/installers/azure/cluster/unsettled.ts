/**
 * What an update has to change in a cluster. A part that an update has begun to change is noted before and stays noted until an
 * update ends well: one that failed goes back to the goal before, but what it has changed outside is still there, so that the next one
 * sets it anew. An update that changes nothing outside asks no cluster. Pure.
 */
import type {
  InstallationChanges,
  InstallationSnapshot,
  Step,
  StepContext,
} from "../../installer.ts";
import { readNotes, withNotes, type UpdatedPart } from "../azureNotes.ts";

/** Whether the goal's part isn't known to be what the cluster has. */
export function isToBeSet(snapshot: InstallationSnapshot, part: UpdatedPart): boolean {
  return isUnsettled(snapshot, part) || differs[part](snapshot);
}

/** Whether an update has anything to change in the cluster. */
export function isAnyToBeSet(snapshot: InstallationSnapshot): boolean {
  return (Object.keys(differs) as UpdatedPart[]).some((part) => isToBeSet(snapshot, part));
}

/** Whether an update has begun to change it and none has ended since. */
export function isUnsettled(snapshot: InstallationSnapshot, part: UpdatedPart): boolean {
  return readNotes(snapshot).unsettled?.includes(part) === true;
}

/** To be called before anything of it is changed. */
export async function noteUnsettled(context: StepContext, part: UpdatedPart): Promise<void> {
  const { snapshot } = context;
  if (isUnsettled(snapshot, part)) return;
  const unsettled = [...(readNotes(snapshot).unsettled ?? []), part];
  await context.save({ installation: withNotes(snapshot, { unsettled }) });
}

/** What the last step of an update changes: its goal is reached with the same commit. */
export function allSettled(snapshot: InstallationSnapshot): InstallationChanges | undefined {
  if ((readNotes(snapshot).unsettled ?? []).length === 0) return undefined;
  return { installation: withNotes(snapshot, { unsettled: [] }) };
}

/** The step, if that part is to be set; otherwise it is done at once. */
export function whenToBeSet(part: UpdatedPart, step: Step): Step {
  return {
    ...step,
    run: async (context) =>
      isToBeSet(context.snapshot, part) ? await step.run(context) : { done: true },
  };
}

/** How many workers the goal has: the contract allows one pool. */
export function workerCount({ workers }: InstallationSnapshot["cluster"]): number {
  return workers.reduce((sum, { count }) => sum + count, 0);
}

const differs: Readonly<Record<UpdatedPart, (snapshot: InstallationSnapshot) => boolean>> = {
  workers: ({ cluster, applied }) =>
    applied === undefined || workerCount(cluster) !== workerCount(applied),
  pullSecret: ({ secrets }) => secrets.pullSecret !== secrets.appliedPullSecret,
  servicePrincipal: ({ cluster, applied, secrets }) =>
    secrets.clientSecret !== secrets.appliedClientSecret || cluster.clientId !== applied?.clientId,
};
