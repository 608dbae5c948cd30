/** The steps of an update: workers are scaled, and nothing else of a cluster can change outside. */
import type { Phase, StepContext } from "../installer.ts";
import { changedWorkers, workerCounts } from "./changedWorkers.ts";
import type { LocalEffects } from "./localEffects.ts";
import { readNotes, withNotes } from "./localNotes.ts";
import { timedStep } from "./timedStep.ts";

/** What part of a create's time the scaling of one worker profile takes. */
const shareOfProfile = 0.1;

export function updatePhases({ installMs, clock }: LocalEffects): readonly Phase[] {
  return [
    {
      name: "ScaleWorkers",
      steps: [
        timedStep({
          name: "SetWorkerCounts",
          clock,
          durationMs: () => 0,
          durationMaxMs: 0,
          begin: noteScaling,
          end: (snapshot) => ({
            installation: withNotes(snapshot, { workers: workerCounts(snapshot.cluster.workers) }),
          }),
        }),
        timedStep({
          name: "WaitForWorkers",
          clock,
          // tags alone need no machine, so no time
          durationMs: (snapshot) =>
            installMs * shareOfProfile * (readNotes(snapshot).scaling?.profiles.length ?? 0),
          durationMaxMs: installMs,
        }),
      ],
    },
  ];
}

/** Persists which profiles are about to change, once for each operation. */
async function noteScaling(context: StepContext): Promise<void> {
  const { snapshot } = context;
  const { operationId } = snapshot;
  if (readNotes(snapshot).scaling?.operationId === operationId) return;
  const profiles = changedWorkers(snapshot);
  await context.save({
    installation: withNotes(snapshot, { scaling: { operationId, profiles } }),
  });
}
