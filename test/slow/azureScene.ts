/**
 * The real program with the installer on Azure, in a process of its own that may be killed and started again, and the stand-in for
 * Azure in this process: what a user asks of the one, and what the other then holds. It plants every secret of the two as soon as it
 * is known, so that one that gets out fails the test.
 */
import { mkdirSync, readdirSync, rmSync, watch as watchFolder, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { request as secureRequest } from "node:https";
import { join } from "node:path";
import { expect } from "vitest";
import { readKubeconfig } from "../../src/installers/azure/cluster/kubeconfig.ts";
import type { AzureResource } from "../azure/azureState.ts";
import { LocalAzure } from "../azure/localAzure.ts";
import { programSettings } from "../azure/programSettings.ts";
import { storageAccountKey } from "../azure/storageAccountKeys.ts";
import { planted, watch } from "../leaks/leakWatch.ts";
import { clusterBody, clusterPullSecret } from "../process/clusterCalls.ts";
import { Fleet, type FleetRoles } from "../process/fleet.ts";
import { compiledIn, temporaryFolder, type RpProcess } from "../process/rpProcess.ts";
import { StoredState } from "../process/storedState.ts";

const subscriptionId = "00000000-0000-4000-8000-000000000001";
/** Has a service principal and subnets. */
const version = "2020-04-30";
/** Knows of neither. */
const previewVersion = "2019-12-31-preview";
/** Of the folders in which `openshift-install` runs. */
const privatePrefix = "openshift-rp-";
/** What the program makes beside them when it is about to make ignition configs. */
const configsBegun = "configs-begun";
/** As long as it is there, the program makes none. */
const configsHeld = "configs-held";

/** Some twenty starts of the program take that long on a machine that is busy with ten other things. */
const endedMsMax = 540_000;

/** What a cluster's user gets to see. */
export interface ShownCluster {
  /** `gone` once there is no such cluster. */
  readonly state: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export class AzureScene implements AsyncDisposable {
  readonly azure: LocalAzure;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  readonly #fleet: Fleet;
  /** Of the processes that it has started, the dead ones too. */
  readonly #processes: Set<RpProcess>;
  readonly #networkId: string;
  readonly #temporary: string;
  /** Secrets that the stand-in has held. */
  readonly #kept: ReadonlySet<string>;

  private constructor(options: {
    readonly azure: LocalAzure;
    readonly folder: ReturnType<typeof temporaryFolder>;
    readonly fleet: Fleet;
    readonly processes: readonly RpProcess[];
    readonly networkId: string;
    readonly temporary: string;
    readonly kept: ReadonlySet<string>;
  }) {
    this.azure = options.azure;
    this.#folder = options.folder;
    this.#fleet = options.fleet;
    this.#processes = new Set(options.processes);
    this.#networkId = options.networkId;
    this.#temporary = options.temporary;
    this.#kept = options.kept;
  }

  /** @param roles of its processes; one with all of them unless given. */
  static async open(
    roles: FleetRoles = { web: "frontend,forwarder,backend" },
  ): Promise<AzureScene> {
    const azure = await LocalAzure.start();
    const kept = new Set<string>();
    azure.state.onChanged(({ after }) => {
      for (const secret of secretsOf(after)) kept.add(planted(secret));
    });
    const folder = temporaryFolder();
    const temporary = join(folder.path, "tmp");
    mkdirSync(temporary);
    planted(azure.clusterApplication.clientSecret);
    planted(azure.providerApplication.clientSecret);
    const settings = {
      ...programSettings(azure, folder.path, {
        configsBegun: join(temporary, configsBegun),
        configsHeld: join(temporary, configsHeld),
      }),
      // so that a test doesn't wait
      AZURE_POLL_SECONDS: "0.1",
      DATA_DIR: folder.path,
      TMPDIR: temporary,
      LOG_LEVEL: "debug",
      // not less: whoever starts again and again on a busy machine would lose lease after lease, and with each an attempt
      HEARTBEAT_SECONDS: "0.4",
      LEASE_SECONDS: "2",
      VISIBILITY_SECONDS: "2.5",
    };
    const compiled = await compiledIn(folder.path, { engines: settings });
    const fleet = await Fleet.start({ ...settings, ...compiled }, roles);
    const processes = Object.keys(roles).map((name) => fleet.process(name));
    const networkId = azure.createNetwork(subscriptionId, "networks", "production");
    return new AzureScene({ azure, folder, fleet, processes, networkId, temporary, kept });
  }

  /** Kills the process and starts another in its place. */
  restart(): void {
    this.#processes.add(this.#fleet.process("web"));
    this.#fleet.restart("web");
  }

  /** The present process of this name. */
  process(name: string): RpProcess {
    return this.#fleet.process(name);
  }

  /** Ends all processes in good order. */
  async stop(): Promise<void> {
    this.#processes.add(this.#fleet.process("web"));
    for (const exit of await this.#fleet.stop()) expect(exit).toEqual({ code: 0, signal: null });
  }

  /**
   * Calls back once, when `openshift-install` makes ignition configs, and so has all secrets in its folder: it goes on only afterwards.
   * Each start of the process runs the program too, to look at its version; that doesn't count.
   */
  onConfigsBegun(begun: () => void): void {
    const held = join(this.#temporary, configsHeld);
    writeFileSync(held, "");
    const watcher = watchFolder(this.#temporary, { persistent: false }, (_event, name) => {
      if (name !== configsBegun) return;
      watcher.close();
      begun();
      rmSync(held);
    });
  }

  /** The folders in which `openshift-install` has run and that are left. */
  privateFolders(): readonly string[] {
    return readdirSync(this.#temporary).filter((name) => name.startsWith(privatePrefix));
  }

  /** Asks for a cluster with all that it needs. */
  async put(name: string): Promise<void> {
    const { clientId, clientSecret } = this.azure.clusterApplication;
    await this.#write(name, "PUT", {
      location: "eastus",
      properties: {
        clusterProfile: {
          pullSecret: JSON.stringify({ auths: { "quay.example": { auth: clusterPullSecret } } }),
          domain: name,
          resourceGroupId: `/subscriptions/${subscriptionId}/resourceGroups/${name}-machines`,
        },
        servicePrincipalProfile: { clientId, clientSecret },
        masterProfile: { subnetId: `${this.#networkId}/subnets/control-plane` },
        workerProfiles: [{ name: "worker", subnetId: `${this.#networkId}/subnets/workers` }],
      },
    });
  }

  /** Asks for a cluster by the version that knows no service principal. @returns where to ask for the operation. */
  async putWithoutPrincipal(name: string): Promise<string> {
    return this.#write(name, "PUT", JSON.parse(clusterBody) as object, previewVersion);
  }

  async setWorkerCount(name: string, count: number): Promise<void> {
    await this.#write(name, "PATCH", {
      properties: { workerProfiles: [{ name: "worker", count }] },
    });
  }

  async delete(name: string): Promise<void> {
    await this.#write(name, "DELETE");
  }

  /** Asks until its operation has ended, over the deaths of processes. */
  async untilEnded(name: string): Promise<ShownCluster> {
    let shown: ShownCluster | undefined;
    await expect
      .poll(
        async () => {
          shown = await this.#look(name);
          return shown?.state;
        },
        { timeout: endedMsMax, interval: 50 },
      )
      .toMatch(/^(Succeeded|Failed|gone)$/);
    if (shown === undefined) throw new Error("nothing was seen");
    return shown;
  }

  /** How an operation has ended, by the URL that the answer to its request named. */
  async operation(
    url: string,
  ): Promise<{ readonly status: string; readonly error?: { readonly code: string } }> {
    const answer = await fetch(url);
    return (await answer.json()) as Awaited<ReturnType<AzureScene["operation"]>>;
  }

  /**
   * What opens the cluster, as the document keeps it, once the action shows the same password. That answer may hold it: it is read
   * past the watch for secrets. From now on all of it is planted.
   */
  async credentials(name: string): Promise<{ readonly kubeconfig: string }> {
    using stored = new StoredState(this.#folder.path);
    const { adminKubeconfig = "", kubeadminPassword = "" } = stored.cluster(name).document.secrets;
    const shown = await answerTo(
      request(await this.#url(name, "/listCredentials"), { method: "POST" }),
    );
    expect(JSON.parse(shown)).toEqual({ kubeadminUsername: "kubeadmin", kubeadminPassword });
    planted(kubeadminPassword);
    const [, key = ""] = readKubeconfig(adminKubeconfig).clientCertificate?.key.split("\n") ?? [];
    planted(key);
    return { kubeconfig: adminKubeconfig };
  }

  /** Asks the cluster itself, as its kubeconfig says. */
  async nodes(kubeconfig: string): Promise<{ readonly workers: number; readonly masters: number }> {
    const { server, certificateAuthority, clientCertificate } = readKubeconfig(kubeconfig);
    const list = secureRequest(`${server}/api/v1/nodes`, {
      ca: certificateAuthority,
      cert: clientCertificate?.certificate,
      key: clientCertificate?.key,
    });
    const { items } = JSON.parse(await answerTo(list)) as {
      readonly items: readonly { readonly metadata: { readonly labels: object } }[];
    };
    const count = (role: string): number =>
      items.filter(({ metadata }) => `node-role.kubernetes.io/${role}` in metadata.labels).length;
    return { workers: count("worker"), masters: count("master") };
  }

  /** What exists in Azure now, by id, and what subnets have for a security group. */
  existing(): readonly string[] {
    return this.azure
      .resources()
      .map(({ id, properties }) => {
        const group = properties["networkSecurityGroup"] as { readonly id: string } | undefined;
        return group === undefined ? id : `${id} with ${group.id}`;
      })
      .toSorted();
  }

  /** Looks once more at all that was logged, for what was planted later. */
  watchLogs(): void {
    // of two storage accounts, and a signature
    expect(this.#kept.size).toBe(3);
    for (const { log, errors } of [...this.#processes, this.#fleet.process("web")]) {
      watch("the log", JSON.stringify(log));
      watch("standard error", errors);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fleet[Symbol.asyncDispose]();
    await this.azure[Symbol.asyncDispose]();
    // looks at the database for what was planted
    this.#folder[Symbol.dispose]();
  }

  async #url(name: string, action = "", apiVersion = version): Promise<string> {
    const { url } = await this.#fleet.untilUp("web");
    return (
      `${url}/subscriptions/${subscriptionId}/resourceGroups/g/providers/RedHat.OpenShift` +
      `/OpenShiftClusters/${name}${action}?api-version=${apiVersion}`
    );
  }

  /** @returns where to ask for the operation. */
  async #write(name: string, method: string, body?: object, apiVersion = version): Promise<string> {
    const answer = await fetch(await this.#url(name, "", apiVersion), {
      method,
      headers: { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.status, await answer.text()).toBeLessThan(300);
    return answer.headers.get("azure-asyncoperation") ?? "";
  }

  /** `undefined` when the process died over it. */
  async #look(name: string): Promise<ShownCluster | undefined> {
    try {
      const answer = await fetch(await this.#url(name));
      if (answer.status === 404) return { state: "gone", properties: {} };
      const { properties } = (await answer.json()) as {
        readonly properties: Readonly<Record<string, unknown>>;
      };
      return { state: String(properties["provisioningState"]), properties };
    } catch {
      return undefined;
    }
  }
}

/** The key of a storage account, the signature by which a machine reads its configuration. */
function secretsOf(resource: AzureResource | undefined): readonly string[] {
  const type = resource?.type.toLowerCase();
  if (resource === undefined) return [];
  if (type === "microsoft.storage/storageaccounts") return [storageAccountKey(resource.name)];
  const { customData = "" } = (resource["hidden"] ?? {}) as { readonly customData?: string };
  const configuration = Buffer.from(customData, "base64").toString("utf8");
  const [, signature] = /[?&]sig=([^&"\s\\]+)/.exec(configuration) ?? [];
  return signature === undefined ? [] : [decodeURIComponent(signature)];
}

/** Its text. */
async function answerTo(asked: ClientRequest): Promise<string> {
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const piece of response) text += String(piece);
  return text;
}
