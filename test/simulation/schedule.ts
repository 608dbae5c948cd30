/**
 * One run of the whole resource provider under one seed: processes that come and go, clients that call, faults; then calm, in
 * which everything has to come to its end; then a look at what is left. A run that violates nothing has a digest by which its
 * replay is known.
 */
import type { ClusterDocument } from "../../src/model/document.ts";
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { Ids } from "../../src/runtime/ids.ts";
import { MemoryQueue } from "../queue/memoryQueue.ts";
import { MemoryStore } from "../store/memoryStore.ts";
import { Client } from "./clients.ts";
import { Cloud, workersOf } from "./cloud.ts";
import { Network } from "./network.ts";
import { profileOf, type Profile, type Role } from "./profile.ts";
import { SimulatedProcess, type Ground } from "./simulatedProcess.ts";
import { isDeleted, Witness, type ViolationError } from "./witness.ts";
import { World } from "./world.ts";

export interface ScheduleResult {
  readonly seed: number;
  /** What must never be seen, if it was. */
  readonly violation: ViolationError | undefined;
  readonly digest: number;
  /** How much happened. */
  readonly occurrences: number;
  readonly seen: Readonly<Witness["seen"]> & {
    readonly answers: number;
    readonly processes: number;
  };
  /** How long everything took to come to its end after the last fault, as a multiple of the message visibility. */
  readonly settledVisibilities: number;
}

/** Once faults have ceased, everything has come to its end within this many times the message visibility. */
const settledWithinVisibilities = 40;

/** Longer than a process takes to wake up and a call of its to arrive. */
const longestWayMs = 500;

/** More than any run takes; one that takes more goes round in circles. */
const occurrencesMax = 200_000;

export interface ScheduleOptions {
  /** Messages come twice or too early, but none is lost by itself. */
  readonly keepMessages?: boolean;
  /** Told of each line of the run, for people. */
  readonly onLine?: (line: string) => void;
}

/** Runs the schedule of a seed. */
export async function runSchedule(
  seed: number,
  options: ScheduleOptions = {},
): Promise<ScheduleResult> {
  return new Schedule(seed, options).run();
}

class Schedule {
  readonly #seed: number;
  readonly #world: World;
  readonly #profile: Profile;
  readonly #witness: Witness;
  readonly #store: MemoryStore;
  readonly #queue: MemoryQueue;
  readonly #network: Network;
  readonly #cloud: Cloud;
  readonly #ground: Ground;
  readonly #processes: SimulatedProcess[] = [];
  readonly #clients: Client[] = [];
  readonly #keepMessages: boolean;
  #isCalm = false;

  constructor(seed: number, { keepMessages = false, onLine }: ScheduleOptions) {
    this.#seed = seed;
    this.#keepMessages = keepMessages;
    const world = new World({ seed, ...(onLine === undefined ? {} : { onLine }) });
    const profile = profileOf(world.chance);
    const { weather, timing } = profile;
    const clock = { now: () => world.now };
    const witness = new Witness({ world, store: () => this.#store, leaseMs: timing.leaseMs });
    this.#world = world;
    this.#profile = profile;
    this.#witness = witness;
    this.#store = new MemoryStore({ clock, onCommit: (changes) => witness.onCommit(changes) });
    this.#queue = new MemoryQueue({ clock });
    this.#network = new Network({
      world,
      weather,
      longMs: timing.leaseMs,
      onFault: (host) => witness.excuse(host),
    });
    this.#cloud = new Cloud({
      world,
      weather,
      network: this.#network,
      watcher: witness,
      longMs: timing.leaseMs,
    });
    let lastId = 0;
    const ids: Ids = {
      guid: () => {
        lastId += 1;
        return `00000000-0000-4000-9000-${lastId.toString(16).padStart(12, "0")}`;
      },
    };
    this.#ground = {
      world,
      network: this.#network,
      store: this.#store,
      queue: this.#queue,
      cloud: this.#cloud,
      witness,
      profile,
      ids,
    };
  }

  async run(): Promise<ScheduleResult> {
    const { hosts, clients, timing } = this.#profile;
    for (const roles of hosts) this.#start(roles);
    let working = clients;
    for (let index = 0; index < clients; index += 1) {
      const client = new Client({
        world: this.#world,
        profile: this.#profile,
        witness: this.#witness,
        store: () => this.#store,
        frontends: () => this.#frontends(),
      });
      this.#clients.push(client);
      void client.run().then(() => (working -= 1));
    }
    this.#letFateAct();
    await this.#until(() => working === 0);
    this.#calmDown();
    // what is on its way, or kept there by a fault, may begin anything
    const calmAt = this.#world.now;
    await this.#until(() => !this.#network.hasLateCalls && this.#world.now - calmAt > longestWayMs);
    const calmSince = this.#world.now;
    const limitMs = settledWithinVisibilities * timing.visibilityMs;
    await this.#until(() => this.#isSettled() || this.#world.now - calmSince > limitMs);
    const settledMs = this.#world.now - calmSince;
    if (!this.#isSettled()) {
      this.#witness.violated(
        `not at rest ${limitMs} ms after the last fault: ${this.#unsettled()}`,
      );
    }
    // whatever is still on its way arrives, and changes nothing any more: calls only, as no message is left
    const quietSince = this.#world.now;
    await this.#until(() => this.#world.now - quietSince > timing.leaseMs);
    if (!this.#isSettled())
      this.#witness.violated(`at rest, but not for long: ${this.#unsettled()}`);
    this.#lookAtTheEnd();
    for (const { host } of this.#processes) host.kill();
    return {
      seed: this.#seed,
      violation: this.#witness.violation,
      digest: this.#world.digest,
      occurrences: this.#world.count,
      seen: {
        ...this.#witness.seen,
        answers: this.#clients.reduce((sum, { answered }) => sum + answered, 0),
        processes: this.#processes.length,
      },
      settledVisibilities: settledMs / timing.visibilityMs,
    };
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached() && this.#witness.violation === undefined) {
      if (!(await this.#world.next())) return this.#witness.violated("nothing happens any more");
      if (this.#world.count > occurrencesMax) {
        return this.#witness.violated(
          `more than ${occurrencesMax} occurrences: it goes in circles`,
        );
      }
    }
  }

  #start(roles: readonly Role[]): void {
    const name = `process ${this.#processes.length + 1}`;
    this.#world.note(`${name} starts as ${roles.join(", ")}`);
    const process = new SimulatedProcess(this.#ground, { name, roles });
    this.#processes.push(process);
    // whoever is gone is started anew, as a supervisor does
    process.host.onDeath(() => {
      const waitMs = this.#profile.timing.leaseMs * this.#world.chance.fraction();
      this.#world.after(waitMs, () => this.#start(roles));
    });
  }

  #frontends(): readonly SimulatedProcess[] {
    return this.#processes.filter(
      ({ host, roles, isStopping }) => !host.isDead && !isStopping && roles.includes("frontend"),
    );
  }

  #running(): readonly SimulatedProcess[] {
    return this.#processes.filter(({ host }) => !host.isDead);
  }

  /** What befalls processes and messages by itself. */
  #letFateAct(): void {
    const { chance } = this.#world;
    const { weather, timing } = this.#profile;
    this.#world.after(chance.between(0, 2_000), () => {
      if (this.#isCalm) return;
      const running = this.#running();
      if (running.length > 0) {
        const { host } = chance.pick(running);
        if (chance.happens(weather.partition)) {
          const durationMs = timing.leaseMs * chance.between(0.1, 3);
          this.#network.cutOff(host, chance.pick(["store", "queue"]), durationMs);
        }
        if (chance.happens(weather.stop)) chance.pick(running).stop();
      }
      if (chance.happens(weather.message)) this.#befallMessage();
      this.#letFateAct();
    });
  }

  #befallMessage(): void {
    const { chance } = this.#world;
    const { ids, bodies } = this.#queue;
    if (ids.length === 0) return;
    const fate = chance.pick(["lose", "repeat", "show"]);
    this.#world.note(`a message: ${fate}`);
    const index = chance.below(ids.length);
    const [id, body] = [ids[index], bodies[index]];
    if (id === undefined || body === undefined) return;
    if (fate === "lose") {
      if (!this.#keepMessages) this.#queue.lose(id);
    } else if (fate === "show") this.#queue.show(id);
    else void this.#queue.send(body, { delayMs: chance.fraction() * this.#profile.timing.leaseMs });
  }

  /** From here on nothing goes wrong any more. */
  #calmDown(): void {
    this.#world.note("calm");
    this.#isCalm = true;
    this.#network.calmDown();
    this.#cloud.calmDown();
    for (const { host } of this.#processes) host.goOn();
  }

  #isSettled(): boolean {
    return this.#unsettled() === undefined;
  }

  #unsettled(): string | undefined {
    const { documents, leases } = this.#store;
    for (const document of documents) {
      if (document.kind === "operation" && document.status === "InProgress") {
        return `the ${document.operationKind} ${document.id} of ${document.name} is in progress`;
      }
      if (document.kind !== "cluster") continue;
      if (!isTerminal(document.provisioningState)) return `${document.name} is not at rest`;
      if (document.unqueued) return `${document.name} waits for the forwarder`;
      if (this.#isOfDeletedSubscription(document))
        return `${document.name} outlives its subscription`;
    }
    if (this.#queue.ids.length > 0) return `a message is left: ${this.#queue.bodies[0]}`;
    const held = leases.find((name) => name.startsWith("cluster|"));
    return held === undefined ? undefined : `the lease ${held} is held`;
  }

  #isOfDeletedSubscription({ subscriptionId }: ClusterDocument): boolean {
    return this.#store.documents.some(
      (document) => isDeleted(document) && document.subscriptionId === subscriptionId,
    );
  }

  /** What the steps of the last operation found out is kept. */
  #lookAtNotes({ name, operation, installation }: ClusterDocument): void {
    const record = this.#store.documents.find(({ id }) => id === operation.id);
    if (record?.kind !== "operation") return;
    const lost = record.steps.filter((step) => !(step.name in installation));
    if (lost.length > 0) this.#witness.violated(`${name} lost what ${lost[0]?.name} found out`);
  }

  /** What exists outside is what the documents say. */
  #lookAtTheEnd(): void {
    const clusters = this.#store.documents.filter((document) => document.kind === "cluster");
    const incarnations = new Map(clusters.map((cluster) => [cluster.incarnationId, cluster]));
    for (const id of this.#witness.incarnations) {
      const cluster = incarnations.get(id);
      if (cluster?.provisioningState === "Succeeded") this.#lookAtNotes(cluster);
      // a call on its way from a superseded worker may have undone or outlived what came after
      const counts = ([resource]: readonly [string, number]): boolean =>
        !this.#witness.isLate(id, resource);
      const made = this.#cloud
        .resourcesOf(id)
        .map(({ name, value }) => [name, value] as const)
        .filter(counts)
        .toSorted(([one], [other]) => (one < other ? -1 : 1));
      if (cluster === undefined) {
        if (made.length > 0) this.#witness.violated(`a deleted cluster left ${made.join(" ")}`);
      } else if (cluster.provisioningState === "Succeeded") {
        const meant = (
          [
            ["group", 1],
            ["machines", 3],
            ["network", 1],
            ["workers", workersOf(cluster.cluster)],
          ] as const
        ).filter(counts);
        if (made.join(" ") !== meant.join(" ")) {
          this.#witness.violated(`${cluster.name} is ${made.join(" ")}, not ${meant.join(" ")}`);
        }
      }
    }
  }
}
