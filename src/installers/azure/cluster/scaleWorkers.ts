/**
 * The steps by which an update changes the number of workers: `SetWorkerCounts` asks the machine sets of the pool for it, and
 * `WaitForWorkers` looks until the machines are there, and those that are too many gone. The cluster makes and removes them itself.
 */
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { ClusterApiError, type ClusterApi } from "./clusterApi.ts";
import { clusterStep, installedCredentials, type Sight } from "./clusterStep.ts";
import { allSettled, isToBeSet, isUnsettled, noteUnsettled, workerCount } from "./unsettled.ts";
import {
  machinesOf,
  setNamePrefix,
  setReplicas,
  spread,
  workerSets,
  type WorkerSet,
} from "./workerSets.ts";

/** Times that sets which others change meanwhile are read again in one run. */
const conflictsMax = 5;
/** Names of sets or machines in a sentence. */
const namesMax = 5;

export function setWorkerCounts(effects: AzureEffects): Step {
  return clusterStep(effects, installedCredentials, {
    name: "SetWorkerCounts",
    waitMs: 15 * 60_000,
    fault: "The number of workers could not be set",
    isNeeded: ({ snapshot }) => isToBeSet(snapshot, "workers"),
    look: async (api, context) => {
      await noteUnsettled(context, "workers");
      for (let conflicts = 0; ; conflicts += 1) {
        try {
          await setCounts(api, context);
          return { done: true };
        } catch (error) {
          const isConflict = error instanceof ClusterApiError && error.status === 409;
          if (!isConflict || conflicts === conflictsMax) throw error;
        }
      }
    },
  });
}

export function waitForWorkers(effects: AzureEffects): Step {
  return clusterStep(effects, installedCredentials, {
    name: "WaitForWorkers",
    waitMs: 60 * 60_000,
    fault: "The workers did not become ready",
    isNeeded: ({ snapshot }) => isUnsettled(snapshot, "workers"),
    unneeded: ({ snapshot }) => allSettled(snapshot),
    look: async (api, context) => await workersSeen(api, context),
  });
}

/** @throws {ClusterApiError} with the status 409 when a set was changed by somebody else meanwhile. */
async function setCounts(api: ClusterApi, context: StepContext): Promise<void> {
  const sets = await setsOf(api, context);
  const wanted = spread(
    sets.map(({ replicas }) => replicas),
    workerCount(context.snapshot.cluster),
  );
  for (const [index, set] of sets.entries()) {
    const replicas = wanted[index] ?? set.replicas;
    if (replicas === set.replicas) continue;
    context.guard();
    await setReplicas(api, set, replicas);
  }
}

async function workersSeen(api: ClusterApi, context: StepContext): Promise<Sight> {
  const { snapshot } = context;
  const sets = await setsOf(api, context);
  const unsettled = sets.filter(({ isSettled }) => !isSettled);
  const machines = await machinesOf(api, snapshot, sets);
  const asked = sets.reduce((sum, { replicas }) => sum + replicas, 0);
  // one that is being removed counts for no set any more
  if (unsettled.length === 0 && machines.length <= asked) {
    const changes = allSettled(snapshot);
    return { done: true, ...(changes === undefined ? {} : { changes }) };
  }
  const faulty = machines.find(({ fault }) => fault !== undefined);
  if (faulty !== undefined) return { done: false, seen: `${faulty.name}: ${faulty.fault}` };
  const waiting = unsettled
    .slice(0, namesMax)
    .map(
      ({ name, readyReplicas, replicas }) => `${name} has ${readyReplicas} of ${replicas} ready`,
    );
  return {
    done: false,
    seen:
      waiting.length === 0
        ? `${machines.length} machines where ${asked} are asked for; the rest are being removed.`
        : `${waiting.join(", ")}.`,
  };
}

async function setsOf(api: ClusterApi, { snapshot }: StepContext): Promise<readonly WorkerSet[]> {
  const sets = await workerSets(api, snapshot);
  if (sets.length > 0) return sets;
  throw new TerminalError({
    code: "InstallationFailed",
    message:
      "The cluster has no machine set of its worker pool any more: none is called " +
      `'${setNamePrefix(snapshot)}' with the number of a zone behind it.`,
  });
}
