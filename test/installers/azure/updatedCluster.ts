/**
 * What an update meets in a cluster: machine sets, machines and secrets, kept as an API server keeps them, with resource versions
 * and merge patches. The machines follow only when a test says so.
 */
import type { ClusterAnswer, ClusterCall } from "./clusterAnswerer.ts";

export const infraId = "first-x7k2p";

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  resourceVersion: string;
  generation: number;
}

export interface StoredSet {
  readonly metadata: Metadata;
  readonly spec: { replicas?: number; readonly template: object };
  status: { replicas: number; readyReplicas?: number; observedGeneration: number };
}

export interface StoredMachine {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly status: { readonly errorMessage?: string };
}

const clusterLabel = "machine.openshift.io/cluster-api-cluster";
const setLabel = "machine.openshift.io/cluster-api-machineset";
const machineApi = "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api";

export class UpdatedCluster {
  readonly sets = new Map<string, StoredSet>();
  machines: StoredMachine[] = [];
  /** By namespace and name. */
  readonly secrets = new Map<string, Record<string, string>>();
  /** Called before each patch. */
  beforePatch: (name: string) => void = () => {};
  #version = 100;

  constructor(counts: Readonly<Record<string, number>>) {
    for (const [name, replicas] of Object.entries(counts)) this.addSet(name, replicas);
    this.follow();
  }

  addSet(name: string, replicas: number): void {
    this.sets.set(name, {
      metadata: {
        name,
        namespace: "openshift-machine-api",
        labels: { [clusterLabel]: infraId },
        resourceVersion: String(this.#version++),
        generation: 1,
      },
      spec: { replicas, template: { kept: true } },
      status: { replicas: 0, observedGeneration: 0 },
    });
  }

  /** Somebody else changes a set. */
  change(name: string, replicas: number): void {
    const set = this.#set(name);
    set.spec.replicas = replicas;
    set.metadata.generation += 1;
    set.metadata.resourceVersion = String(this.#version++);
  }

  /** Every set gets the machines that it asks for, all ready. */
  follow(): void {
    this.machines = [];
    for (const { metadata, spec } of this.sets.values()) {
      const set = this.#set(metadata.name);
      const { replicas = 1 } = spec;
      // as the API leaves out what is zero
      const ready = replicas === 0 ? {} : { readyReplicas: replicas };
      set.status = { replicas, ...ready, observedGeneration: metadata.generation };
      for (let index = 0; index < replicas; index += 1) this.addMachine(metadata.name, index);
    }
  }

  addMachine(set: string, index: number, errorMessage?: string): void {
    this.machines.push({
      metadata: {
        name: `${set}-${index}`,
        labels: { [clusterLabel]: infraId, [setLabel]: set },
      },
      status: errorMessage === undefined ? {} : { errorMessage },
    });
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.sets].map(([name, { spec }]) => [name, spec.replicas ?? 1]));
  }

  readonly reply = (call: ClusterCall): ClusterAnswer => {
    const { pathname, searchParams } = new URL(call.path, "https://api");
    if (call.method === "GET" && searchParams.has("labelSelector")) {
      const isMeant = searchParams.get("labelSelector") === `${clusterLabel}=${infraId}`;
      const all = pathname.endsWith("/machinesets") ? [...this.sets.values()] : this.machines;
      return { body: { items: isMeant ? all : [] } };
    }
    const secret = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(pathname);
    if (secret !== null) return this.#secret(`${secret[1]}/${secret[2]}`, call);
    const set = this.sets.get(pathname.slice(`${machineApi}/machinesets/`.length));
    return call.method === "PATCH" && set !== undefined
      ? this.#patchSet(set, JSON.parse(call.body))
      : { status: 404 };
  };

  #secret(key: string, { method, body }: ClusterCall): ClusterAnswer {
    const data = this.secrets.get(key);
    if (data === undefined) return { status: 404, body: { reason: "NotFound" } };
    if (method === "PATCH") {
      this.beforePatch(key);
      Object.assign(data, (JSON.parse(body) as { data: Record<string, string> }).data);
    }
    return { body: { metadata: { name: key }, data } };
  }

  #patchSet(
    set: StoredSet,
    patch: {
      readonly metadata: { readonly resourceVersion: string };
      readonly spec: { readonly replicas: number };
    },
  ): ClusterAnswer {
    this.beforePatch(set.metadata.name);
    if (patch.metadata.resourceVersion !== set.metadata.resourceVersion) {
      return { status: 409, body: { reason: "Conflict" } };
    }
    this.change(set.metadata.name, patch.spec.replicas);
    return { body: set };
  }

  #set(name: string): StoredSet {
    const set = this.sets.get(name);
    if (set === undefined) throw new Error(`no machine set ${name}`);
    return set;
  }
}
