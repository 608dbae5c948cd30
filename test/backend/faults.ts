/**
 * Store and queue of one process with faults by script: a call may fail before or after it took effect, hang, or be the
 * last thing that its process ever does. Every call is noted. It must never retry or repair anything itself.
 */
import type { Queue, ReceivedMessage } from "../../src/queue/queue.ts";
import { MessageLostError, QueueUnavailableError } from "../../src/queue/queue.ts";
import type {
  Committed,
  Lease,
  LeaseAttempt,
  Page,
  RunningOperation,
  ClusterReference,
  SecretsReference,
  Store,
  Stored,
  UnsettledCluster,
  Write,
} from "../../src/store/store.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
} from "../../src/store/store.ts";
import {
  providerPartition,
  type DocumentKind,
  type DocumentOfKind,
  type ListedCluster,
  type SubscriptionDocument,
} from "../../src/model/document.ts";

/** What happens to a call. `after` means that it has taken effect. */
export type Fault =
  | "unavailable"
  | "unanswered"
  | "hangBefore"
  | "hangAfter"
  | "conflict"
  | "lost"
  | "dieBefore"
  | "dieAfter"
  | { readonly holdUntil: Promise<void> };

export interface Call {
  /** Such as `store.commit`. */
  readonly name: string;
  /** How many calls this process had made before. */
  readonly index: number;
  /** Its first argument, or the writes of a commit. */
  readonly about: unknown;
}

const never = new Promise<never>(() => {});

export class Faults {
  readonly calls: Call[] = [];
  /** Asked for each call. */
  decide: (call: Call) => Fault | undefined = () => undefined;
  /** Nothing happens in a dead process: no call begins, none is answered. */
  dead = false;
  #inFlight = 0;

  /** Whether a call is under way that will be answered. */
  get busy(): boolean {
    return this.#inFlight > 0;
  }

  /** How many calls of this name were made. */
  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  async through<T>(name: string, about: unknown, run: () => Promise<T>): Promise<T> {
    if (this.dead) return never;
    const call = { name, index: this.calls.length, about };
    this.calls.push(call);
    const fault = this.decide(call);
    if (fault === "dieBefore") this.dead = true;
    if (fault === "dieBefore" || fault === "hangBefore") return never;
    const queue = name.startsWith("queue.");
    if (fault === "unavailable") {
      throw queue ? new QueueUnavailableError("scripted") : new StoreUnavailableError("scripted");
    }
    if (fault === "conflict") throw new StoreConflictError("scripted");
    if (fault === "lost") throw new MessageLostError("scripted");
    if (typeof fault === "object") await fault.holdUntil;
    if (this.dead) return never;
    const result = await this.#running(run);
    if (fault === "dieAfter") this.dead = true;
    if (this.dead || fault === "hangAfter") return never;
    if (fault === "unanswered") {
      throw queue
        ? new QueueUnavailableError("scripted")
        : new StoreOutcomeUnknownError("scripted");
    }
    return result;
  }

  async #running<T>(run: () => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      return await run();
    } finally {
      this.#inFlight -= 1;
    }
  }
}

export class FaultyStore implements Store {
  readonly #store: Store;
  readonly #faults: Faults;

  constructor(store: Store, faults: Faults) {
    this.#store = store;
    this.#faults = faults;
  }

  read<K extends DocumentKind>(
    ...given: Parameters<Store["read"]>
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    const [kind, key, options] = given;
    // a simulated process gives up by its clock, not in the middle of a call
    const kept = options?.openSecrets === undefined ? {} : { openSecrets: options.openSecrets };
    return this.#faults.through("store.read", { kind, key }, async () =>
      this.#store.read(kind as K, key, kept),
    );
  }

  commit<const W extends readonly Write[]>(partition: string, writes: W): Promise<Committed<W>> {
    // what the forwarder publishes of the fleet is no step of an operation's way
    const name = partition === providerPartition ? "store.publish" : "store.commit";
    return this.#faults.through(name, writes, async () => this.#store.commit(partition, writes));
  }

  listClusters(...given: Parameters<Store["listClusters"]>): Promise<Page<ListedCluster>> {
    return this.#faults.through("store.listClusters", given[0], async () =>
      this.#store.listClusters(...given),
    );
  }

  listUnqueued(...given: Parameters<Store["listUnqueued"]>): Promise<Page<ClusterReference>> {
    return this.#faults.through("store.listUnqueued", given[0], async () =>
      this.#store.listUnqueued(given[0]),
    );
  }

  listUnattended(...given: Parameters<Store["listUnattended"]>): Promise<Page<ClusterReference>> {
    return this.#faults.through("store.listUnattended", given[0], async () =>
      this.#store.listUnattended(given[0], given[1]),
    );
  }

  listRunning(...given: Parameters<Store["listRunning"]>): Promise<Page<RunningOperation>> {
    return this.#faults.through("store.listRunning", given[0], async () =>
      this.#store.listRunning(given[0]),
    );
  }

  listPurges(
    ...given: Parameters<Store["listPurges"]>
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    return this.#faults.through("store.listPurges", given[0], async () =>
      this.#store.listPurges(given[0], given[1]),
    );
  }

  listUnsettled(...given: Parameters<Store["listUnsettled"]>): Promise<Page<UnsettledCluster>> {
    return this.#faults.through("store.listUnsettled", given[0], async () =>
      this.#store.listUnsettled(given[0], given[1]),
    );
  }

  listNotSealedBy(...given: Parameters<Store["listNotSealedBy"]>): Promise<Page<SecretsReference>> {
    return this.#faults.through("store.listNotSealedBy", given[0], async () =>
      this.#store.listNotSealedBy(given[0], given[1]),
    );
  }

  updateScheduling(...given: Parameters<Store["updateScheduling"]>): Promise<void> {
    return this.#faults.through("store.updateScheduling", given[0], async () =>
      this.#store.updateScheduling(given[0], given[1]),
    );
  }

  acquireLease(...given: Parameters<Store["acquireLease"]>): Promise<LeaseAttempt> {
    return this.#faults.through("store.acquireLease", given[0], async () =>
      this.#store.acquireLease(given[0]),
    );
  }

  renewLease(lease: Lease, request: { readonly leaseMs: number }): Promise<boolean> {
    return this.#faults.through("store.renewLease", lease, async () =>
      this.#store.renewLease(lease, request),
    );
  }

  releaseLease(lease: Lease): Promise<void> {
    return this.#faults.through("store.releaseLease", lease, async () =>
      this.#store.releaseLease(lease),
    );
  }

  leaseRemainingMs(name: string): Promise<number | undefined> {
    return this.#faults.through("store.leaseRemainingMs", name, async () =>
      this.#store.leaseRemainingMs(name),
    );
  }

  ping(): Promise<void> {
    return this.#faults.through("store.ping", undefined, async () => this.#store.ping());
  }
}

export class FaultyQueue implements Queue {
  readonly #queue: Queue;
  readonly #faults: Faults;

  constructor(queue: Queue, faults: Faults) {
    this.#queue = queue;
    this.#faults = faults;
  }

  send(...given: Parameters<Queue["send"]>): Promise<void> {
    return this.#faults.through("queue.send", given[0], async () =>
      this.#queue.send(given[0], given[1]),
    );
  }

  receive(...given: Parameters<Queue["receive"]>): Promise<readonly ReceivedMessage[]> {
    return this.#faults.through("queue.receive", given[0], async () =>
      this.#queue.receive(given[0]),
    );
  }

  extend(...given: Parameters<Queue["extend"]>): Promise<ReceivedMessage> {
    return this.#faults.through("queue.extend", given[1], async () =>
      this.#queue.extend(given[0], given[1]),
    );
  }

  complete(message: ReceivedMessage): Promise<void> {
    return this.#faults.through("queue.complete", message, async () =>
      this.#queue.complete(message),
    );
  }

  depth(): Promise<number> {
    return this.#faults.through("queue.depth", null, async () => this.#queue.depth());
  }

  ping(): Promise<void> {
    return this.#faults.through("queue.ping", undefined, async () => this.#queue.ping());
  }
}
