/**
 * A fleet of many processes on the Azure engines, with many clusters at rest and operations that arrive by a rate: forwarders
 * and backends are the product's, store and queue are those of the simulation, with the throughput that the services grant. It
 * says what limits first; that nothing breaks under faults of every kind is `schedule.ts`'s to show.
 */
import { Backend } from "../../src/backend/backend.ts";
import { Forwarder } from "../../src/forwarder/forwarder.ts";
import type { Installer, StepContext, StepResult } from "../../src/installers/installer.ts";
import { written, type ClusterDocument } from "../../src/model/document.ts";
import { clusterKey } from "../../src/model/resourceId.ts";
import { startUpdate } from "../../src/model/startOperation.ts";
import type { Timing } from "../../src/model/timing.ts";
import type { Ids, Random } from "../../src/runtime/ids.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { Nudge } from "../../src/runtime/nudge.ts";
import {
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type Store,
} from "../../src/store/store.ts";
import { MemoryQueue } from "../queue/memoryQueue.ts";
import { clusterDocument } from "../store/documents.ts";
import { MemoryStore } from "../store/memoryStore.ts";
import { AzureServices, type ServiceCounts, type ServiceFigures } from "./azureServices.ts";
import { busySubscription, FleetWatch } from "./fleetWatch.ts";
import { Host } from "./host.ts";
import type { Role } from "./profile.ts";
import { World } from "./world.ts";

export interface FleetOptions extends ServiceFigures {
  readonly seed: number;
  readonly instances: number;
  /** At rest when the run begins. */
  readonly clusters: number;
  /** Among which they are divided: each is a logical partition. */
  readonly subscriptions: number;
  /** In the first of these lie that many more: of each hundred clusters so many, and so many of each hundred operations. */
  readonly busyPercent: number;
  /** Operations that begin in a second, on average. */
  readonly rate: number;
  /** For how long they do. */
  readonly seconds: number;
  /** Of each backend, `WORKERS`. */
  readonly workers: number;
  /** Of an operation, besides the one that waits. */
  readonly steps: number;
  /** What each holds its worker for. */
  readonly stepMs: number;
  /** How often the step that waits is begun again, and after how long. */
  readonly waits: number;
  readonly waitMs: number;
  /** Each process does but one thing: two forward, a fifth are frontends, the others work. Else each does everything. */
  readonly split: boolean;
  /** Between two deaths of processes, which take turns; `Infinity`: nobody dies. */
  readonly crashSeconds: number;
}

export interface FleetReport {
  readonly accepted: number;
  readonly ended: number;
  /** Requests that were answered 503. */
  readonly refused: number;
  /** Ended in a second, in the second half of the time in which operations begin. */
  readonly endedPerSecond: number;
  /** What is under way, and what waits for the forwarder, when the last has begun. */
  readonly runningAtEnd: number;
  readonly unqueuedAtEnd: number;
  /** From then until everything has ended. */
  readonly settledSeconds: number;
  readonly watch: Pick<
    FleetWatch,
    | "startMs"
    | "quietStartMs"
    | "failoverMs"
    | "forwarderFailoverMs"
    | "passes"
    | "violations"
    | "claims"
  >;
  /** Of the second half, in a second. */
  readonly perSecond: ServiceCounts;
  readonly deaths: number;
  /** Simulated, and what has happened. */
  readonly simulatedSeconds: number;
  readonly occurrences: number;
}

/** The settings' defaults on the Azure engines. */
const timing: Timing = { heartbeatMs: 10_000, leaseMs: 45_000, visibilityMs: 60_000 };
const polling = { intervalMs: 500, idleIntervalMs: 5_000 };
const graceMs = 20_000;
const location = "eastus";
/** How long a supervisor takes to start a process again. */
const restartMs = 5_000;
/** The longest that everything may take to come to its end, as a multiple of the message visibility. */
const settledWithinVisibilities = 40;

/**
 * Runs it to its end, when nothing is under way any more.
 *
 * @param onSecond told of each simulated second that has passed.
 */
export async function runFleet(
  options: FleetOptions,
  onSecond?: (seconds: number) => void,
): Promise<FleetReport> {
  const fleet = new Fleet(options, onSecond);
  await fleet.fill();
  return fleet.run();
}

interface FleetProcess {
  readonly host: Host;
  readonly roles: readonly Role[];
  readonly committed: Nudge;
  readonly store: Store;
}

class Fleet {
  readonly #options: FleetOptions;
  readonly #world: World;
  readonly #watch: FleetWatch;
  readonly #store: MemoryStore;
  readonly #queue: MemoryQueue;
  readonly #services: AzureServices;
  readonly #random: Random;
  readonly #ids: Ids;
  readonly #processes: FleetProcess[] = [];
  /** The numbers of the clusters on which an operation of this run was begun: each has one at the most. */
  readonly #busy = new Set<number>();
  readonly #onSecond: ((seconds: number) => void) | undefined;
  #toldSeconds = 0;
  #refused = 0;
  #deaths = 0;
  #isOver = false;

  constructor(options: FleetOptions, onSecond?: (seconds: number) => void) {
    this.#options = options;
    this.#onSecond = onSecond;
    const world = new World({ seed: options.seed });
    const watch = new FleetWatch(world);
    const { chance } = world;
    this.#world = world;
    this.#watch = watch;
    this.#random = {
      fraction: () => chance.fraction(),
      integer: (limit) => chance.below(limit),
      bytes: (count) => Uint8Array.from({ length: count }, () => chance.below(256)),
    };
    const clock = { now: () => world.now };
    this.#store = new MemoryStore({
      clock,
      onCommit: (changes) => {
        this.#services.committed(changes);
        watch.onCommit(this.#services.actor, changes);
      },
    });
    this.#queue = new MemoryQueue({ clock });
    this.#services = new AzureServices({
      world,
      figures: options,
      store: this.#store,
      queue: this.#queue,
      watcher: watch,
      random: this.#random,
    });
    let lastId = 0;
    this.#ids = {
      guid: () => {
        lastId += 1;
        return `00000000-0000-4000-9000-${lastId.toString(16).padStart(12, "0")}`;
      },
    };
  }

  /** Clusters that came to rest long ago. */
  async fill(): Promise<void> {
    for (let number = 0; number < this.#options.clusters; number += 1) {
      const document = clusterDocument(`cluster-${number}`, {
        subscriptionId: this.#partitionOf(number),
        provisioningState: "Succeeded",
        unqueued: false,
      });
      await this.#store.commit(document.subscriptionId, [
        { create: { ...document, applied: document.cluster } },
      ]);
    }
  }

  async run(): Promise<FleetReport> {
    const { instances, seconds, crashSeconds } = this.#options;
    const world = this.#world;
    for (let index = 0; index < instances; index += 1) this.#start(`process ${index}`, index);
    this.#letArrive();
    if (crashSeconds !== Infinity) this.#letDie(0);
    const half = (seconds * 1_000) / 2;
    await this.#until(() => world.elapsedMs >= half);
    const before = { counts: this.#services.counts, ended: this.#watch.ended };
    await this.#until(() => world.elapsedMs >= 2 * half);
    const after = { counts: this.#services.counts, ended: this.#watch.ended };
    this.#isOver = true;
    const { running: runningAtEnd, unqueued: unqueuedAtEnd } = this.#watch;
    const limitMs = 2 * half + settledWithinVisibilities * timing.visibilityMs;
    await this.#until(() => this.#isSettled() || world.elapsedMs > limitMs);
    const settledSeconds = (world.elapsedMs - 2 * half) / 1_000;
    this.#lookAtTheEnd();
    for (const { host } of this.#processes) host.kill();
    const { accepted, ended } = this.#watch;
    return {
      accepted,
      ended,
      refused: this.#refused,
      endedPerSecond: (after.ended - before.ended) / (half / 1_000),
      runningAtEnd,
      unqueuedAtEnd,
      settledSeconds,
      watch: this.#watch,
      perSecond: perSecond(before.counts, after.counts, half / 1_000),
      deaths: this.#deaths,
      simulatedSeconds: world.elapsedMs / 1_000,
      occurrences: world.count,
    };
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      if (!(await this.#world.next())) throw new Error("nothing happens any more");
      const seconds = Math.floor(this.#world.elapsedMs / 1_000);
      if (seconds === this.#toldSeconds) continue;
      this.#toldSeconds = seconds;
      this.#onSecond?.(seconds);
    }
  }

  #isSettled(): boolean {
    return this.#watch.running === 0 && this.#queue.size === 0 && this.#heldLease() === undefined;
  }

  /** One that could not be released runs out by itself. */
  #heldLease(): string | undefined {
    return this.#store.leases.find((name) => name.startsWith("cluster|"));
  }

  #lookAtTheEnd(): void {
    const { violations, accepted, ended, running } = this.#watch;
    if (running > 0) violations.push(`${running} operations have not ended`);
    if (accepted !== ended + running) violations.push(`${accepted} began and ${ended} ended`);
    if (this.#queue.size > 0) violations.push(`${this.#queue.size} messages are left`);
    let records = 0;
    for (const document of this.#store.documents) {
      if (document.kind === "operation") {
        records += 1;
        if (document.status !== "Succeeded")
          violations.push(`${document.id} is ${document.status}`);
      } else if (document.kind === "cluster" && document.provisioningState !== "Succeeded") {
        violations.push(`${document.name} is ${document.provisioningState}`);
      }
    }
    if (records !== accepted) violations.push(`of ${accepted} operations ${records} have a record`);
    const held = this.#heldLease();
    if (held !== undefined) violations.push(`the lease ${held} is held`);
  }

  #partitionOf(number: number): string {
    const { clusters, subscriptions, busyPercent } = this.#options;
    if (number * 100 < clusters * busyPercent) return busySubscription;
    const subscription = number % subscriptions;
    return `00000000-0000-4000-8000-${subscription.toString(16).padStart(12, "0")}`;
  }

  #rolesOf(index: number): readonly Role[] {
    const { split, instances } = this.#options;
    if (!split) return ["frontend", "forwarder", "backend"];
    if (index < 2) return ["forwarder"];
    return index < 2 + instances / 5 ? ["frontend"] : ["backend"];
  }

  #start(name: string, index: number): void {
    const world = this.#world;
    const roles = this.#rolesOf(index);
    const host = new Host({ world, name, skewMs: 0 });
    const committed = new Nudge(host.clock);
    const sent = new Nudge(host.clock);
    const storeOf = (role: Role): Store => this.#services.storeOf({ host, role });
    this.#processes[index] = { host, roles, committed, store: storeOf("frontend") };
    host.onDeath(() => {
      this.#watch.onDeath(host);
      if (!this.#isOver) world.after(restartMs, () => this.#start(name, index));
    });
    const forever = new AbortController().signal;
    const shared = { clock: host.clock, ids: this.#ids, log: silentLog, timing, polling, sent };
    const queueOf = (role: Role): MemoryQueue => this.#services.queueOf({ host, role });
    if (roles.includes("backend")) {
      const backend = new Backend({
        ...shared,
        store: storeOf("backend"),
        queue: queueOf("backend"),
        installer: this.#installer(host),
        random: this.#random,
        workers: this.#options.workers,
        stopGraceMs: graceMs,
      });
      void backend.run(forever);
    }
    if (roles.includes("forwarder")) {
      const forwarder = new Forwarder({
        ...shared,
        store: storeOf("forwarder"),
        queue: queueOf("forwarder"),
        location,
        committed,
      });
      // they don't start in the same millisecond
      world.after(world.chance.between(0, 1_000), () => void forwarder.run(forever));
    }
  }

  /** Steps that take their time, and one that waits as for machines to come up. */
  #installer(host: Host): Installer {
    const { steps, stepMs, waits, waitMs } = this.#options;
    const deadlineMs = 3_600_000 + 2 * waits * waitMs;
    const work = async (context: StepContext): Promise<StepResult> => {
      const { snapshot, signal } = context;
      context.guard();
      this.#watch.onAct(host, snapshot);
      try {
        await context.save({ installation: { intent: snapshot.operationId } });
        await host.clock.sleep(stepMs, signal);
        context.guard();
        this.#watch.onAct(host, snapshot);
        return { done: true };
      } finally {
        this.#watch.onRest(snapshot);
      }
    };
    const wait = async ({ now, startedAt }: StepContext): Promise<StepResult> =>
      now - startedAt < waits * waitMs ? { done: false, againAfterMs: waitMs } : { done: true };
    const list = [
      ...Array.from({ length: steps }, (_, index) => ({
        name: `Step${index}`,
        deadlineMs,
        run: work,
      })),
      { name: "Wait", deadlineMs, run: wait },
    ];
    const phases = [{ name: "simulated", steps: list }];
    return { name: "simulated", phases: { create: phases, update: phases, delete: phases } };
  }

  #letArrive(): void {
    const { chance } = this.#world;
    const pauseMs = (-Math.log(1 - chance.fraction()) / this.#options.rate) * 1_000;
    this.#world.after(pauseMs, () => {
      if (this.#isOver) return;
      this.#letArrive();
      const frontends = this.#processes.filter(
        ({ host, roles }) => !host.isDead && roles.includes("frontend"),
      );
      if (frontends.length > 0) void this.#request(chance.pick(frontends));
    });
  }

  /** A request that begins an update: what a frontend asks the store for, without HTTP. */
  async #request({ store, committed, host }: FleetProcess): Promise<void> {
    const number = this.#atRest();
    if (number === undefined) {
      this.#watch.violations.push("no cluster was at rest to begin an operation on");
      return;
    }
    const partition = this.#partitionOf(number);
    const name = { subscriptionId: partition, resourceGroup: "rg", name: `cluster-${number}` };
    try {
      await store.read("subscription", { partition, id: "subscription" });
      const stored = await store.read("cluster", clusterKey(name));
      if (stored === undefined) throw new Error(`${name.name} is gone`);
      const started = startUpdate(stored.document, goalAfter(stored.document), {
        operationId: this.#ids.guid(),
        requestId: this.#ids.guid(),
        correlationId: this.#ids.guid(),
        revision: this.#ids.guid(),
        now: host.clock.now(),
        location,
      });
      await store.commit(partition, [
        { replace: stored, document: written(started.cluster) },
        { create: started.operation },
      ]);
      committed.notify();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError)) {
        this.#watch.violations.push(`a request failed: ${String(error)}`);
      }
      this.#refused += 1;
    }
  }

  /** One that no operation of this run was begun on. */
  #atRest(): number | undefined {
    const { clusters } = this.#options;
    let number = this.#world.chance.below(clusters);
    for (let tries = 0; tries < 100 && this.#busy.has(number); tries += 1) {
      number = this.#world.chance.below(clusters);
    }
    // few are left: the next one
    for (let steps = 0; steps < clusters && this.#busy.has(number); steps += 1) {
      number = (number + 1) % clusters;
    }
    if (this.#busy.has(number)) return undefined;
    this.#busy.add(number);
    return number;
  }

  #letDie(index: number): void {
    this.#world.after(this.#options.crashSeconds * 1_000, () => {
      if (this.#isOver) return;
      this.#deaths += 1;
      this.#processes[index]?.host.kill();
      this.#letDie((index + 1) % this.#options.instances);
    });
  }
}

function goalAfter({
  cluster,
  secrets,
}: ClusterDocument): Pick<ClusterDocument, "cluster" | "secrets"> {
  const workers = cluster.workers.map((worker) => ({ ...worker, count: worker.count + 1 }));
  return { cluster: { ...cluster, workers }, secrets };
}

function perSecond(before: ServiceCounts, after: ServiceCounts, seconds: number): ServiceCounts {
  const rate = (name: Exclude<keyof ServiceCounts, "partitionUnits">): number =>
    (after[name] - before[name]) / seconds;
  return {
    storeRequests: rate("storeRequests"),
    queueRequests: rate("queueRequests"),
    queueMessages: rate("queueMessages"),
    units: rate("units"),
    partitionUnits: after.partitionUnits.map(
      (units, index) => (units - (before.partitionUnits[index] ?? 0)) / seconds,
    ),
    throttled: rate("throttled"),
    refused: rate("refused"),
  };
}
