/** What a step is given in tests: a snapshot whose notes are kept in memory, and time that stands still. */
import type {
  InstallationChanges,
  InstallationSnapshot,
  StepContext,
} from "../../../src/installers/installer.ts";

export const subscriptionId = "00000000-0000-4000-8000-000000000001";
export const incarnationId = "6a3e2f7e-5a0c-4c55-9d7e-3f4f5b1d0c11";
export const clusterId = `/subscriptions/${subscriptionId}/resourceGroups/demo/providers/RedHat.OpenShift/OpenShiftClusters/mycluster`;

export const names = {
  mark: "abcdefgh",
  managedGroup: "aro-mycluster-abcdefgh",
  clusterDomain: "mycluster-abcdefgh.example.com",
  label: "mycluster-abcdefgh",
  storageAccount: "clusterabcdefgh",
};

export interface TestContext extends StepContext {
  /** What was saved, in order. */
  readonly saved: readonly InstallationChanges[];
  /** How often the step asked whether it may act. */
  readonly guarded: () => number;
}

export function stepContext(
  options: {
    readonly installation?: Record<string, unknown>;
    readonly cluster?: Record<string, unknown>;
    readonly operationId?: string;
    readonly startedAt?: number;
    readonly now?: number;
  } = {},
): TestContext {
  const now = options.now ?? 1_700_000_000_000;
  let guarded = 0;
  const saved: InstallationChanges[] = [];
  let snapshot = {
    resourceId: clusterId,
    name: "mycluster",
    resourceGroup: "demo",
    subscriptionId,
    incarnationId,
    operationId: options.operationId ?? "8a3e2f7e-5a0c-4c55-9d7e-3f4f5b1d0c12",
    epoch: 1,
    cluster: { location: "eastus", ...options.cluster },
    secrets: {},
    installation: options.installation ?? {},
  } as unknown as InstallationSnapshot;
  return {
    get snapshot() {
      return snapshot;
    },
    startedAt: options.startedAt ?? now,
    now,
    signal: new AbortController().signal,
    guard: () => {
      guarded += 1;
    },
    save: async (changes) => {
      saved.push(changes);
      snapshot = {
        ...snapshot,
        installation: { ...snapshot.installation, ...changes.installation },
      };
    },
    saved,
    guarded: () => guarded,
  };
}
