/**
 * A store whose every call is a span, in front of any other: below whatever span is current where it is called. It must never
 * change what a call does or throws, nor tell more of it than its name, its kind of document and how it failed.
 */
import type { DocumentKind, DocumentOfKind } from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { Span, SpanAttributes, Traces } from "../runtime/traces.ts";
import type {
  CallOptions,
  Committed,
  DueQuery,
  Lease,
  LeaseAttempt,
  Page,
  PageRequest,
  RunningOperation,
  Scheduling,
  SecretsReference,
  Store,
  Stored,
  UnsettledCluster,
  UnsettledQuery,
  Write,
  ClusterReference,
} from "./store.ts";
import type { ListedCluster, SubscriptionDocument } from "../model/document.ts";

export interface TracedStoreOptions {
  readonly traces: Traces;
  /** OpenTelemetry's name of the database. */
  readonly system: string;
  /** The span that a call belongs to. */
  readonly current: () => Span;
}

export class TracedStore implements Store {
  readonly #store: Store;
  readonly #options: TracedStoreOptions;

  constructor(store: Store, options: TracedStoreOptions) {
    this.#store = store;
    this.#options = options;
  }

  async read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options?: CallOptions,
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    return this.#call("read", { "rp.document.kind": kind }, async () =>
      this.#store.read(kind, key, options),
    );
  }

  async commit<const W extends readonly Write[]>(
    partition: string,
    writes: W,
    options?: CallOptions,
  ): Promise<Committed<W>> {
    // the conventions want the size of real batches only
    const size = writes.length > 1 ? writes.length : undefined;
    return this.#call("commit", { "db.operation.batch.size": size }, async () =>
      this.#store.commit(partition, writes, options),
    );
  }

  async listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<ListedCluster>> {
    return this.#call("listClusters", {}, async () =>
      this.#store.listClusters(query, page, options),
    );
  }

  async listUnqueued(page: PageRequest, options?: CallOptions): Promise<Page<ClusterReference>> {
    return this.#call("listUnqueued", {}, async () => this.#store.listUnqueued(page, options));
  }

  async listUnattended(
    query: DueQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<ClusterReference>> {
    return this.#call("listUnattended", {}, async () =>
      this.#store.listUnattended(query, page, options),
    );
  }

  async listPurges(
    query: DueQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    return this.#call("listPurges", {}, async () => this.#store.listPurges(query, page, options));
  }

  async listRunning(page: PageRequest, options?: CallOptions): Promise<Page<RunningOperation>> {
    return this.#call("listRunning", {}, async () => this.#store.listRunning(page, options));
  }

  async listUnsettled(
    query: UnsettledQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<UnsettledCluster>> {
    return this.#call("listUnsettled", {}, async () =>
      this.#store.listUnsettled(query, page, options),
    );
  }

  async listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<SecretsReference>> {
    return this.#call("listNotSealedBy", {}, async () =>
      this.#store.listNotSealedBy(keyId, page, options),
    );
  }

  async updateScheduling(
    reference: ClusterReference,
    scheduling: Scheduling,
    options?: CallOptions,
  ): Promise<void> {
    return this.#call("updateScheduling", {}, async () =>
      this.#store.updateScheduling(reference, scheduling, options),
    );
  }

  async acquireLease(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options?: CallOptions,
  ): Promise<LeaseAttempt> {
    return this.#call("acquireLease", {}, async () => this.#store.acquireLease(request, options));
  }

  async renewLease(
    lease: Lease,
    request: { readonly leaseMs: number },
    options?: CallOptions,
  ): Promise<boolean> {
    return this.#call("renewLease", {}, async () =>
      this.#store.renewLease(lease, request, options),
    );
  }

  async releaseLease(lease: Lease, options?: CallOptions): Promise<void> {
    return this.#call("releaseLease", {}, async () => this.#store.releaseLease(lease, options));
  }

  async leaseRemainingMs(name: string, options?: CallOptions): Promise<number | undefined> {
    return this.#call("leaseRemainingMs", {}, async () =>
      this.#store.leaseRemainingMs(name, options),
    );
  }

  async ping(options?: CallOptions): Promise<void> {
    return this.#call("ping", {}, async () => this.#store.ping(options));
  }

  async #call<T>(name: string, attributes: SpanAttributes, call: () => Promise<T>): Promise<T> {
    const { traces, system, current } = this.#options;
    const { isRecording, context } = current();
    if (!isRecording) return call();
    const span = traces.start(name, {
      kind: "client",
      parent: context,
      attributes: { "db.system.name": system, "db.operation.name": name, ...attributes },
    });
    try {
      const result = await call();
      span.end();
      return result;
    } catch (error) {
      span.end(error);
      throw error;
    }
  }
}
