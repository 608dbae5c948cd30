/**
 * Those who call: ARM and its users, each with one request at a time. They keep what they were promised and hold it against what
 * they see later; an answer that never came promises nothing.
 */
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { MemoryStore } from "../store/memoryStore.ts";
import {
  origin,
  type ApiAnswer,
  type ApiRequest,
  type SimulatedProcess,
} from "./simulatedProcess.ts";
import type { Profile } from "./profile.ts";
import type { Witness } from "./witness.ts";
import type { World } from "./world.ts";

const subscriptionIds = [
  "00000000-0000-4000-8000-00000000000a",
  "00000000-0000-4000-8000-00000000000b",
] as const;
const names = ["one", "two"] as const;
const query = "api-version=2019-12-31-preview";
const pullSecret = Buffer.from('{"auths":{"registry":{"auth":"c2VjcmV0"}}}').toString("base64");

/** ARM gives up after a minute. */
const patienceMs = 60_000;

export interface ClientOptions {
  readonly world: World;
  readonly profile: Profile;
  readonly witness: Witness;
  readonly store: () => MemoryStore;
  /** The processes that take requests now. */
  readonly frontends: () => readonly SimulatedProcess[];
}

/** What became of a request; nothing came from a process that died or stood still. */
type Outcome = ApiAnswer | undefined;

export class Client {
  readonly #options: ClientOptions;
  /** Links of operations that were accepted, and the path of their cluster. */
  readonly #operations: { readonly url: string; readonly path: string }[] = [];
  /** How many requests came to an answer. */
  answered = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { world, profile } = this.#options;
    for (let turn = 0; turn < profile.requests; turn += 1) {
      await world.pause(profile.thinkMs * world.chance.fraction());
      await this.#act();
    }
  }

  async #act(): Promise<void> {
    const { profile, world } = this.#options;
    const { chance } = world;
    if (profile.churn) return this.#churn();
    const subscription = chance.happens(0.8) ? subscriptionIds[0] : subscriptionIds[1];
    const path = clusterPath(subscription, chance.pick(names));
    const drawn = chance.fraction();
    if (profile.announcements && drawn < 0.12) return this.#announce(subscription);
    if (drawn < 0.45) return this.#write(path, this.#put(path));
    if (drawn < 0.6) return this.#write(path, this.#patch(path));
    if (drawn < 0.78) return this.#write(path, { method: "DELETE", url: `${path}?${query}` });
    if (drawn < 0.9) return this.#poll();
    await this.#look(path);
  }

  /** The same name, again and again. */
  async #churn(): Promise<void> {
    const path = clusterPath(subscriptionIds[0], names[0]);
    const isDelete = this.#options.world.chance.happens(0.5);
    await this.#write(
      path,
      isDelete ? { method: "DELETE", url: `${path}?${query}` } : this.#put(path),
    );
  }

  #put(path: string): ApiRequest {
    const { chance } = this.#options.world;
    return {
      method: "PUT",
      url: `${path}?${query}`,
      body: {
        location: "eastus",
        tags: { sign: String(chance.below(4)) },
        properties: {
          pullSecret,
          workerProfiles: [
            {
              name: "worker",
              vmSize: "Standard_D2s_v3",
              diskSizeGB: 128,
              count: 3 + chance.below(3),
            },
          ],
        },
      },
    };
  }

  #patch(path: string): ApiRequest {
    const { chance } = this.#options.world;
    const url = `${path}?${query}`;
    return chance.happens(0.5)
      ? { method: "PATCH", url, body: { tags: { sign: String(chance.below(4)) } } }
      : {
          method: "PATCH",
          url,
          body: {
            properties: { workerProfiles: [{ name: "worker", count: 3 + chance.below(3) }] },
          },
        };
  }

  async #announce(subscription: string): Promise<void> {
    const { world, profile } = this.#options;
    await this.#announceAs(world.chance.pick(["Registered", "Deleted", "Warned"]), subscription);
    if (world.chance.happens(0.6)) return;
    // somebody changes his mind while the clusters are being removed
    await world.pause(profile.intervalMs * world.chance.fraction());
    await this.#announceAs("Registered", subscription);
  }

  async #announceAs(state: string, subscription: string): Promise<void> {
    const answer = await this.#ask({
      method: "PUT",
      url: `/subscriptions/${subscription}?api-version=2.0`,
      body: { state, registrationDate: "2026-01-01T00:00:00Z", properties: {} },
    });
    this.#expect(answer, [200]);
  }

  async #write(path: string, request: ApiRequest): Promise<void> {
    const { witness, store, world, profile } = this.#options;
    const answer = await this.#ask(request);
    // a DELETE wins in every state of a cluster
    const isRefused = request.method !== "DELETE" || codeOf(answer) === "InvalidSubscriptionState";
    this.#expect(answer, [200, 201, 202, 204, 400, 404, ...(isRefused ? [409] : [])]);
    if (answer === undefined) return;
    const url = answer.headers?.["Azure-AsyncOperation"];
    const isCommitted = witness.committedRequests.has(answer.requestId);
    if (answer.status >= 400 && answer.status < 500 && isCommitted) {
      witness.violated(`${request.method} was answered ${answer.status}, but it was committed`);
    }
    if (answer.status < 300 && url !== undefined) {
      this.#operations.push({ url: url.slice(origin.length), path });
      const operationId = new URL(url).pathname.split("/").at(-1);
      const known = store().documents.some(
        ({ kind, id }) => kind === "operation" && id === operationId,
      );
      if (!known)
        witness.violated(`${request.method} was promised an operation that is not stored`);
      if (profile.churn || world.chance.happens(0.4)) await this.#follow(path);
    }
  }

  /** As most clients do: they look until the cluster is at rest, or lose patience. */
  async #follow(path: string): Promise<void> {
    const { world, profile } = this.#options;
    for (let look = 0; look < 8; look += 1) {
      await world.pause(profile.timing.leaseMs * world.chance.fraction());
      const state = await this.#look(path);
      if (state === undefined || isTerminal(state as "Succeeded")) return;
    }
  }

  /** Once its operation has ended, the resource must show it (ARM-84). */
  async #poll(): Promise<void> {
    const { witness, world, store } = this.#options;
    if (this.#operations.length === 0) return;
    const { url, path } = world.chance.pick(this.#operations);
    const answer = await this.#ask({ method: "GET", url });
    this.#expect(answer, [200]);
    const { status } = (answer?.body ?? {}) as { readonly status?: string };
    if (status === undefined || status === "InProgress") return;
    const operationId = new URL(url, origin).pathname.split("/").at(-1);
    const shown = await this.#look(path);
    if (shown === undefined || isTerminal(shown as "Succeeded")) return;
    const current = store().documents.find(
      (document) => document.kind === "cluster" && document.operation.id === operationId,
    );
    if (current !== undefined) witness.violated(`${status} was told before the cluster showed it`);
  }

  /** @returns the provisioning state, when there is one. */
  async #look(path: string): Promise<string | undefined> {
    const answer = await this.#ask({ method: "GET", url: `${path}?${query}` });
    this.#expect(answer, [200, 404]);
    const body = (answer?.status === 200 ? answer.body : {}) as {
      readonly properties?: { readonly provisioningState?: string };
    };
    return body.properties?.provisioningState;
  }

  #expect(answer: Outcome, statuses: readonly number[]): void {
    if (answer === undefined || statuses.includes(answer.status)) return;
    if (answer.status === 503 && answer.headers?.["Retry-After"] !== undefined) return;
    this.#options.witness.violated(
      `an answer of ${answer.status}: ${JSON.stringify(answer.body)?.slice(0, 300)}`,
    );
  }

  async #ask(request: ApiRequest): Promise<Outcome> {
    const { world, frontends } = this.#options;
    const all = frontends();
    if (all.length === 0) return undefined;
    const frontend = world.chance.pick(all);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    world.note(`${frontend.host.name} is asked ${request.method} ${request.url.slice(-60)}`);
    frontend.host.perform(() => {
      void frontend.request(request).then(resolve);
    });
    frontend.host.onDeath(() => resolve(undefined));
    const patience = world.after(patienceMs, () => resolve(undefined));
    const answer = await promise;
    patience.happen = undefined;
    if (answer !== undefined) {
      this.answered += 1;
      world.note(`${frontend.host.name} answers ${answer.status}`);
    }
    return answer;
  }
}

function clusterPath(subscription: string, name: string): string {
  return (
    `/subscriptions/${subscription}/resourceGroups/group/providers/RedHat.OpenShift` +
    `/OpenShiftClusters/${name}`
  );
}

function codeOf(answer: Outcome): string | undefined {
  const { error } = (answer?.body ?? {}) as { readonly error?: { readonly code?: string } };
  return error?.code;
}
