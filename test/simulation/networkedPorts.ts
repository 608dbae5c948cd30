/**
 * Store and queue as one process has them: the ports over the network of the simulation. Each call goes to the one engine in
 * memory; whoever watches it is told in whose name.
 */
import type {
  DocumentKind,
  DocumentOfKind,
  ListedCluster,
  SubscriptionDocument,
} from "../../src/model/document.ts";
import type { DocumentKey } from "../../src/model/resourceId.ts";
import {
  QueueUnavailableError,
  type Queue,
  type QueueCallOptions,
  type ReceivedMessage,
} from "../../src/queue/queue.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type CallOptions,
  type ClusterReference,
  type Committed,
  type DueQuery,
  type Lease,
  type LeaseAttempt,
  type Page,
  type PageRequest,
  type RunningOperation,
  type Scheduling,
  type SecretsReference,
  type Store,
  type Stored,
  type UnsettledCluster,
  type UnsettledQuery,
  type Write,
} from "../../src/store/store.ts";
import type { Host } from "./host.ts";
import type { Network } from "./network.ts";
import type { Role } from "./profile.ts";

/** A role of a process, at the end of the network. */
export interface PortHost {
  readonly host: Host;
  readonly role: Role;
  readonly network: Network;
  /** Runs an effect in the name of this role. */
  readonly inName: <T>(effect: () => Promise<T>) => Promise<T>;
  /** Told when this role is shown that nobody holds a lease. */
  readonly onFreeLease: (name: string) => void;
}

function refused(retryAfterMs?: number): Error {
  return new StoreUnavailableError(
    "the simulation refuses",
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

export class NetworkedStore implements Store {
  readonly #port: PortHost;
  readonly #store: Store;

  constructor(port: PortHost, store: Store) {
    this.#port = port;
    this.#store = store;
  }

  async read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options: CallOptions = {},
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    return this.#look("read", options, async () => this.#store.read(kind, key));
  }

  async commit<const W extends readonly Write[]>(
    partition: string,
    writes: W,
    options: CallOptions = {},
  ): Promise<Committed<W>> {
    return this.#change("commit", options, async () => this.#store.commit(partition, writes), true);
  }

  async listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ListedCluster>> {
    return this.#look("listClusters", options, async () => this.#store.listClusters(query, page));
  }

  async listUnqueued(
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    return this.#look("listUnqueued", options, async () => this.#store.listUnqueued(page));
  }

  async listUnattended(
    query: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<ClusterReference>> {
    return this.#look("listUnattended", options, async () =>
      this.#store.listUnattended(query, page),
    );
  }

  async listRunning(page: PageRequest, options: CallOptions = {}): Promise<Page<RunningOperation>> {
    return this.#look("listRunning", options, async () => this.#store.listRunning(page));
  }

  async listPurges(
    query: DueQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    return this.#look("listPurges", options, async () => this.#store.listPurges(query, page));
  }

  async listUnsettled(
    query: UnsettledQuery,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<UnsettledCluster>> {
    return this.#look("listUnsettled", options, async () => this.#store.listUnsettled(query, page));
  }

  async listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options: CallOptions = {},
  ): Promise<Page<SecretsReference>> {
    return this.#look("listNotSealedBy", options, async () =>
      this.#store.listNotSealedBy(keyId, page),
    );
  }

  async updateScheduling(
    reference: ClusterReference,
    scheduling: Scheduling,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#change(
      "updateScheduling",
      options,
      async () => this.#store.updateScheduling(reference, scheduling),
      true,
    );
  }

  async acquireLease(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<LeaseAttempt> {
    return this.#change("acquireLease", options, async () => this.#store.acquireLease(request));
  }

  async renewLease(
    lease: Lease,
    request: { readonly leaseMs: number },
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#change("renewLease", options, async () => this.#store.renewLease(lease, request));
  }

  async releaseLease(lease: Lease, options: CallOptions = {}): Promise<void> {
    return this.#change("releaseLease", options, async () => this.#store.releaseLease(lease));
  }

  async leaseRemainingMs(name: string, options: CallOptions = {}): Promise<number | undefined> {
    return this.#look("leaseRemainingMs", options, async () => {
      const remainingMs = await this.#store.leaseRemainingMs(name);
      if (remainingMs === undefined) this.#port.onFreeLease(name);
      return remainingMs;
    });
  }

  async ping(options: CallOptions = {}): Promise<void> {
    return this.#look("ping", options, async () => this.#store.ping());
  }

  async #look<T>(name: string, { signal }: CallOptions, effect: () => Promise<T>): Promise<T> {
    const { host, role, network } = this.#port;
    return network.call(host, { place: "store", name: `${role} ${name}`, signal, effect, refused });
  }

  async #change<T>(
    name: string,
    { signal }: CallOptions,
    effect: () => Promise<T>,
    isConditional = false,
  ): Promise<T> {
    const { host, role, network, inName } = this.#port;
    return network.call(host, {
      place: "store",
      name: `${role} ${name}`,
      signal,
      effect: async () => inName(effect),
      refused,
      unanswered: () => new StoreOutcomeUnknownError("the simulation doesn't answer"),
      ...(isConditional
        ? { conflict: () => new StoreConflictError("the simulation says so") }
        : {}),
    });
  }
}

export class NetworkedQueue implements Queue {
  readonly #port: PortHost;
  readonly #queue: Queue;

  constructor(port: PortHost, queue: Queue) {
    this.#port = port;
    this.#queue = queue;
  }

  async send(
    body: string,
    request: { readonly delayMs?: number } = {},
    options: QueueCallOptions = {},
  ): Promise<void> {
    return this.#call("send", options, async () => this.#queue.send(body, request));
  }

  async receive(
    request: { readonly max: number; readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<readonly ReceivedMessage[]> {
    return this.#call("receive", options, async () => this.#queue.receive(request));
  }

  async extend(
    message: ReceivedMessage,
    request: { readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<ReceivedMessage> {
    return this.#call("extend", options, async () => this.#queue.extend(message, request));
  }

  async complete(message: ReceivedMessage, options: QueueCallOptions = {}): Promise<void> {
    return this.#call("complete", options, async () => this.#queue.complete(message));
  }

  async depth(options: QueueCallOptions = {}): Promise<number> {
    return this.#call("depth", options, async () => this.#queue.depth());
  }

  async ping(options: QueueCallOptions = {}): Promise<void> {
    return this.#call("ping", options, async () => this.#queue.ping());
  }

  /** The port has one error for both: a call that was refused may have happened all the same. */
  async #call<T>(name: string, { signal }: QueueCallOptions, effect: () => Promise<T>): Promise<T> {
    const { host, role, network } = this.#port;
    const unavailable = (retryAfterMs?: number): Error =>
      new QueueUnavailableError(
        "the simulation refuses",
        retryAfterMs === undefined ? {} : { retryAfterMs },
      );
    return network.call(host, {
      place: "queue",
      name: `${role} ${name}`,
      signal,
      effect,
      refused: unavailable,
      unanswered: unavailable,
    });
  }
}
