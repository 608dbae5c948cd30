/**
 * The operator that makes and removes the workers of a cluster, as its machine sets ask for them: what is asked for takes a while,
 * and a machine that can't be made says why. It must never have two rounds under way at once.
 */
import { randomBytes } from "node:crypto";
import type { ClusterResources, WorkerSpec } from "./clusterResources.ts";
import type { KubernetesObject, KubernetesObjects, Place } from "./kubernetesObjects.ts";

interface MachineSpec {
  readonly providerSpec: { readonly value: WorkerSpec };
}

interface SetSpec {
  readonly replicas?: number;
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: MachineSpec;
  };
}

type Phase = "Provisioning" | "Running" | "Deleting" | "Failed";

const namespace = "openshift-machine-api";
const apiVersion = "machine.openshift.io/v1beta1";
const sets: Place = { group: "machine.openshift.io", plural: "machinesets", namespace };
const machines: Place = { group: "machine.openshift.io", plural: "machines", namespace };
const nodes: Place = { group: "", plural: "nodes" };
const setLabel = "machine.openshift.io/cluster-api-machineset";

export interface MachineSetsOptions {
  readonly infraId: string;
  readonly objects: KubernetesObjects;
  readonly resources: ClusterResources;
  /** Whether Azure lets the operator in; until it does, machines are neither made nor removed. */
  readonly signsIn: () => boolean;
  /** Passes the time that a machine takes; `false` when the cluster is gone by then. */
  readonly wait: () => Promise<boolean>;
}

export class MachineSets {
  readonly #options: MachineSetsOptions;
  #round: Promise<void> | undefined;

  constructor(options: MachineSetsOptions) {
    this.#options = options;
  }

  /** How many workers run, and how many are asked for. */
  counts(): { readonly running: number; readonly wanted: number } {
    const all = this.#sets();
    return {
      running: all.flatMap((set) => this.#machinesOf(set, "Running")).length,
      wanted: all.reduce((sum, set) => sum + replicasOf(set), 0),
    };
  }

  /** Ends when all sets have what they ask for, as far as it can be had. */
  async settle(): Promise<void> {
    this.#round ??= this.#settle();
    await this.#round;
  }

  async #settle(): Promise<void> {
    // so that the round is known before it can end
    await Promise.resolve();
    try {
      while (this.#begin()) {
        if (!(await this.#options.wait())) return;
        this.#end();
      }
    } finally {
      // in the same turn as the last look: whatever changes from now on is another round's
      this.#round = undefined;
    }
  }

  /** @returns whether anything is to be waited for. */
  #begin(): boolean {
    const { objects } = this.#options;
    if (!this.#options.signsIn()) return false;
    let isUnderWay = false;
    for (const set of this.#sets()) {
      const kept = ["Failed", "Provisioning", "Running"] as const;
      const present = kept.flatMap((phase) => this.#machinesOf(set, phase));
      const surplus = present.length - replicasOf(set);
      for (const machine of present.slice(0, Math.max(surplus, 0))) {
        objects.setStatus(machines, machine.metadata.name, { phase: "Deleting" });
      }
      for (let made = surplus; made < 0; made++) this.#addMachine(set);
      this.#report(set);
      isUnderWay ||= this.#machinesOf(set, "Provisioning", "Deleting").length > 0;
    }
    return isUnderWay;
  }

  #addMachine(set: KubernetesObject): void {
    const { template } = set["spec"] as SetSpec;
    const { objects } = this.#options;
    const name = `${set.metadata.name}-${randomBytes(4).toString("hex").slice(0, 5)}`;
    objects.create({
      apiVersion,
      kind: "Machine",
      metadata: {
        name,
        namespace,
        labels: { ...template.metadata.labels, [setLabel]: set.metadata.name },
      },
      spec: template.spec,
      status: { phase: "Provisioning" },
    });
  }

  #end(): void {
    const { objects, resources, infraId } = this.#options;
    for (const set of this.#sets()) {
      for (const machine of this.#machinesOf(set, "Provisioning", "Deleting")) {
        const { name } = machine.metadata;
        const { value } = (machine["spec"] as MachineSpec).providerSpec;
        if (phaseOf(machine) === "Deleting") {
          resources.removeWorker(name, value);
          objects.delete(nodes, name);
          objects.delete(machines, name);
          continue;
        }
        const errorMessage = resources.makeWorker(name, infraId, value);
        if (errorMessage !== undefined) {
          const status = { phase: "Failed", errorReason: "InvalidConfiguration", errorMessage };
          objects.setStatus(machines, name, status);
          continue;
        }
        const nodeRef = { kind: "Node", name };
        objects.setStatus(machines, name, { phase: "Running", nodeRef });
        addNode(objects, name, "worker");
      }
      this.#report(set);
    }
  }

  #report(set: KubernetesObject): void {
    const { objects } = this.#options;
    const current = objects.find(sets, set.metadata.name);
    if (current === undefined) return;
    const running = this.#machinesOf(set, "Running").length;
    objects.setStatus(sets, set.metadata.name, {
      replicas: this.#machinesOf(set, "Running", "Provisioning", "Failed").length,
      fullyLabeledReplicas: running,
      readyReplicas: running,
      availableReplicas: running,
      observedGeneration: current.metadata.generation,
    });
  }

  #sets(): KubernetesObject[] {
    return this.#options.objects.list(sets);
  }

  #machinesOf(set: KubernetesObject, ...phases: readonly Phase[]): KubernetesObject[] {
    return this.#options.objects
      .list(machines, `${setLabel}=${set.metadata.name}`)
      .filter((machine) => phases.includes(phaseOf(machine)));
  }
}

/** Joins a machine to the cluster. */
export function addNode(objects: KubernetesObjects, name: string, role: "master" | "worker"): void {
  objects.create({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { [`node-role.kubernetes.io/${role}`]: "" } },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });
}

function phaseOf(machine: KubernetesObject): Phase {
  return (machine["status"] as { phase?: Phase } | undefined)?.phase ?? "Provisioning";
}

function replicasOf(set: KubernetesObject): number {
  return (set["spec"] as SetSpec).replicas ?? 1;
}
