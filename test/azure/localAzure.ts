/**
 * A stand-in for Azure in this process: one https server on loopback that answers as Entra ID, Azure Resource Manager, the blob
 * service and a cluster's API would, as far as an installer calls them. It keeps everything in memory and must never be
 * taken for the services: no program of `src/` can reach it unless it is told its address and its authority.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { TestAuthority } from "../listener/testAuthority.ts";
import { groupId } from "./armIds.ts";
import {
  AzureError,
  type AzureAnswer,
  type AzureRequest,
  type AzureService,
  type AzureSurroundings,
} from "./azureService.ts";
import { BlobService } from "./blobService.ts";
import { ClusterApi } from "./clusterApi.ts";
import { AzureState, type AzureResource } from "./azureState.ts";
import { Entra, type AzureApplication } from "./entra.ts";
import {
  FaultInjection,
  type AzureCall,
  type BackgroundHook,
  type CallHook,
  type FaultRule,
} from "./faults.ts";
import { StorageAccountKeys } from "./storageAccountKeys.ts";
import { ResourceManager } from "./resourceManager.ts";
import { StandInControl } from "./standInControl.ts";
import { SubscriptionConditions } from "./subscriptionConditions.ts";

export interface LocalAzureOptions {
  /** The machine's unless given. */
  readonly clock?: Clock;
  /** How long what Azure does in the background takes; 20 unless given. */
  readonly operationMs?: number;
  /** From the last of its machines until a cluster is complete; 50 unless given. */
  readonly clusterReadyMs?: number;
  /** Any free one unless given. */
  readonly port?: number;
}

const operatorSubscription = "aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb";
const authorityLifetimeMs = 30 * 24 * 3_600_000;

export class LocalAzure implements AsyncDisposable {
  readonly #server: Server;
  readonly #surroundings: AzureSurroundings;
  readonly #services: readonly AzureService[];
  readonly #stop: AbortController;
  readonly #faults = new FaultInjection();
  readonly #stalled: IncomingMessage[] = [];
  readonly #entra: Entra;
  readonly #resourceManager: ResourceManager;
  /** What holds in all subscriptions; tests change it. */
  readonly conditions = new SubscriptionConditions();
  /** The resource provider's own application. */
  readonly providerApplication: AzureApplication;
  /** The application of a cluster's service principal. */
  readonly clusterApplication: AzureApplication;

  private constructor(server: Server, surroundings: AzureSurroundings, stop: AbortController) {
    this.#server = server;
    this.#surroundings = surroundings;
    this.#stop = stop;
    this.#entra = new Entra(surroundings);
    this.providerApplication = this.#entra.register();
    this.clusterApplication = this.#entra.register();
    this.#resourceManager = new ResourceManager(surroundings, {
      entra: this.#entra,
      conditions: this.conditions,
      faults: this.#faults,
    });
    const blobs = new BlobService(surroundings);
    this.#services = [
      new StandInControl(surroundings.state, this.#faults),
      this.#entra,
      blobs,
      new ClusterApi(surroundings, blobs, {
        signsIn: (clientId, clientSecret) => this.#entra.signsIn(clientId, clientSecret),
        pullsWith: (pullSecret) => !this.conditions.refusedPullSecrets.has(pullSecret),
      }),
      this.#resourceManager,
    ];
    server.on("request", (message: IncomingMessage, response: ServerResponse) => {
      void this.#serve(message, response);
    });
  }

  static async start(options: LocalAzureOptions = {}): Promise<LocalAzure> {
    const notAfter = new Date(Date.now() + authorityLifetimeMs);
    const authority = await TestAuthority.create({
      // a name of its own: whoever trusts several looks the right one up by it
      subject: [{ CN: [`stand-in for Azure ${randomUUID()}`] }],
      purpose: "authority",
      notAfter,
    });
    const identity = await authority.issue({
      subject: [{ CN: ["localhost"] }],
      purpose: "server",
      notAfter,
    });
    // certificates of clients are asked for and left to the services: each cluster has an authority of its own
    const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: false });
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    const stop = new AbortController();
    return new LocalAzure(
      server,
      {
        state: new AzureState(),
        accountKeys: new StorageAccountKeys(),
        clock: options.clock ?? systemClock,
        url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        authority,
        operationMs: options.operationMs ?? 20,
        clusterReadyMs: options.clusterReadyMs ?? 50,
        stopped: stop.signal,
      },
      stop,
    );
  }

  /** Without a slash at its end. */
  get url(): string {
    return this.#surroundings.url;
  }

  get caCertificatePem(): string {
    return this.#surroundings.authority.cert;
  }

  get state(): AzureState {
    return this.#surroundings.state;
  }

  /** The resource provider's own, where the zone of `createDnsZone` lies. */
  get dnsSubscriptionId(): string {
    return operatorSubscription;
  }

  get tenantId(): string {
    return this.#entra.tenantId;
  }

  /** Registers another application, for the service principal of a cluster. */
  registerApplication(): AzureApplication {
    return this.#entra.register();
  }

  /** Gives the application of a cluster another secret, as its user does; the one before is refused. */
  renewSecret(application: AzureApplication): AzureApplication {
    return this.#entra.renewSecret(application);
  }

  /** Gives a storage account another key, as somebody may at any time; what the one before has signed is refused. */
  changeAccountKey(account: string): void {
    this.#surroundings.accountKeys.change(account);
  }

  /** Every request so far, in the order in which they came. */
  get calls(): readonly AzureCall[] {
    return this.#faults.calls;
  }

  /** Lets requests that match fail, in the order of the rules. */
  fail(rule: FaultRule): void {
    this.#faults.fail(rule);
  }

  /** Forgets the rules that have not been used up. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /**
   * Watches every request, before and after it takes effect.
   *
   * @returns ends it.
   */
  onCall(hook: CallHook): () => void {
    return this.#faults.onCall(hook);
  }

  /**
   * Watches, and may hold back, what goes on after a request is answered.
   *
   * @returns ends it.
   */
  onBackground(hook: BackgroundHook): () => void {
    return this.#faults.onBackground(hook);
  }

  /**
   * Makes the zone below which clusters' domains lie, as an operator of the resource provider would.
   *
   * @returns its id.
   */
  createDnsZone(name: string): string {
    const group = this.#createGroup(operatorSubscription, "dns");
    const id = `${group}/providers/Microsoft.Network/dnsZones/${name}`;
    return this.#resourceManager.create(id, { location: "global" }).id;
  }

  /**
   * Makes a virtual network with two subnets, `control-plane` and `workers`, as a user would for a cluster.
   *
   * @returns its id.
   */
  createNetwork(subscriptionId: string, group: string, name: string): string {
    const id = `${this.#createGroup(subscriptionId, group)}/providers/Microsoft.Network/virtualNetworks/${name}`;
    const subnet = (subnetName: string, addressPrefix: string) => ({
      name: subnetName,
      properties: { addressPrefix },
    });
    return this.#resourceManager.create(id, {
      location: "eastus",
      properties: {
        addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
        subnets: [subnet("control-plane", "10.0.0.0/24"), subnet("workers", "10.0.1.0/24")],
      },
    }).id;
  }

  #createGroup(subscriptionId: string, name: string): string {
    const id = groupId(subscriptionId, name);
    this.state.put({
      id,
      name,
      type: "Microsoft.Resources/resourceGroups",
      location: "eastus",
      properties: { provisioningState: "Succeeded" },
    });
    return id;
  }

  /** Every resource that would exist, resource groups included. */
  resources(): AzureResource[] {
    return this.state.list();
  }

  /** Reads on what was left unread, as the end of a connection shows only then; it stays without an answer. */
  readStalled(): void {
    for (const message of this.#stalled.splice(0)) message.resume();
  }

  /** How many connections clients hold open. */
  async connections(): Promise<number> {
    return await promisify(this.#server.getConnections.bind(this.#server))();
  }

  /** Makes clients of this thread trust the stand-in, as NODE_EXTRA_CA_CERTS does for a program. */
  trust(): void {
    setDefaultCACertificates([...getCACertificates("default"), this.caCertificatePem]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the stand-in for Azure stopped"));
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const begun = {
        method: message.method ?? "GET",
        url: addressOf(this.url, message.url ?? "/"),
      };
      if (this.#faults.takeArrival(begun)) {
        this.#faults.begin(begun);
        this.#stalled.push(message);
        return;
      }
      const request = await this.#read(message);
      if (request.url.pathname.startsWith("/stand-in/")) {
        this.#send(response, await this.#answer(request));
        return;
      }
      const call = this.#faults.begin(request);
      const answer = await this.#answerOrFault(request, call);
      if (answer === "hang") return;
      if (answer === "drop") {
        response.destroy();
        return;
      }
      if ("stalled" in answer) {
        this.#sendHalf(response, answer.stalled);
        return;
      }
      call.status = answer.status;
      this.#send(response, answer);
    } catch {
      // the caller is gone: there is nobody to answer
      response.destroy();
    }
  }

  async #read(message: IncomingMessage): Promise<AzureRequest> {
    const parts: Buffer[] = [];
    for await (const part of message) parts.push(part as Buffer);
    const certificate = (message.socket as TLSSocket).getPeerCertificate().raw as
      | Buffer
      | undefined;
    return {
      method: message.method ?? "GET",
      url: addressOf(this.url, message.url ?? "/"),
      headers: message.headers,
      body: Buffer.concat(parts),
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    };
  }

  async #answerOrFault(
    request: AzureRequest,
    call: AzureCall,
  ): Promise<AzureAnswer | { readonly stalled: AzureAnswer } | "hang" | "drop"> {
    const fault = this.#faults.take(call);
    if (fault?.kind === "hang") return "hang";
    if (fault?.kind === "answer") return fault.error.answer();
    const lost = fault?.kind === "lost" ? fault.lost : undefined;
    if (lost === "request" || (await this.#faults.tell(call, "before"))) return "drop";
    const answer = await this.#answer(request);
    if ((await this.#faults.tell(call, "after")) || lost === "answer") {
      answer.afterSent?.();
      return "drop";
    }
    return fault?.kind === "stall" ? { stalled: answer } : answer;
  }

  async #answer(request: AzureRequest): Promise<AzureAnswer> {
    try {
      for (const service of this.#services) {
        const answer = await service.handle(request);
        if (answer !== undefined) return answer;
      }
      throw new AzureError(
        404,
        "NotImplementedByStandIn",
        `nothing answers ${request.method} ${request.url.pathname}`,
      );
    } catch (error) {
      if (error instanceof AzureError) return error.answer();
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return new AzureError(500, "StandInFault", text).answer();
    }
  }

  #sendHalf(response: ServerResponse, { status, headers, body, afterSent }: AzureAnswer): void {
    const whole = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    response.writeHead(status, { ...headers, "content-length": whole.length });
    response.write(whole.subarray(0, whole.length / 2));
    afterSent?.();
  }

  #send(response: ServerResponse, answer: AzureAnswer): void {
    const { body } = answer;
    const isJson = body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
    response.writeHead(answer.status, {
      ...(isJson ? { "content-type": "application/json; charset=utf-8" } : {}),
      ...answer.headers,
    });
    response.end(isJson ? JSON.stringify(body) : body);
    answer.afterSent?.();
  }
}

/** Put together as text: a path with two slashes at its start would be taken for a host. */
function addressOf(server: string, path: string): URL {
  const url = new URL(`${server}${path}`);
  if (/^\/+(subscriptions|providers)\//i.test(url.pathname)) {
    // as Azure Resource Manager takes what clients make of a scope that begins with a slash, or of no parent
    url.pathname = url.pathname.replaceAll(/\/{2,}/g, "/");
  }
  return url;
}
