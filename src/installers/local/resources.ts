/**
 * The cloud resources that a real provider would make, as names in the notes. A role is noted before its time of making begins
 * and forgotten when its removal is over, so at any crash the notes name at least what exists.
 */
import type { InstallationSnapshot, StepContext } from "../installer.ts";
import { clusterNames, type ClusterNames } from "../clusterNames.ts";
import { readNotes, withNotes, type LocalNotes } from "./localNotes.ts";

/** The cluster's names: those that were noted, or those that will be. */
export function namesOf(snapshot: InstallationSnapshot, domain: string): ClusterNames {
  const { name, incarnationId, cluster } = snapshot;
  return (
    readNotes(snapshot).names ??
    clusterNames({ name, incarnationId, domain, askedDomain: cluster.domain })
  );
}

/** Persists that these are about to be made, unless that is noted already. */
export async function noteResources(
  context: StepContext,
  resources: Readonly<Record<string, string>>,
): Promise<void> {
  const noted = readNotes(context.snapshot).resources ?? {};
  if (Object.keys(resources).every((role) => role in noted)) return;
  await context.save({
    installation: withNotes(context.snapshot, { resources: { ...noted, ...resources } }),
  });
}

/** The notes without the resources of some roles, as they are gone. */
export function withoutResources(
  snapshot: InstallationSnapshot,
  isGone: (role: string) => boolean,
): LocalNotes {
  const noted = Object.entries(readNotes(snapshot).resources ?? {});
  return { resources: Object.fromEntries(noted.filter(([role]) => !isGone(role))) };
}

/** Whether anything of these roles may exist. */
export function hasResource(
  snapshot: InstallationSnapshot,
  isMeant: (role: string) => boolean,
): boolean {
  return Object.keys(readNotes(snapshot).resources ?? {}).some(isMeant);
}
