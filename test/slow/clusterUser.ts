/**
 * A user of one cluster, who creates, scales, tags, deletes and re-creates it while the frontend is killed again and again.
 * Every write carries a tag of its own, so that a GET tells which one the cluster shows. A call without an answer is made
 * again; whether it has taken effect is seen by that tag. What was accepted must show from then on.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { clusterUrl } from "../process/clusterCalls.ts";
import type { RpProcess } from "../process/rpProcess.ts";
import type { SeededChance } from "../process/seededChance.ts";

/** What the user wants the cluster to be; absent once it is to be gone. */
interface Goal {
  readonly write: string;
  readonly workers: number;
}

interface Seen {
  /** `gone` when there is no cluster. */
  readonly state: string;
  readonly write?: string | undefined;
  readonly workers?: number | undefined;
}

interface ShownCluster {
  readonly tags?: { readonly write?: string };
  readonly properties?: {
    readonly provisioningState: string;
    readonly workerProfiles: readonly { readonly count: number }[];
  };
}

/** How often what a test is about has happened to users, each once at least if it is to prove anything. */
export interface UserCounts {
  creates: number;
  scales: number;
  tags: number;
  deletes: number;
  /** Writes that had to be made again, as nobody knew what had become of them. */
  unanswered: number;
}

const pullSecret = Buffer.from('{"auths":{"quay.example":{"auth":"YTpi"}}}\n').toString("base64");
const pollMs = 100;

export class ClusterUser {
  readonly name: string;
  readonly #web: () => Promise<RpProcess>;
  readonly #chance: SeededChance;
  readonly #counts: UserCounts;
  #goal: Goal | undefined;
  #writes = 0;
  #isWriting = false;
  /** Of the present incarnation, once it has any. */
  #password: string | undefined;

  constructor(options: {
    readonly name: string;
    /** The frontend, once it runs. */
    readonly web: () => Promise<RpProcess>;
    readonly chance: SeededChance;
    readonly counts: UserCounts;
  }) {
    this.name = options.name;
    this.#web = options.web;
    this.#chance = options.chance;
    this.#counts = options.counts;
  }

  /** What was accepted last: the tag and the number of workers, or nothing when the cluster is to be gone. */
  get goal(): Goal | undefined {
    return this.#goal;
  }

  /** A write is under way that has no answer yet. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Makes one write after the other, until the signal is aborted. */
  async live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#goal === undefined) {
        await this.#create();
      } else if (this.#chance.is(0.04)) {
        // perhaps in the middle of an operation, which it cancels
        await this.#delete();
      } else if (isEnded(await this.#seen())) {
        if (this.#chance.is(0.5)) await this.#scale();
        else await this.#tag();
      } else {
        await sleep(pollMs);
      }
    }
  }

  /** Waits until the last accepted write has come to its end. */
  async settle(): Promise<void> {
    for (;;) {
      const seen = await this.#seen();
      if (isEnded(seen)) break;
      await sleep(pollMs);
    }
    if (this.#goal !== undefined) await this.#checkPassword();
  }

  async #create(): Promise<void> {
    const goal = this.#nextGoal();
    await this.#write({
      method: "PUT",
      body: {
        location: "eastus",
        tags: { write: goal.write },
        properties: { pullSecret, workerProfiles: [{ name: "worker", count: goal.workers }] },
      },
      goal,
    });
    this.#counts.creates += 1;
  }

  async #scale(): Promise<void> {
    await this.#checkPassword();
    const goal = this.#nextGoal();
    const { write, workers } = goal;
    const properties = { workerProfiles: [{ name: "worker", count: workers }] };
    await this.#write({ method: "PATCH", body: { tags: { write }, properties }, goal });
    this.#counts.scales += 1;
  }

  async #tag(): Promise<void> {
    const { write } = this.#nextGoal();
    const goal = { write, workers: this.#goal?.workers ?? 0 };
    await this.#write({ method: "PATCH", body: { tags: { write } }, goal });
    this.#counts.tags += 1;
  }

  async #delete(): Promise<void> {
    await this.#write({ method: "DELETE", goal: undefined });
    this.#password = undefined;
    this.#counts.deletes += 1;
  }

  #nextGoal(): Goal {
    this.#writes += 1;
    return { write: `${this.name}-${this.#writes}`, workers: this.#chance.between(3, 20) };
  }

  /** Asks until it is accepted, then sees that it shows. */
  async #write(wanted: {
    readonly method: "PUT" | "PATCH" | "DELETE";
    readonly body?: object;
    readonly goal: Goal | undefined;
  }): Promise<void> {
    const { method, body, goal } = wanted;
    for (;;) {
      this.#isWriting = true;
      const response = await this.#call(method, { body });
      this.#isWriting = false;
      if (response.status < 300) break;
      expect(response.status, `${method} of ${this.name}: ${response.text}`).toSatisfy(isRefusal);
      // an earlier try, which had no answer, may be what it is busy with
      const seen = await this.#look();
      if (shows(seen, goal)) break;
      await sleep(pollMs);
    }
    this.#goal = goal;
    await this.#seen();
  }

  /** The cluster as it shows now, which must be what was accepted last. */
  async #seen(): Promise<Seen> {
    const seen = await this.#look();
    const accepted = `${this.name} shows what was accepted last: ${JSON.stringify(this.#goal)}`;
    expect(shows(seen, this.#goal), `${accepted}, not ${JSON.stringify(seen)}`).toBe(true);
    expect(seen.state, `the state of ${this.name}`).not.toBe("Failed");
    return seen;
  }

  async #look(): Promise<Seen> {
    const { status, text } = await this.#call("GET");
    if (status === 404) return { state: "gone" };
    expect(status, text).toBe(200);
    const cluster = JSON.parse(text) as ShownCluster;
    return {
      state: String(cluster.properties?.provisioningState),
      write: cluster.tags?.write,
      workers: cluster.properties?.workerProfiles[0]?.count,
    };
  }

  /** A cluster keeps its password for as long as it lives; another of its name has another. */
  async #checkPassword(): Promise<void> {
    const { status, text } = await this.#call("POST", { action: "/listCredentials" });
    expect(status, text).toBe(200);
    const { kubeadminPassword } = JSON.parse(text) as { readonly kubeadminPassword: string };
    this.#password ??= kubeadminPassword;
    expect(kubeadminPassword, `the password of ${this.name}`).toBe(this.#password);
  }

  /** Calls until there is an answer: the frontend may be killed at any moment. */
  async #call(
    method: string,
    request: {
      readonly action?: string;
      readonly body?: object | undefined;
    } = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { action = "", body } = request;
    for (;;) {
      const web = await this.#web();
      try {
        const response = await fetch(clusterUrl(web, `${this.name}${action}`), {
          method,
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
        });
        return { status: response.status, text: await response.text() };
      } catch {
        if (method !== "GET") this.#counts.unanswered += 1;
      }
    }
  }
}

/** Nothing runs on the cluster any more. */
function isEnded({ state }: Seen): boolean {
  return state === "gone" || state === "Succeeded" || state === "Failed";
}

/** Something runs on it, or the database could not serve. */
function isRefusal(status: number): boolean {
  return status === 409 || status === 503;
}

function shows(seen: Seen, goal: Goal | undefined): boolean {
  if (goal === undefined) return seen.state === "gone" || seen.state === "Deleting";
  return seen.state !== "Deleting" && seen.write === goal.write && seen.workers === goal.workers;
}
