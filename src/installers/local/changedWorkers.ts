/** Which worker profiles differ between what a cluster asks for and what there is. Pure. */
import type { WorkerProfile } from "../../model/cluster.ts";
import type { InstallationSnapshot } from "../installer.ts";
import { readNotes } from "./localNotes.ts";

/**
 * The names of profiles to scale, new and dropped ones included. What there is, is what was last set outside (an update that
 * failed later may have set it), else what the last success reached.
 */
export function changedWorkers(snapshot: InstallationSnapshot): readonly string[] {
  const wanted = new Map(Object.entries(workerCounts(snapshot.cluster.workers)));
  const present = new Map(
    Object.entries(readNotes(snapshot).workers ?? workerCounts(snapshot.applied?.workers ?? [])),
  );
  const names = new Set([...wanted.keys(), ...present.keys()]);
  return [...names].filter((name) => wanted.get(name) !== present.get(name));
}

/** Machines by profile. */
export function workerCounts(workers: readonly WorkerProfile[]): Readonly<Record<string, number>> {
  return Object.fromEntries(workers.map(({ name, count }) => [name, count]));
}
