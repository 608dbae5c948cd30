/**
 * A cluster in the stand-in for Azure: it begins as soon as its machines run with configs that lead to a bootstrap config, becomes
 * complete after a while, and ends with its machines. It must take everything from these machines and that config: whatever
 * an installer gets wrong there, this cluster gets wrong too.
 */
import { parse } from "yaml";
import { z } from "zod";
import type { AzureRequest, AzureService, AzureSurroundings } from "./azureService.ts";
import type { AzureResource } from "./azureState.ts";
import { ClusterResources, type WorkerSpec } from "./clusterResources.ts";
import { furtherConfig, readBootstrapIgnition } from "./ignitionConfigs.ts";
import {
  KubernetesObjects,
  placeOf,
  type KubernetesObject,
  type Place,
} from "./kubernetesObjects.ts";
import { addNode, MachineSets } from "./machineSets.ts";

const clusterVersions: Place = { group: "config.openshift.io", plural: "clusterversions" };
const machinePlace: Place = {
  group: "machine.openshift.io",
  plural: "machines",
  namespace: "openshift-machine-api",
};
/** By which the cluster's operators act in Azure. */
const secrets: Place = { group: "", plural: "secrets", namespace: "kube-system" };
const manifestForm = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const machineType = "microsoft.compute/virtualmachines";

interface Machines {
  readonly bootstrap: AzureResource | undefined;
  readonly masters: readonly AzureResource[];
}

/** What the bootstrap machine is told. */
interface Beginning {
  /** PEM. */
  readonly adminAuthority: string | undefined;
  readonly manifests: readonly KubernetesObject[];
}

/** Who judges the secrets that a cluster has. */
export interface CredentialChecks {
  /** As the cluster's operators sign in, to make machines. */
  signsIn(clientId: string, clientSecret: string): boolean;
  /** As its machines pull images. */
  pullsWith(pullSecret: string): boolean;
}

/** What a cluster has become. */
interface Life {
  readonly adminAuthority: string | undefined;
  readonly objects: KubernetesObjects;
  readonly machineSets: MachineSets;
  isBootstrapped: boolean;
}

export class LocalCluster {
  readonly infraId: string;
  readonly #surroundings: AzureSurroundings;
  readonly #blobs: AzureService;
  readonly #checks: CredentialChecks;
  #boot: Promise<void> | undefined;
  #isToBeLookedAt = false;
  #hasEnded = false;
  #life: Life | undefined;

  /** @param around.blobs answers for the addresses of configs. */
  constructor(
    infraId: string,
    surroundings: AzureSurroundings,
    around: { readonly blobs: AzureService; readonly checks: CredentialChecks },
  ) {
    this.infraId = infraId;
    this.#surroundings = surroundings;
    this.#blobs = around.blobs;
    this.#checks = around.checks;
  }

  /** Whether any of its machines is left, the bootstrap machine among them. */
  get exists(): boolean {
    const { bootstrap, masters } = this.#machines();
    return !this.#hasEnded && (bootstrap !== undefined || masters.length > 0);
  }

  /** Machines of the same names that come later are another cluster's. */
  end(): void {
    this.#hasEnded = true;
  }

  /**
   * PEM, and the objects of its API.
   *
   * @returns a sentence instead while nobody would answer.
   */
  async open(): Promise<
    { readonly adminAuthority: string | undefined; readonly objects: KubernetesObjects } | string
  > {
    await this.begin();
    const life = this.#life;
    if (life === undefined) return (await this.#missing()) ?? "the machines are starting";
    const { bootstrap, masters } = this.#machines();
    if (life.isBootstrapped ? masters.length > 0 : bootstrap !== undefined) return life;
    return "the machines that would answer are gone";
  }

  /** To be told after somebody has changed an object. */
  async changed(): Promise<void> {
    const life = this.#life;
    if (life?.isBootstrapped !== true) return;
    await life.machineSets.settle();
    this.#evaluate(life);
  }

  /** Looks whether it can begin, if it hasn't. */
  async begin(): Promise<void> {
    if (this.#life !== undefined) return;
    this.#isToBeLookedAt = true;
    this.#boot ??= this.#lookUntilSettled();
    await this.#boot;
  }

  /** Again whenever something has changed while it looked. */
  async #lookUntilSettled(): Promise<void> {
    // so that the round is known before it can end
    await Promise.resolve();
    try {
      while (this.#isToBeLookedAt && this.#life === undefined) {
        this.#isToBeLookedAt = false;
        await this.#begin();
      }
    } finally {
      this.#boot = undefined;
    }
  }

  async #begin(): Promise<void> {
    if ((await this.#missing()) !== undefined) return;
    const contents = await this.#bootstrapContents();
    const { masters } = this.#machines();
    const [master] = masters;
    if (typeof contents === "string" || master === undefined) return;
    const { state, clock, operationMs } = this.#surroundings;
    const objects = new KubernetesObjects(clock);
    const resources = new ClusterResources(state, master.id.split("/").slice(0, 5).join("/"));
    for (const manifest of contents.manifests) {
      const isThere = objects.find(placeOf(manifest), manifest.metadata.name) !== undefined;
      if (!isThere) objects.create(manifest);
    }
    const life: Life = {
      adminAuthority: contents.adminAuthority,
      objects,
      machineSets: new MachineSets({
        infraId: this.infraId,
        objects,
        resources,
        signsIn: () => this.#signsIn(objects),
        wait: async () => await this.#lives(operationMs),
      }),
      isBootstrapped: false,
    };
    this.#life = life;
    this.#tellVersion(life, { available: false, message: "Working towards it" });
    void this.#live(life, resources, masters);
  }

  async #live(
    life: Life,
    resources: ClusterResources,
    masters: readonly AzureResource[],
  ): Promise<void> {
    const { clusterReadyMs } = this.#surroundings;
    const { objects } = life;
    if (!(await this.#lives(clusterReadyMs / 2))) return;
    // without it nobody brings the control plane up, now or later
    if (this.#machines().bootstrap === undefined) return;
    life.isBootstrapped = true;
    for (const { name } of masters) {
      addNode(objects, name, "master");
      objects.setStatus(machinePlace, name, { phase: "Running", nodeRef: { kind: "Node", name } });
    }
    objects.create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "bootstrap", namespace: "kube-system" },
      data: { status: "complete" },
    });
    const workers = life.machineSets.settle();
    if (!(await this.#lives(clusterReadyMs / 2))) return;
    await workers;
    if (!this.exists) return;
    const location = masters[0]?.location ?? "";
    this.#openRouter(objects, resources, location);
    resources.makeRegistryStorage({ infraId: this.infraId, location });
    this.#evaluate(life);
  }

  #openRouter(objects: KubernetesObjects, resources: ClusterResources, location: string): void {
    const one = (group: string, plural: string, name: string, namespace?: string) =>
      objects.find({ group, plural, ...(namespace === undefined ? {} : { namespace }) }, name);
    const controller = one(
      "operator.openshift.io",
      "ingresscontrollers",
      "default",
      "openshift-ingress-operator",
    )?.["spec"] as
      | { endpointPublishingStrategy?: { loadBalancer?: { scope?: string } } }
      | undefined;
    const isInternal = controller?.endpointPublishingStrategy?.loadBalancer?.scope === "Internal";
    const subnetId = this.#workerSubnet(objects);
    const ip = resources.makeRouterAddress({
      infraId: this.infraId,
      location,
      ...(isInternal && subnetId !== undefined ? { subnetId } : {}),
    });
    objects.create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "router-default", namespace: "openshift-ingress" },
      spec: { type: "LoadBalancer" },
      status: { loadBalancer: { ingress: [{ ip }] } },
    });
    const dns = one("config.openshift.io", "dnses", "cluster")?.["spec"] as
      | { baseDomain?: string; publicZone?: { id?: string }; privateZone?: { id?: string } }
      | undefined;
    for (const zone of [dns?.publicZone?.id, dns?.privateZone?.id]) {
      if (zone === undefined || dns?.baseDomain === undefined) continue;
      const zoneName = zone.slice(zone.lastIndexOf("/") + 1);
      const name = `*.apps.${dns.baseDomain}`.slice(0, -zoneName.length - 1);
      resources.makeAppsRecord(zone, { name, ip });
    }
  }

  #workerSubnet(objects: KubernetesObjects): string | undefined {
    const [set] = objects.list({ group: "machine.openshift.io", plural: "machinesets" });
    const spec = (
      set?.["spec"] as { template: { spec: { providerSpec: { value: WorkerSpec } } } } | undefined
    )?.template.spec.providerSpec.value;
    const [master] = this.#machines().masters;
    if (spec === undefined || master === undefined) return undefined;
    const subscription = master.id.split("/").slice(0, 3).join("/");
    return (
      `${subscription}/resourceGroups/${spec.networkResourceGroup}/providers/Microsoft.Network` +
      `/virtualNetworks/${spec.vnet}/subnets/${spec.subnet}`
    );
  }

  /** Available is a cluster with a router, which runs on workers, or on the control plane when no worker is asked for. */
  #evaluate(life: Life): void {
    const router = { group: "", plural: "services", namespace: "openshift-ingress" };
    if (life.objects.find(router, "router-default") === undefined) return;
    const { running, wanted } = life.machineSets.counts();
    if (running > 0 || wanted === 0) this.#tellVersion(life, { available: true, message: "Done" });
    else this.#tellVersion(life, { available: false, message: "ingress has no workers" });
  }

  #tellVersion(
    { objects }: Life,
    told: { readonly available: boolean; readonly message: string },
  ): void {
    const { available, message } = told;
    const status = (is: boolean) => (is ? "True" : "False");
    objects.setStatus(clusterVersions, "version", {
      conditions: [
        { type: "Available", status: status(available), message },
        { type: "Failing", status: "False" },
        { type: "Progressing", status: status(!available), message },
      ],
    });
  }

  /** Passes time. @returns whether the cluster is still there after it. */
  async #lives(durationMs: number): Promise<boolean> {
    const { clock, stopped } = this.#surroundings;
    try {
      await clock.sleep(durationMs, stopped);
    } catch {
      return false;
    }
    return this.exists;
  }

  /** What keeps it from beginning. */
  async #missing(): Promise<string | undefined> {
    const { bootstrap, masters } = this.#machines();
    if (bootstrap === undefined) return `there is no machine ${this.infraId}-bootstrap`;
    const contents = await this.#bootstrapContents();
    if (typeof contents === "string") return contents;
    const pulls = contents.manifests.find(({ metadata }) => metadata.name === "pull-secret");
    if (!this.#checks.pullsWith(secretValue(pulls, ".dockerconfigjson"))) {
      return "the bootstrap machine is refused the release's image";
    }
    const wanted = contents.manifests.find(({ kind }) => kind === "ControlPlaneMachineSet");
    const count = (wanted?.["spec"] as { replicas?: number } | undefined)?.replicas ?? 3;
    if (masters.length < count) return `${masters.length} of ${count} control plane machines run`;
    for (const master of masters) {
      const config = furtherConfig(customDataOf(master));
      if (config?.how !== "merge" || !config.source.endsWith(":22623/config/master")) {
        return `${master.name} doesn't begin with the control plane's config`;
      }
      const server = new URL(config.source).hostname;
      if (!this.#isKnown(server)) return `${master.name} can't find ${server}`;
    }
    return undefined;
  }

  #signsIn(objects: KubernetesObjects): boolean {
    const credentials = objects.find(secrets, "azure-credentials");
    return this.#checks.signsIn(
      secretValue(credentials, "azure_client_id"),
      secretValue(credentials, "azure_client_secret"),
    );
  }

  /** Whether a name is in a private zone of the stand-in. */
  #isKnown(name: string): boolean {
    const dot = name.indexOf(".");
    const end = `/privatednszones/${name.slice(dot + 1)}/a/${name.slice(0, dot)}`.toLowerCase();
    return this.#surroundings.state.list().some(({ id }) => id.toLowerCase().endsWith(end));
  }

  async #bootstrapContents(): Promise<Beginning | string> {
    const { bootstrap } = this.#machines();
    const config = furtherConfig(customDataOf(bootstrap));
    if (config?.how !== "replace") return "the bootstrap machine's config names no other";
    const request: AzureRequest = {
      method: "GET",
      url: new URL(config.source),
      headers: {},
      body: Buffer.alloc(0),
    };
    const answer = await this.#blobs.handle(request);
    if (answer?.status !== 200 || !Buffer.isBuffer(answer.body)) {
      return `the bootstrap machine is refused its config: ${answer?.status ?? "nobody answers"}`;
    }
    try {
      const { manifests, adminAuthority } = readBootstrapIgnition(answer.body.toString("utf8"));
      return { adminAuthority, manifests: [...manifests.values()].map(readManifest) };
    } catch (error) {
      return `the bootstrap machine can't read its config: ${String(error)}`;
    }
  }

  #machines(): Machines {
    const start = `${this.infraId}-`.toLowerCase();
    const own = this.#surroundings.state.list().filter(
      ({ type, name, properties }) =>
        type.toLowerCase() === machineType &&
        name.toLowerCase().startsWith(start) &&
        // one that is being made doesn't run yet, one that is changed goes on
        !["Creating", "Failed", "Deleting"].includes(String(properties["provisioningState"])),
    );
    const part = ({ name }: AzureResource) => name.slice(start.length);
    return {
      bootstrap: own.find((machine) => part(machine) === "bootstrap"),
      masters: own.filter((machine) => /^master-\d+$/.test(part(machine))),
    };
  }
}

/** In clear. */
function secretValue(secret: KubernetesObject | undefined, key: string): string {
  const data = secret?.["data"] as Readonly<Record<string, string>> | undefined;
  return Buffer.from(data?.[key] ?? "", "base64").toString("utf8");
}

function readManifest(text: string): KubernetesObject {
  return manifestForm.parse(parse(text)) as KubernetesObject;
}

/** What Azure hands to a machine and shows to nobody. */
function customDataOf(machine: AzureResource | undefined): unknown {
  return (machine?.["hidden"] as { customData?: unknown } | undefined)?.customData;
}
