/**
 * The world that an installer changes: resources under the name of their cluster, each with a tag that says for which incarnation
 * it was made. Its installer does what any good one does — it notes its intent, then finds or creates by incarnation, guarded
 * before each call — and fails, waits and takes long as chance has it. The cloud itself never forgets and never repairs anything.
 */
import type {
  Installer,
  InstallationSnapshot,
  Phase,
  Step,
  StepContext,
  StepResult,
} from "../../src/installers/installer.ts";
import type { OperationKind } from "../../src/model/provisioningState.ts";
import { TerminalError } from "../../src/model/rpError.ts";
import type { Host } from "./host.ts";
import type { Network } from "./network.ts";
import type { Weather } from "./profile.ts";
import type { World } from "./world.ts";

/** Something that exists. */
export interface Resource {
  readonly name: string;
  /** The tag: for which incarnation of its cluster it was made. */
  readonly incarnationId: string;
  /** What it was set to. */
  value: number;
}

/** Whose call it is: the claim under which its step runs. */
export interface Caller {
  readonly incarnationId: string;
  readonly epoch: number;
  readonly host: Host;
}

/** What a call was about: whether it found its resources as they had to be or not. */
export interface ChangedResource {
  readonly name: string;
  /** The tag of the resource that it changed or removed; absent when there was none. */
  readonly found?: string;
}

/** Whoever wants to know what happens in the cloud, and how it comes that an operation fails. */
export interface CloudWatcher {
  /** A call is about to leave. */
  onBegin(caller: Caller, call: string): void;
  /** A call has taken effect. */
  onArrival(caller: Caller, call: string, changed: readonly ChangedResource[]): void;
  /** A step fails for now. */
  onStumble(caller: Caller): void;
  /** A step kills its process, with whatever else that has in hand. */
  onDeadly(caller: Caller): void;
  /** A step fails for good. */
  onDoom(caller: Caller): void;
}

export interface CloudOptions {
  readonly world: World;
  readonly network: Network;
  readonly weather: Weather;
  readonly watcher: CloudWatcher;
  /** The longest that a step takes or waits. */
  readonly longMs: number;
}

/** What a step does to the resources of its incarnation. */
type Change = (resources: Installed, snapshot: InstallationSnapshot) => void;

/** The resources of one incarnation, as an installer finds, makes and removes them; notes what it touches. */
class Installed {
  readonly changed: ChangedResource[] = [];
  readonly #all: Resource[];
  readonly #incarnationId: string;

  /** @param all of the cluster's name, whichever incarnation they were made for. */
  constructor(all: Resource[], incarnationId: string) {
    this.#all = all;
    this.#incarnationId = incarnationId;
  }

  set(name: string, value: number): void {
    const found = this.#find(name);
    if (found !== undefined) found.value = value;
    else this.#all.push({ name, value, incarnationId: this.#incarnationId });
  }

  delete(name: string): void {
    const found = this.#find(name);
    if (found !== undefined) this.#all.splice(this.#all.indexOf(found), 1);
  }

  #find(name: string): Resource | undefined {
    const found = this.#all.find(
      (one) => one.name === name && one.incarnationId === this.#incarnationId,
    );
    this.changed.push({ name, ...(found === undefined ? {} : { found: found.incarnationId }) });
    return found;
  }
}

/** All that an incarnation may be made of. */
const resourceNames = ["group", "machines", "network", "workers"];

interface PlannedStep {
  readonly host: Host;
  readonly name: string;
  readonly change: Change;
  readonly kind: OperationKind;
}

const plans: Readonly<Record<OperationKind, readonly (readonly [string, string, Change])[]>> = {
  create: [
    ["storage", "group", (resources) => resources.set("group", 1)],
    ["resources", "network", (resources) => resources.set("network", 1)],
    [
      "resources",
      "machines",
      (resources, { cluster }) => {
        resources.set("machines", 3);
        resources.set("workers", workersOf(cluster));
      },
    ],
  ],
  update: [
    ["scale", "resize", (resources, { cluster }) => resources.set("workers", workersOf(cluster))],
    ["scale", "check", () => {}],
  ],
  delete: [
    [
      "takeDown",
      "machinesGone",
      (resources) => {
        resources.delete("machines");
        resources.delete("workers");
      },
    ],
    [
      "takeDown",
      "groupGone",
      (resources) => {
        for (const name of resourceNames) resources.delete(name);
      },
    ],
  ],
};

/** The names of the steps of an operation, in order. */
export function stepNames(kind: OperationKind): readonly string[] {
  return plans[kind].map(([, name]) => name);
}

/** How many machines the workers of a cluster are. */
export function workersOf(cluster: InstallationSnapshot["cluster"]): number {
  return cluster.workers.reduce((sum, { count }) => sum + count, 0);
}

/** No step of a healthy run takes that long. */
const deadlineMs = 3_600_000;

export class Cloud {
  /** By the ARM id of their cluster. */
  readonly #resources = new Map<string, Resource[]>();
  readonly #options: CloudOptions;
  /** Whether an operation has a step that kills whoever begins it; drawn once. */
  readonly #deadly = new Map<string, boolean>();
  /** How often a step of an operation asks to be called again before it goes on; drawn once. */
  readonly #waits = new Map<string, number>();
  #isCalm = false;

  constructor(options: CloudOptions) {
    this.#options = options;
  }

  /** All that was made for an incarnation and is still there. */
  resourcesOf(incarnationId: string): readonly Resource[] {
    return [...this.#resources.values()]
      .flat()
      .filter((one) => one.incarnationId === incarnationId);
  }

  /** From now on every step goes well. */
  calmDown(): void {
    this.#isCalm = true;
  }

  /** The installer as one process has it. */
  installer(host: Host): Installer {
    const phasesOf = (kind: OperationKind): readonly Phase[] => {
      const phases = new Map<string, Step[]>();
      for (const [phase, name, change] of plans[kind]) {
        const step: Step = {
          name,
          deadlineMs,
          run: async (context) => this.#run({ host, name, change, kind }, context),
        };
        phases.set(phase, [...(phases.get(phase) ?? []), step]);
      }
      return [...phases].map(([name, steps]) => ({ name, steps }));
    };
    return {
      name: "simulated",
      phases: {
        create: phasesOf("create"),
        update: phasesOf("update"),
        delete: phasesOf("delete"),
      },
    };
  }

  async #run({ host, name, change, kind }: PlannedStep, context: StepContext): Promise<StepResult> {
    const { world, weather, watcher, longMs } = this.#options;
    const { chance } = world;
    const { incarnationId, operationId, epoch } = context.snapshot;
    const caller = { incarnationId, epoch, host };
    if (this.#isDeadly(operationId, kind)) {
      watcher.onDeadly(caller);
      host.kill();
      return new Promise<never>(() => {});
    }
    // as a step does that waits for machines to come up: nothing is wrong with it
    if (this.#mustWait(operationId, name)) {
      return { done: false, againAfterMs: longMs * 0.2 * chance.fraction() };
    }
    const odd = (share: number): boolean => !this.#isCalm && chance.happens(weather.step * share);
    if (odd(0.3)) {
      watcher.onStumble(caller);
      throw new Error("the cloud is not ready");
    }
    if (odd(0.5)) await context.save({ installation: { intent: name } });
    // now and then longer than anybody would wait for a sign of life
    const mostMs = longMs * (chance.happens(0.1) ? 8 : 1);
    if (odd(0.5)) await this.#take(host, context, mostMs * chance.fraction());
    await this.#call(caller, name, change, context);
    if (odd(0.3)) {
      watcher.onStumble(caller);
      throw new Error("the cloud gave up half-way");
    }
    if (odd(0.5)) return { done: false, againAfterMs: longMs * chance.fraction() };
    // a deletion is never doomed
    if (kind !== "delete" && !this.#isCalm && chance.happens(weather.doom)) {
      watcher.onDoom(caller);
      throw new TerminalError({ code: "InstallationFailed", message: "the cloud says no" });
    }
    return { done: true, changes: { installation: { [name]: epoch } } };
  }

  /** It stays so when all else is calm: no supervisor can help it. A deletion can't be left to that. */
  #isDeadly(operationId: string, kind: OperationKind): boolean {
    const { world, weather } = this.#options;
    const isDeadly =
      this.#deadly.get(operationId) ??
      (!this.#isCalm && kind !== "delete" && world.chance.happens(weather.deadly));
    this.#deadly.set(operationId, isDeadly);
    return isDeadly;
  }

  #mustWait(operationId: string, name: string): boolean {
    const { chance } = this.#options.world;
    const key = `${operationId} ${name}`;
    const left = this.#waits.get(key) ?? (chance.happens(0.05) ? 1 + chance.below(10) : 0);
    this.#waits.set(key, Math.max(0, left - 1));
    return left > 0;
  }

  /** Some steps notice that they are told to stop, others don't. */
  async #take(host: Host, { signal }: StepContext, durationMs: number): Promise<void> {
    const { chance } = this.#options.world;
    await host.clock.sleep(durationMs, ...(chance.happens(0.7) ? [signal] : []));
  }

  async #call(caller: Caller, name: string, change: Change, context: StepContext): Promise<void> {
    const { network, watcher } = this.#options;
    const { snapshot } = context;
    context.guard();
    watcher.onBegin(caller, name);
    const error = (): Error => {
      watcher.onStumble(caller);
      return new Error("the cloud doesn't answer");
    };
    await network.call(caller.host, {
      place: "cloud",
      name: `cloud ${name}`,
      signal: undefined,
      effect: async () => {
        const { resourceId, incarnationId } = snapshot;
        const all = this.#resources.get(resourceId) ?? [];
        this.#resources.set(resourceId, all);
        const installed = new Installed(all, incarnationId);
        change(installed, snapshot);
        watcher.onArrival(caller, name, installed.changed);
      },
      refused: error,
      unanswered: error,
    });
  }
}
