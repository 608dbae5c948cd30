/**
 * Those who call: ARM and its users, each with one request at a time. They keep what they were promised and hold it against what
 * they see later; an answer that never came promises nothing.
 */
import { isDeepStrictEqual } from "node:util";
import type { ClusterDocument } from "../../src/model/document.ts";
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { MemoryStore } from "../store/memoryStore.ts";
import {
  origin,
  type ApiAnswer,
  type ApiRequest,
  type SimulatedProcess,
} from "./simulatedProcess.ts";
import type { Profile } from "./profile.ts";
import type { ClusterChange, Witness } from "./witness.ts";
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
type Outcome = ClientAnswer | undefined;

interface ClientAnswer extends ApiAnswer {
  /** A fault befell the process while it was asked. */
  readonly isExcused: boolean;
}

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
    const { profile, world } = this.#options;
    const path = clusterPath(subscriptionIds[0], names[0]);
    if (profile.announcements && world.chance.happens(0.2)) {
      return this.#announce(subscriptionIds[0], [names[0]]);
    }
    const isDelete = world.chance.happens(0.5);
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

  async #announce(subscription: string, among: readonly string[] = names): Promise<void> {
    const { world, profile } = this.#options;
    const state = world.chance.pick(["Registered", "Deleted", "Warned"]);
    const path = clusterPath(subscription, world.chance.pick(among));
    // now and then somebody's request is under way just then
    const other = world.chance.happens(0.3) ? this.#write(path, this.#put(path)) : undefined;
    if (other !== undefined) await world.pause(20 * world.chance.fraction());
    await Promise.all([other, this.#announceAs(state, subscription)]);
    if (world.chance.happens(0.6)) return;
    // somebody changes his mind while the clusters are being removed
    await world.pause(profile.intervalMs * world.chance.fraction());
    await this.#announceAs("Registered", subscription);
  }

  async #announceAs(state: string, subscription: string): Promise<void> {
    const { witness, world } = this.#options;
    const askedAt = world.elapsedMs;
    const answer = await this.#ask({
      method: "PUT",
      url: `/subscriptions/${subscription}?api-version=2.0`,
      body: { state, registrationDate: "2026-01-01T00:00:00Z", properties: {} },
    });
    this.#expect(answer, [200]);
    const isStored = witness.history.wasEver(
      subscription,
      askedAt,
      (document) => document?.kind === "subscription" && document.state === state,
    );
    if (answer?.status === 200 && !isStored) {
      witness.violated(`${state} was acknowledged and never stored`);
    }
  }

  async #write(path: string, request: ApiRequest): Promise<void> {
    const { witness, store, world, profile } = this.#options;
    const askedAt = world.elapsedMs;
    const answer = await this.#ask(request);
    // a DELETE wins in every state of a cluster
    const isRefused = request.method !== "DELETE" || codeOf(answer) === "InvalidSubscriptionState";
    this.#expect(answer, [200, 201, 202, 204, 404, ...(isRefused ? [409] : [])]);
    if (answer === undefined) return;
    const { method } = request;
    const begun = witness.begunByRequest.get(answer.requestId);
    if (answer.status >= 400 && answer.status < 500 && begun !== undefined) {
      witness.violated(`${method} was answered ${answer.status}, but it was committed`);
    }
    this.#isAsStored(path, answer, askedAt);
    if (answer.status >= 300) return;
    if (method !== "DELETE") this.#isAsAsked(request, answer, begun);
    const url = answer.headers?.["Azure-AsyncOperation"];
    if (url === undefined) return;
    this.#operations.push({ url: url.slice(origin.length), path });
    const operationId = new URL(url).pathname.split("/").at(-1);
    const record = store().documents.find(({ id }) => id === operationId);
    if (record?.kind !== "operation") {
      witness.violated(`${method} was promised an operation that is not stored`);
    } else if (
      record.resourceId !== path ||
      (method === "DELETE"
        ? record.operationKind !== "delete"
        : record.requestId !== answer.requestId)
    ) {
      witness.violated(`${method} was promised the operation of something else`);
    }
    if (profile.churn || world.chance.happens(0.4)) await this.#follow(path);
  }

  /** What is shown was stored at some moment since the question, and what is said to be missing was missing. */
  #isAsStored(path: string, { status, body }: ApiAnswer, askedAt: number): void {
    const { witness } = this.#options;
    const isMissing = status === 404 || status === 204;
    if (!isMissing && status !== 200 && status !== 201) return;
    const { etag, properties } = (body ?? {}) as {
      readonly etag?: string;
      readonly properties?: { readonly provisioningState?: string };
    };
    const wasThere = witness.history.wasEver(path, askedAt, (document) =>
      document?.kind === "cluster"
        ? !isMissing &&
          etag === `"${document.revision}"` &&
          properties?.provisioningState === shownState(document) &&
          isDeepStrictEqual(wishesOf(body), goalOf(document))
        : isMissing,
    );
    if (!wasThere) witness.violated(`an answer of ${status} is not what was stored at any moment`);
  }

  /** A change that was accepted is what was asked for, and nothing else. */
  #isAsAsked(
    { method, body: asked }: ApiRequest,
    { status, body }: ApiAnswer,
    begun: ClusterChange | undefined,
  ): void {
    const { witness } = this.#options;
    const wanted = wishesOf(asked);
    const found = status === 202 ? goalOf(begun?.after) : wishesOf(body);
    const former = begun?.before === undefined ? found : goalOf(begun.before);
    for (const wish of ["sign", "count"] as const) {
      const meant = wanted[wish] ?? (method === "PATCH" ? former[wish] : undefined);
      if (meant !== found[wish]) {
        witness.violated(
          `${method} should have made the ${wish} ${meant}, and made it ${found[wish]}`,
        );
      }
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
    const askedAt = this.#options.world.elapsedMs;
    const answer = await this.#ask({ method: "GET", url: `${path}?${query}` });
    this.#expect(answer, [200, 404]);
    if (answer !== undefined) this.#isAsStored(path, answer, askedAt);
    const body = (answer?.status === 200 ? answer.body : {}) as {
      readonly properties?: { readonly provisioningState?: string };
    };
    return body.properties?.provisioningState;
  }

  #expect(answer: Outcome, statuses: readonly number[]): void {
    if (answer === undefined || statuses.includes(answer.status)) return;
    if (
      answer.status === 503 &&
      answer.isExcused &&
      answer.headers?.["Retry-After"] !== undefined
    ) {
      return;
    }
    this.#options.witness.violated(
      `an answer of ${answer.status}: ${JSON.stringify(answer.body)?.slice(0, 300)}`,
    );
  }

  async #ask(request: ApiRequest): Promise<Outcome> {
    const { world, frontends } = this.#options;
    const all = frontends();
    if (all.length === 0) return undefined;
    const frontend = world.chance.pick(all);
    const askedAt = world.elapsedMs;
    const { promise, resolve } = Promise.withResolvers<ApiAnswer | undefined>();
    world.note(`${frontend.host.name} is asked ${request.method} ${request.url.slice(-60)}`);
    frontend.host.perform(() => {
      void frontend.request(request).then(resolve);
    });
    frontend.host.onDeath(() => resolve(undefined));
    const patience = world.after(patienceMs, () => resolve(undefined));
    const answer = await promise;
    patience.happen = undefined;
    if (answer === undefined) return undefined;
    this.answered += 1;
    world.note(`${frontend.host.name} answers ${answer.status}`);
    return { ...answer, isExcused: this.#options.witness.wasHit(frontend.host, askedAt) };
  }
}

function clusterPath(subscription: string, name: string): string {
  return (
    `/subscriptions/${subscription}/resourceGroups/group/providers/RedHat.OpenShift` +
    `/OpenShiftClusters/${name}`
  );
}

interface Wishes {
  readonly sign: string | undefined;
  readonly count: number | undefined;
}

/** What our requests ask for, in a request or in an answer. */
function wishesOf(body: unknown): Wishes {
  const { tags, properties } = body as {
    readonly tags?: { readonly sign?: string };
    readonly properties?: { readonly workerProfiles?: readonly { readonly count?: number }[] };
  };
  return { sign: tags?.sign, count: properties?.workerProfiles?.[0]?.count };
}

/** The clients' api-version has no word for what is being created. */
function shownState({ provisioningState }: ClusterDocument): string {
  return provisioningState === "Creating" ? "Updating" : provisioningState;
}

/** The same of a stored cluster. */
function goalOf(document: ClusterDocument | undefined): Wishes {
  return { sign: document?.cluster.tags?.["sign"], count: document?.cluster.workers[0]?.count };
}

function codeOf(answer: Outcome): string | undefined {
  const { error } = (answer?.body ?? {}) as { readonly error?: { readonly code?: string } };
  return error?.code;
}
