/**
 * The machine sets of a cluster's worker pool, as `openshift-install` has made them: one for each zone, or a single one where the
 * region has none. Others that the cluster's user has made are never touched, whatever they are called.
 */
import { regionName } from "../../../model/regionName.ts";
import { z } from "zod";
import { shown } from "../../../model/shownText.ts";
import type { InstallationSnapshot } from "../../installer.ts";
import { noted } from "../azureNotes.ts";
import { ClusterApiError, type ClusterApi, type NamespacedKind } from "./clusterApi.ts";

export interface WorkerSet {
  readonly name: string;
  readonly resourceVersion: string;
  /** As asked for. */
  readonly replicas: number;
  /** Whether as many machines as asked for are there and ready. */
  readonly isSettled: boolean;
  readonly readyReplicas: number;
}

/** A machine of the pool, also one that is being removed. */
export interface WorkerMachine {
  readonly name: string;
  /** What went wrong with it, in the cluster's words. */
  readonly fault?: string;
}

const kind = {
  group: "machine.openshift.io",
  version: "v1beta1",
  namespace: "openshift-machine-api",
};
const machineSets: NamespacedKind = { ...kind, plural: "machinesets" };
const machines: NamespacedKind = { ...kind, plural: "machines" };
const clusterLabel = "machine.openshift.io/cluster-api-cluster";
const setLabel = "machine.openshift.io/cluster-api-machineset";

const nameForm = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });
const countForm = z.int().min(0);
const setForm = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
  }),
  // one that is left out is one
  spec: z.looseObject({ replicas: countForm.default(1) }),
  status: z
    .looseObject({
      replicas: countForm.default(0),
      readyReplicas: countForm.default(0),
      observedGeneration: z.number().optional(),
    })
    .optional(),
});
const machineForm = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  status: z.looseObject({ errorMessage: z.string().optional() }).optional(),
});

/** In the order of their names. */
export async function workerSets(
  api: ClusterApi,
  snapshot: InstallationSnapshot,
): Promise<readonly WorkerSet[]> {
  const prefix = setNamePrefix(snapshot);
  const selector = `${clusterLabel}=${noted(snapshot, "infraId")}`;
  const found = await api.resources(machineSets, selector);
  return found
    .filter((each) => {
      const name = nameForm.safeParse(each).data?.metadata.name ?? "";
      return name.startsWith(prefix) && /^\d*$/.test(name.slice(prefix.length));
    })
    .map(toSet)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Of the names of the pool's sets; a zone's number may follow. */
export function setNamePrefix(snapshot: InstallationSnapshot): string {
  const region = regionName(snapshot.cluster.location);
  return `${noted(snapshot, "infraId")}-worker-${region}`;
}

function toSet(found: unknown): WorkerSet {
  const set = setForm.safeParse(found);
  if (!set.success) {
    throw new ClusterApiError("The cluster's API gave a machine set that can't be read.");
  }
  const { metadata, spec, status } = set.data;
  const { replicas } = spec;
  const { generation = 0 } = metadata;
  const isSettled =
    status !== undefined &&
    (status.observedGeneration ?? generation) >= generation &&
    status.replicas === replicas &&
    status.readyReplicas === replicas;
  return {
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    replicas,
    isSettled,
    readyReplicas: status?.readyReplicas ?? 0,
  };
}

/**
 * Asks for another number of machines, unless the set has changed since it was read.
 *
 * @throws {ClusterApiError} with the status 409 then.
 */
export async function setReplicas(
  api: ClusterApi,
  { name, resourceVersion }: WorkerSet,
  replicas: number,
): Promise<void> {
  await api.changeResource(machineSets, name, {
    metadata: { resourceVersion },
    spec: { replicas },
  });
}

/** All machines of these sets. */
export async function machinesOf(
  api: ClusterApi,
  snapshot: InstallationSnapshot,
  sets: readonly WorkerSet[],
): Promise<readonly WorkerMachine[]> {
  const names = new Set(sets.map(({ name }) => name));
  const found = await api.resources(machines, `${clusterLabel}=${noted(snapshot, "infraId")}`);
  return found.flatMap((each) => {
    const machine = machineForm.safeParse(each).data;
    if (machine === undefined || !names.has(machine.metadata.labels[setLabel] ?? "")) return [];
    const fault = machine.status?.errorMessage;
    return [
      {
        name: shown(machine.metadata.name),
        ...(fault === undefined ? {} : { fault: shown(fault) }),
      },
    ];
  });
}

/**
 * How many machines each set shall have, so that none has two more than another, and as few as possible are made or removed.
 *
 * @param counts of each, now.
 * @param total to be reached by all together.
 */
export function spread(counts: readonly number[], total: number): readonly number[] {
  const least = Math.floor(total / counts.length);
  const withOneMore = counts
    .map((count, index) => ({ count, index }))
    // those that have most lose least by one more
    .toSorted((one, other) => other.count - one.count || one.index - other.index)
    .slice(0, total - least * counts.length);
  const indices = new Set(withOneMore.map(({ index }) => index));
  return counts.map((_, index) => least + (indices.has(index) ? 1 : 0));
}
