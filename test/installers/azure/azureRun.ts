/**
 * Drives the installer on Azure, unmodified and with its real clients, through whole operations against the stand-in. A run may be
 * killed at any call: it then does nothing more, and another one goes on from what is stored.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateSealing } from "../../../src/azureInstallation.ts";
import { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import { snapshotOf } from "../../../src/backend/changes.ts";
import { ClusterApi } from "../../../src/installers/azure/cluster/clusterApi.ts";
import { blobServiceOf } from "../../../src/installers/azure/resources/storageAccount.ts";
import type { StateSealing } from "../../../src/installers/azure/azureEffects.ts";
import { azureInstaller } from "../../../src/installers/azure/azureInstaller.ts";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import { readDnsZoneId } from "../../../src/installers/azure/azureInstallerSettings.ts";
import type { Step, StepResult } from "../../../src/installers/installer.ts";
import type { Cluster } from "../../../src/model/cluster.ts";
import type { ClusterSecrets } from "../../../src/model/clusterSecrets.ts";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemRandom } from "../../../src/runtime/ids.ts";
import { KeyRing } from "../../../src/store/keyRing.ts";
import type { SealingKey } from "../../../src/store/sealedSecrets.ts";
import { credentialFor } from "../../azure/armClients.ts";
import type { AzureCall } from "../../azure/faults.ts";
import { writeInstallProgram } from "../../azure/installProgram.ts";
import { LocalAzure } from "../../azure/localAzure.ts";
import { deleteOf, newCluster, StepsRun } from "../../backend/stepsSuite.ts";
import { temporaryFolder } from "../../process/rpProcess.ts";
import { newKey, TestKeys } from "../../store/sealedStoreFixture.ts";

/**
 * Where a run is killed: at the call that it is told of, which is lost there; or which is on its way still, and takes effect only
 * with `landLate`.
 */
export type KillAt = (call: AzureCall, moment: "before" | "after") => boolean | "lands late";

export interface AzureRunOptions {
  /** Whether the cluster makes its own network, or gets subnets of a user's; its own unless given. */
  readonly network?: "own" | "given";
}

/** What a step waits for, as it says. */
export interface Waited {
  readonly step: string;
  readonly because: string | undefined;
}

interface LateCall {
  readonly call: AzureCall;
  readonly land: PromiseWithResolvers<void>;
  readonly landed: PromiseWithResolvers<void>;
}

const parentDomain = "clusters.example";
/** More starts of one step than any kill explains. */
const startsMax = 1_000;

async function sealingBy(...keys: readonly SealingKey[]): Promise<StateSealing> {
  return stateSealing(await KeyRing.open({ source: new TestKeys(...keys), clock: systemClock }));
}

export class AzureRun implements AsyncDisposable {
  readonly azure: LocalAzure;
  readonly #folder: { readonly path: string } & Disposable;
  readonly #zoneId: string;
  readonly #installProgram: string;
  #sealing: StateSealing;
  readonly #unwatch: () => void;
  /** What a step has said each time that it was to be begun again. */
  readonly waits: Waited[] = [];
  #document: ClusterDocument;
  #initial: ClusterDocument;
  #late: LateCall | undefined;
  #life = new AbortController();
  #killAt: KillAt = () => false;
  #kills = 0;
  #standsStill = false;
  #isFrozen = false;
  /** What workers have changed after they had stood still for too long. */
  readonly changedLate: string[] = [];

  private constructor(azure: LocalAzure, sealing: StateSealing, options: AzureRunOptions) {
    this.azure = azure;
    this.#sealing = sealing;
    azure.trust();
    this.#folder = temporaryFolder({ holdsSecrets: true });
    const authorityFile = join(this.#folder.path, "authority.pem");
    writeFileSync(authorityFile, azure.caCertificatePem);
    this.#installProgram = writeInstallProgram(this.#folder.path, {
      url: azure.url,
      authorityFile,
    });
    this.#zoneId = azure.createDnsZone(parentDomain);
    const { clientId, clientSecret } = azure.clusterApplication;
    const fresh = newCluster();
    this.#initial = {
      ...fresh,
      cluster: { ...fresh.cluster, clientId },
      secrets: { ...fresh.secrets, clientSecret },
    };
    this.#document = this.#initial;
    if (options.network === "given") this.#giveSubnets();
    this.#unwatch = azure.onCall(async (call, moment) => {
      if (this.#late?.call === call) {
        this.#late.landed.resolve();
        return "drop";
      }
      if (this.#isFrozen && moment === "before" && isChange(call)) {
        this.changedLate.push(nameOf(call, this));
      }
      // a process that was killed sends nothing more; what it had sent before is answered to nobody
      if (this.#life.signal.aborted) return "drop";
      const kill = this.#killAt(call, moment);
      if (kill === false) return undefined;
      if (this.#standsStill) {
        this.#kills += 1;
        this.#isFrozen = true;
        return undefined;
      }
      this.kill();
      if (kill === true) return "drop";
      this.#late = { call, land: Promise.withResolvers(), landed: Promise.withResolvers() };
      await this.#late.land.promise;
      return undefined;
    });
  }

  static async open(options: AzureRunOptions = {}): Promise<AzureRun> {
    return new AzureRun(
      await LocalAzure.start({ operationMs: 1, clusterReadyMs: 1 }),
      await sealingBy(newKey("only")),
      options,
    );
  }

  /** The process that runs now does nothing more. */
  kill(): void {
    this.#kills += 1;
    this.#life.abort(new Error("killed"));
  }

  /** Lets the call that was on its way when the run was killed take effect. */
  async landLate(): Promise<void> {
    this.#late?.land.resolve();
    await this.#late?.landed.promise;
  }

  get document(): ClusterDocument {
    return this.#document;
  }

  /** How often it was killed. */
  get kills(): number {
    return this.#kills;
  }

  /** The cluster that is created is another one, in some of its members. */
  asks(changed: Partial<Cluster>, secrets: ClusterSecrets = {}): void {
    const asked = (document: ClusterDocument): ClusterDocument => ({
      ...document,
      cluster: { ...document.cluster, ...changed },
      secrets: { ...document.secrets, ...secrets },
    });
    this.#document = asked(this.#document);
    this.#initial = asked(this.#initial);
  }

  /** The same is asked for as at first, of a cluster that knows nothing of the one before. */
  anew(): void {
    this.#document = { ...this.#initial, incarnationId: randomUUID() };
  }

  #giveSubnets(): void {
    const { subscriptionId, cluster } = this.#document;
    const network = this.azure.createNetwork(subscriptionId, "networks", "office");
    const subnet = (name: string): string => `${network}/subnets/${name}`;
    this.asks({
      resourceGroupId: `/subscriptions/${subscriptionId}/resourceGroups/shop-machines`,
      controlPlane: { ...cluster.controlPlane, subnetId: subnet("control-plane") },
      workers: cluster.workers.map((pool) => ({ ...pool, subnetId: subnet("workers") })),
    });
  }

  /** In clear, as the cluster has it. */
  async clusterSecret(namespace: string, name: string): Promise<Record<string, string>> {
    const { signal } = new AbortController();
    const kubeconfig = this.#document.secrets.adminKubeconfig ?? "";
    using api = await ClusterApi.open({ kubeconfig, clock: systemClock, signal });
    const secret = (await api.secret(namespace, name)) ?? {};
    return Object.fromEntries(
      Object.entries(secret).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    );
  }

  /** Processes that begin from now on have these keys alone, the newest first. */
  async haveKeys(...keys: readonly SealingKey[]): Promise<void> {
    this.#sealing = await sealingBy(...keys);
  }

  become(document: ClusterDocument): void {
    this.#document = document;
  }

  /** Runs the present operation to its end, over kills. */
  async operation(killAt: KillAt = () => false): Promise<ClusterDocument> {
    this.#killAt = killAt;
    let run = this.#begin();
    for (let at = 0; at < run.steps.length;) {
      const step = run.steps[at] as Step;
      const ended = await this.#step(run, step);
      if (ended) at += 1;
      else run = this.#begin();
    }
    this.#killAt = () => false;
    return this.#document;
  }

  /**
   * Runs the present operation to its end, over workers that stand still at a call until they have lost their lease, and only then get
   * its answer. Nobody has told them: they learn of it when they ask.
   */
  async operationOverStandstills(standsStillAt: KillAt): Promise<ClusterDocument> {
    this.#standsStill = true;
    const document = await this.operation(standsStillAt);
    this.#standsStill = false;
    return document;
  }

  /** Runs the present operation until it is killed for the first time. */
  async untilKilled(killAt: KillAt): Promise<void> {
    this.#killAt = killAt;
    const run = this.#begin();
    for (const step of run.steps) if (!(await this.#step(run, step))) break;
    this.#killAt = () => false;
  }

  /** As somebody does who may read the managed group's storage account. */
  async deleteBlob(container: string, name: string): Promise<void> {
    this.#life = new AbortController();
    const effects = { azure: this.#connection() };
    const { signal } = new AbortController();
    const service = await blobServiceOf(effects, snapshotOf(this.#document), signal);
    await service.getContainerClient(container).deleteBlob(name);
  }

  /** Of somebody who changes things behind the installer's back. */
  azureClients(subscriptionId: string): ReturnType<AzureConnection["of"]> {
    this.#life = new AbortController();
    return this.#connection().of(subscriptionId);
  }

  async delete(): Promise<void> {
    this.become(deleteOf(this.#document));
    await this.operation();
  }

  #connection(): AzureConnection {
    return new AzureConnection(
      { resourceManager: this.azure.url, authorityHost: this.azure.url },
      { clock: systemClock, credential: () => credentialFor(this.azure) },
    );
  }

  /** A process begins, with nothing but what is stored. */
  #begin(): StepsRun {
    this.#life = new AbortController();
    this.#isFrozen = false;
    const dnsZone = readDnsZoneId(this.#zoneId);
    if (dnsZone === undefined) throw new Error("the stand-in's zone has no id");
    const azure = this.#connection();
    return new StepsRun({
      document: this.#document,
      // the stand-in judges times of signed addresses by its own
      startAt: systemClock.now(),
      installer: ({ clock }) =>
        azureInstaller({
          settings: { dnsZone, installProgram: this.#installProgram },
          azure,
          sealing: this.#sealing,
          clock,
          random: systemRandom,
          pollMs: 100,
        }),
    });
  }

  /** @returns whether the step came to its end. */
  async #step(run: StepsRun, step: Step): Promise<boolean> {
    const { signal } = this.#life;
    const startedAt = run.clock.now();
    const mayAct = (): void => {
      if (this.#isFrozen) throw new Error("the lease may have run out");
    };
    const hooks = { onGuard: mayAct, beforeSave: mayAct };
    for (let starts = 0; starts < startsMax; starts += 1) {
      let result: StepResult;
      try {
        result = await run.begin(step, { startedAt, signal, hooks }).result;
      } catch (error) {
        this.#document = run.document;
        if (signal.aborted || this.#isFrozen) return false;
        throw error;
      }
      // what it brings would not be stored
      if (signal.aborted || this.#isFrozen) {
        this.#document = run.document;
        return false;
      }
      run.apply(result.changes ?? {});
      this.#document = run.document;
      if (result.done) return true;
      this.waits.push({ step: step.name, because: result.because });
      await run.clock.advance(result.againAfterMs);
    }
    throw new Error(`${step.name} has asked to be called again more than ${startsMax} times`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch();
    await this.azure[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Everything that exists in Azure, by what it is called but for chance; a subnet with a security group says so. */
export function existing(run: AzureRun): readonly string[] {
  return run.azure
    .resources()
    .flatMap(({ id, properties }) => [id, ...guardedSubnetsOf(properties)])
    .map((text) => withoutChance(text, run))
    .toSorted();
}

function guardedSubnetsOf({ subnets = [] }: { readonly subnets?: unknown }): readonly string[] {
  return (subnets as readonly { id: string; properties: object }[])
    .filter(({ properties }) => "networkSecurityGroup" in properties)
    .map(({ id }) => `${id} has a security group`);
}

/** What a call is called, whatever was made by chance: alike in each run. */
export function nameOf({ method, path }: AzureCall, run: AzureRun): string {
  return `${method} ${withoutChance(path, run)}`;
}

function withoutChance(text: string, run: AzureRun): string {
  const { infraId, names } = (run.document.installation["azure"] ?? {}) as AzureNotes;
  return text
    .replaceAll(infraId ?? "{infra}", "{infra}")
    .replaceAll(names?.mark ?? "{mark}", "{mark}")
    .replaceAll(/worker-eastus(\d)-[0-9a-z]{5}/g, "worker-eastus$1-{machine}")
    .replaceAll(/imageregistry[0-9a-z]+/g, "imageregistry{chance}")
    .replaceAll(/roleAssignments\/[0-9a-f-]{36}/gi, "roleAssignments/{guid}");
}

/** Requests that change something; keys and tokens are asked for by POST as well. */
export function isChange({ method, path }: AzureCall): boolean {
  return !["GET", "HEAD"].includes(method) && !/\/(listKeys|token)$/i.test(path);
}
