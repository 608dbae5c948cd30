/**
 * Cosmos DB and Azure Storage Queue as a fleet meets them: each call travels, is charged what its service charges, is put off
 * where that is more than the service grants, and is then made again as the adapters do. What a call does is what the engines
 * in memory do. Nothing here loses or repeats a call: that is the business of `network.ts`.
 */
import type { RpDocument } from "../../src/model/document.ts";
import { QueueUnavailableError } from "../../src/queue/queue.ts";
import { attemptFigures as queueAttempts } from "../../src/queue/storageQueueCalls.ts";
import { CallAttempts } from "../../src/runtime/callAttempts.ts";
import type { Random } from "../../src/runtime/ids.ts";
import { layeredPort, type PortCall } from "../../src/runtime/portLayer.ts";
import { attemptFigures as storeAttempts } from "../../src/store/cosmosCalls.ts";
import { StoreUnavailableError } from "../../src/store/store.ts";
import { smallUnits } from "../process/azureCosts.ts";
import { createUnits, readUnits, replaceUnits } from "../process/requestUnits.ts";
import type { MemoryQueue } from "../queue/memoryQueue.ts";
import type { Change, MemoryStore } from "../store/memoryStore.ts";
import type { Host } from "./host.ts";
import type { Role } from "./profile.ts";
import type { World } from "./world.ts";

/** What the services grant. `Infinity` is no limit. */
export interface ServiceFigures {
  /** The median of what a call takes there and back, in milliseconds. */
  readonly storeMs: number;
  readonly queueMs: number;
  /** Of both containers together, divided among the physical partitions. */
  readonly unitsPerSecond: number;
  /** Of one queue: sent, received, prolonged and removed. */
  readonly messagesPerSecond: number;
}

/** Whose calls they are. */
export interface Actor {
  readonly host: Host;
  readonly role: Role;
}

/** What was asked of the services up to now. */
export interface ServiceCounts {
  readonly storeRequests: number;
  readonly queueRequests: number;
  /** As the queue's limit counts them. */
  readonly queueMessages: number;
  readonly units: number;
  /** By physical partition. */
  readonly partitionUnits: readonly number[];
  /** Calls that were put off. */
  readonly throttled: number;
  /** Calls that came to nothing, as they were put off too often. */
  readonly refused: number;
}

/** Told of each call of a process, when it is made and when its answer has come. */
export interface CallWatcher {
  onCall(actor: Actor, method: string, given: readonly unknown[]): void;
  onAnswer(actor: Actor, method: string, isDone: boolean): void;
}

/** So much throughput is a physical partition's, https://learn.microsoft.com/azure/cosmos-db/concepts-limits */
const unitsOfPartition = 10_000;

/** What a service grants in a second; what was not used in it is lost, what was used beyond has to be waited for. */
class Throttle {
  readonly #perSecond: number;
  readonly #world: World;
  #left: number;
  #at: number;

  constructor(world: World, perSecond: number) {
    this.#world = world;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#at = world.now;
  }

  /** How long to wait; 0 when a call may be made. */
  get waitMs(): number {
    if (this.#perSecond === Infinity) return 0;
    const { now } = this.#world;
    const gained = ((now - this.#at) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + gained);
    this.#at = now;
    return this.#left > 0 ? 0 : Math.ceil((-this.#left / this.#perSecond) * 1_000) + 1;
  }

  use(amount: number): void {
    this.#left -= amount;
  }
}

interface Charged {
  readonly units: number;
  /** Which physical partition; absent: each of them. */
  readonly partition?: number;
}

/** Answered, or put off for a while. */
type Reply<T> = { readonly value: T } | { readonly retryAfterMs: number };

export class AzureServices {
  readonly #world: World;
  readonly #figures: ServiceFigures;
  readonly #store: MemoryStore;
  readonly #queue: MemoryQueue;
  readonly #watcher: CallWatcher;
  readonly #random: Random;
  readonly #partitions: readonly Throttle[];
  readonly #messages: Throttle;
  readonly #counts = {
    storeRequests: 0,
    queueRequests: 0,
    queueMessages: 0,
    throttled: 0,
    refused: 0,
  };
  readonly #partitionUnits: number[];
  #changes: readonly Change[] = [];
  #actor: Actor | undefined;

  constructor(options: {
    readonly world: World;
    readonly figures: ServiceFigures;
    readonly store: MemoryStore;
    readonly queue: MemoryQueue;
    readonly watcher: CallWatcher;
    readonly random: Random;
  }) {
    const { world, figures, store, queue, watcher, random } = options;
    this.#world = world;
    this.#figures = figures;
    this.#store = store;
    this.#queue = queue;
    this.#watcher = watcher;
    this.#random = random;
    const { unitsPerSecond, messagesPerSecond } = figures;
    const count = unitsPerSecond === Infinity ? 1 : Math.ceil(unitsPerSecond / unitsOfPartition);
    const partitions = Array.from({ length: count }, () => unitsPerSecond / count);
    this.#partitions = partitions.map((units) => new Throttle(world, units));
    this.#partitionUnits = partitions.map(() => 0);
    this.#messages = new Throttle(world, messagesPerSecond);
  }

  /** In whose name the engine in memory is called just now. */
  get actor(): Actor | undefined {
    return this.#actor;
  }

  get counts(): ServiceCounts {
    const partitionUnits = [...this.#partitionUnits];
    const units = partitionUnits.reduce((sum, one) => sum + one, 0);
    return { ...this.#counts, units, partitionUnits };
  }

  /** To be told of each commit of the store: by it the commit is charged. */
  committed(changes: readonly Change[]): void {
    this.#changes = changes;
  }

  /** The store as one role of a process has it. */
  storeOf(actor: Actor): MemoryStore {
    return layeredPort(this.#store, async (call) =>
      this.#call(actor, call, {
        ms: this.#figures.storeMs,
        attempts: storeAttempts,
        request: async (send) => this.#toStore(call, send),
        unavailable: (retryAfterMs) => new StoreUnavailableError("put off", { retryAfterMs }),
      }),
    );
  }

  /** The queue as one role of a process has it. */
  queueOf(actor: Actor): MemoryQueue {
    return layeredPort(this.#queue, async (call) =>
      this.#call(actor, call, {
        ms: this.#figures.queueMs,
        attempts: queueAttempts,
        request: async (send) => this.#toQueue(send),
        unavailable: (retryAfterMs) => new QueueUnavailableError("put off", { retryAfterMs }),
      }),
    );
  }

  async #call(
    actor: Actor,
    { method, given, run }: PortCall,
    service: {
      readonly ms: number;
      readonly attempts: typeof storeAttempts;
      readonly request: (send: () => Promise<unknown>) => Promise<Reply<unknown>>;
      readonly unavailable: (retryAfterMs: number) => Error;
    },
  ): Promise<unknown> {
    const { host } = actor;
    if (host.isDead) return new Promise<never>(() => {});
    const signal = signalIn(given);
    const clock = host.clock;
    const attempts = new CallAttempts({ clock, random: this.#random, signal }, service.attempts);
    this.#watcher.onCall(actor, method, given);
    const send = (): Promise<unknown> => {
      this.#actor = actor;
      // what has left is made, whether anybody still waits for it or not
      const done = run(given.map(withoutSignal));
      this.#actor = undefined;
      return done;
    };
    let isDone = false;
    try {
      for (;;) {
        const reply = await this.#travel(host, service.ms, signal, async () =>
          service.request(send),
        );
        if ("value" in reply) {
          isDone = true;
          return reply.value;
        }
        this.#counts.throttled += 1;
        if (await attempts.pause(reply.retryAfterMs)) continue;
        this.#counts.refused += 1;
        throw service.unavailable(reply.retryAfterMs);
      }
    } finally {
      this.#watcher.onAnswer(actor, method, isDone);
    }
  }

  /** There and back; whoever waits may give up. */
  async #travel<T>(
    host: Host,
    ms: number,
    signal: AbortSignal | undefined,
    arrive: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const giveUp = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    const { chance } = this.#world;
    // one in a hundred takes several times as long
    const wholeMs = ms * (chance.happens(0.01) ? chance.between(2, 10) : chance.between(0.6, 1.4));
    const answer = (tell: () => void): void => {
      this.#world.after(wholeMs / 2, () =>
        host.perform(() => {
          signal?.removeEventListener("abort", giveUp);
          tell();
        }),
      );
    };
    this.#world.after(wholeMs / 2, () => {
      arrive().then(
        (value) => answer(() => resolve(value)),
        (error: Error) => answer(() => reject(error)),
      );
    });
    return promise;
  }

  async #toStore(call: PortCall, send: () => Promise<unknown>): Promise<Reply<unknown>> {
    this.#counts.storeRequests += 1;
    const partition = this.#partitionOf(call);
    const asked = partition === undefined ? this.#partitions.keys() : [partition];
    let retryAfterMs = 0;
    for (const index of asked) {
      retryAfterMs = Math.max(retryAfterMs, this.#partitions[index]?.waitMs ?? 0);
    }
    if (retryAfterMs > 0) return { retryAfterMs };
    this.#changes = [];
    const outcome = send();
    const changes = this.#changes;
    try {
      const value = await outcome;
      const askedCount = partition === undefined ? this.#partitions.length : 1;
      const units = unitsOf({ method: call.method, value, changes, askedCount });
      this.#charge({ units, ...within(partition) });
      return { value };
    } catch (error) {
      // a condition that doesn't hold costs about what it had to look at
      this.#charge({ units: smallUnits.batch, ...within(partition) });
      throw error;
    }
  }

  #charge({ units, partition }: Charged): void {
    const asked = partition === undefined ? this.#partitions.keys() : [partition];
    for (const index of asked) {
      this.#partitions[index]?.use(units);
      this.#partitionUnits[index] = (this.#partitionUnits[index] ?? 0) + units;
    }
  }

  async #toQueue(send: () => Promise<unknown>): Promise<Reply<unknown>> {
    this.#counts.queueRequests += 1;
    const retryAfterMs = this.#messages.waitMs;
    if (retryAfterMs > 0) return { retryAfterMs };
    const value = await send();
    const messages = Array.isArray(value) ? Math.max(1, value.length) : 1;
    this.#counts.queueMessages += messages;
    this.#messages.use(messages);
    return { value };
  }

  /** @returns nothing where all are asked. */
  #partitionOf({ method, given }: PortCall): number | undefined {
    const name = partitionKeyOf(method, given);
    return name === undefined ? undefined : hashOf(name) % this.#partitions.length;
  }
}

function within(partition: number | undefined): { readonly partition?: number } {
  return partition === undefined ? {} : { partition };
}

interface Keyed {
  readonly partition?: string;
  readonly name?: string;
  readonly key?: { readonly partition: string };
}

/** Documents lie by their subscription, each lease lies for itself. */
function partitionKeyOf(method: string, given: readonly unknown[]): string | undefined {
  const [first, second] = given as readonly [string & Keyed, Keyed];
  switch (method) {
    case "read":
      return second.partition;
    case "commit":
    case "leaseRemainingMs":
      return first;
    case "updateScheduling":
      return first.key?.partition;
    case "acquireLease":
    case "renewLease":
    case "releaseLease":
      return first.name;
    case "listClusters":
      return first.partition;
    case "ping":
      return "ping";
    default:
      return undefined;
  }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** By the figures that docs/azure-costs.md computes with; of a listing what each partition that was asked charges. */
function unitsOf(call: {
  readonly method: string;
  readonly value: unknown;
  readonly changes: readonly Change[];
  /** How many partitions the call asks. */
  readonly askedCount: number;
}): number {
  const { method, value, changes, askedCount } = call;
  switch (method) {
    case "read":
      return readUnits((value as { readonly document?: RpDocument } | undefined)?.document);
    case "commit":
    case "updateScheduling":
      return changes.reduce(
        (sum, { before, after }) =>
          sum +
          (before !== undefined && after !== undefined
            ? replaceUnits(after.document)
            : createUnits((after ?? before)?.document)),
        0,
      );
    case "acquireLease":
      return smallUnits.create + (isRefusal(value) ? smallUnits["lease read"] : 0);
    case "renewLease":
      return smallUnits["lease write"];
    case "releaseLease":
    case "ping":
      return smallUnits.create;
    case "leaseRemainingMs":
      return smallUnits["lease read"];
    default: {
      const { items = [] } = value as { readonly items?: readonly unknown[] };
      return smallUnits.query + (items.length * smallUnits["point read"]) / askedCount;
    }
  }
}

function isRefusal(value: unknown): boolean {
  return (value as { readonly acquired?: boolean }).acquired === false;
}

function signalIn(given: readonly unknown[]): AbortSignal | undefined {
  for (const argument of given) {
    if (typeof argument !== "object" || argument === null || !("signal" in argument)) continue;
    if (argument.signal instanceof AbortSignal) return argument.signal;
  }
  return undefined;
}

function withoutSignal(argument: unknown): unknown {
  if (typeof argument !== "object" || argument === null || !("signal" in argument)) return argument;
  const { signal: _signal, ...rest } = argument;
  return rest;
}
