/**
 * Watches every commit and every call to the cloud of a simulation, and says what must never be seen. It looks at what is stored,
 * not at what anybody believes. It must never change anything, and never excuse what no fault of the run explains.
 */
import type {
  ClusterDocument,
  OperationDocument,
  RpDocument,
  SubscriptionDocument,
} from "../../src/model/document.ts";
import { clusterLeaseName } from "../../src/model/leaseNames.ts";
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { Change, MemoryStore } from "../store/memoryStore.ts";
import { stepNames, type Caller, type ChangedResource, type CloudWatcher } from "./cloud.ts";
import { History, historyName } from "./history.ts";
import type { Host } from "./host.ts";
import { lostPlants } from "./laterRelease.ts";
import type { Role } from "./profile.ts";
import type { World } from "./world.ts";

/** So many claims without progress end an operation, as is promised to users (README.md). */
const attemptsMax = 5;

/** Something happened that must never happen. */
export class ViolationError extends Error {
  override readonly name = "ViolationError";
}

/** In whose name a commit is made. */
interface Actor {
  readonly host: Host;
  readonly role: Role;
}

/** A cluster before and after a commit. */
export interface ClusterChange {
  readonly before: ClusterDocument | undefined;
  readonly after: ClusterDocument | undefined;
}

/** A worker's hold on one incarnation of a cluster. */
interface Claim {
  readonly host: Host;
  readonly owner: string | undefined;
  /** A fault of the run explains that it came to nothing. */
  isExcused: boolean;
}

interface Incarnation {
  readonly claims: Map<number, Claim>;
  newestEpoch: number;
  isGone: boolean;
  /** Resources that a call changed after its claim was superseded, and no rightful one since: they may be anything. */
  readonly lateResources: Set<string>;
  /** Claims since the last progress of the operation. */
  fruitless: Claim[];
  isDoomed: boolean;
}

export class Witness implements CloudWatcher {
  readonly #world: World;
  readonly #store: () => MemoryStore;
  readonly #leaseMs: number;
  readonly #incarnations = new Map<string, Incarnation>();
  /** When the cluster of each lease was last changed, and when each process was last shown that the lease is free. */
  readonly #changedAt = new Map<string, number>();
  readonly #freeSeenAt = new Map<Host, Map<string, number>>();
  /** When each process was last hit by a fault. */
  readonly #hitAt = new Map<Host, number>();
  /** What each cluster and each subscription was. */
  readonly history = new History();
  /** What became of a cluster by each request that began an operation, by the request's id. */
  readonly begunByRequest = new Map<string, ClusterChange>();
  /** Of the writes that leave no record of an operation. */
  readonly #writes = new Set<string>();
  #actor: Actor | undefined;
  #violation: ViolationError | undefined;

  constructor(options: {
    readonly world: World;
    readonly store: () => MemoryStore;
    readonly leaseMs: number;
  }) {
    this.#world = options.world;
    this.#store = options.store;
    this.#leaseMs = options.leaseMs;
  }

  /** The first thing that must never be seen. */
  get violation(): ViolationError | undefined {
    return this.#violation;
  }

  /** How many operations were begun, ended, claimed: whether a run shows anything. */
  readonly seen = { creates: 0, updates: 0, deletes: 0, claims: 0, takeovers: 0, failures: 0 };

  /** Says that something must never be seen. */
  violated(message: string): void {
    this.#world.note(`VIOLATION: ${message}`);
    this.#violation ??= new ViolationError(message);
  }

  /** Begins an effect in somebody's name: the engines in memory do all they do before the first wait. */
  inName<T>(actor: Actor, effect: () => Promise<T>): Promise<T> {
    this.#actor = actor;
    const outcome = effect();
    this.#actor = undefined;
    return outcome;
  }

  /** A process was hit by a fault: what it holds now may come to nothing. */
  excuse(host: Host): void {
    this.#hitAt.set(host, this.#world.elapsedMs);
    for (const { claims, newestEpoch } of this.#incarnations.values()) {
      const claim = claims.get(newestEpoch);
      if (claim?.host === host) claim.isExcused = true;
    }
  }

  /** Whether a fault explains that a process could not do since then what it was asked for. */
  wasHit(host: Host, since: number): boolean {
    return (this.#hitAt.get(host) ?? -Infinity) >= since || host.stoodUntil >= since;
  }

  /** A process is shown that nobody holds a lease. */
  onFreeLease(host: Host, name: string): void {
    const seenAt = this.#freeSeenAt.get(host) ?? new Map<string, number>();
    this.#freeSeenAt.set(host, seenAt.set(name, this.#world.elapsedMs));
  }

  onCommit(changes: readonly Change[]): void {
    const actor = this.#actor;
    if (actor === undefined) return this.violated("a commit in nobody's name");
    for (const change of changes) {
      this.#keepsPlants(change);
      this.#isOnce(change);
      const [before, after] = [change.before?.document, change.after?.document];
      const { kind, name } = namesOf(after ?? before);
      if (name !== undefined)
        this.history.note(name, { at: this.#world.elapsedMs, document: after });
      if (kind === "cluster") {
        this.#cluster(actor, before as ClusterDocument, after as ClusterDocument);
        this.#changedAt.set(leaseOf((after ?? before) as ClusterDocument), this.#world.elapsedMs);
      } else if (kind === "operation") {
        this.#operation(before as OperationDocument | undefined, after as OperationDocument);
      }
    }
    this.#noteRequest(changes);
    for (const { before, after } of changes) {
      this.#agree(before?.document);
      this.#agree(after?.document);
    }
  }

  onBegin(caller: Caller, call: string): void {
    const incarnation = this.#incarnations.get(caller.incarnationId);
    if (incarnation === undefined) {
      return this.violated(`${call} is begun for an incarnation that never was`);
    }
    if (incarnation.isGone || incarnation.newestEpoch !== caller.epoch) {
      this.violated(
        `${caller.host.name} begins ${call} under epoch ${caller.epoch}, ` +
          `but ${incarnation.isGone ? "the cluster is gone" : `${incarnation.newestEpoch} is newer`}`,
      );
    }
  }

  onArrival(caller: Caller, call: string, changed: readonly ChangedResource[]): void {
    const { incarnationId } = caller;
    if (changed.some(({ found }) => found !== undefined && found !== incarnationId)) {
      return this.violated(`${call} touches another incarnation's resources`);
    }
    const names = changed.map(({ name }) => name);
    const incarnation = this.#incarnations.get(incarnationId);
    const claim = incarnation?.claims.get(caller.epoch);
    if (incarnation === undefined || claim === undefined) {
      return this.violated(`${call} takes effect without a claim`);
    }
    if (!incarnation.isGone && incarnation.newestEpoch === caller.epoch) {
      for (const name of names) incarnation.lateResources.delete(name);
      return;
    }
    for (const name of names) incarnation.lateResources.add(name);
    if (!claim.isExcused && !this.#hasStood(claim.host)) {
      this.violated(`${call} takes effect after a newer claim, though nothing held it up`);
    }
  }

  onStumble({ incarnationId, epoch }: Caller): void {
    const claim = this.#incarnations.get(incarnationId)?.claims.get(epoch);
    if (claim !== undefined) claim.isExcused = true;
  }

  onDeadly({ host }: Caller): void {
    this.excuse(host);
  }

  onDoom({ incarnationId }: Caller): void {
    const incarnation = this.#incarnations.get(incarnationId);
    if (incarnation !== undefined) incarnation.isDoomed = true;
  }

  /** Whether a call that came late may have made anything of this resource. */
  isLate(incarnationId: string, resource: string): boolean {
    return this.#incarnations.get(incarnationId)?.lateResources.has(resource) === true;
  }

  /** Every incarnation there ever was. */
  get incarnations(): readonly string[] {
    return [...this.#incarnations.keys()];
  }

  #cluster(
    actor: Actor,
    before: ClusterDocument | undefined,
    after: ClusterDocument | undefined,
  ): void {
    if (before === undefined) {
      if (after !== undefined) this.#created(actor, after);
      return;
    }
    const incarnation = this.#incarnations.get(before.incarnationId);
    if (incarnation === undefined) return this.violated("a cluster that nobody created");
    if (after === undefined) return this.#removed(actor, before, incarnation);
    if (after.incarnationId !== before.incarnationId) {
      return this.violated("a cluster turned into another incarnation");
    }
    if (after.operation.id !== before.operation.id) return this.#begun(actor, before, after);
    if (after.work.epoch !== before.work.epoch) {
      return this.#claimed(actor, before, after, incarnation);
    }
    switch (actor.role) {
      case "frontend":
        if (!isTerminal(before.provisioningState) || !isTerminal(after.provisioningState)) {
          this.violated("a frontend wrote a cluster on which an operation runs");
        } else if (withoutTags(before) !== withoutTags(after)) {
          this.violated("without an operation more than tags was changed");
        }
        return;
      case "forwarder":
        this.#scheduled(actor.host, before, after);
        return;
      case "backend":
        this.#worked(actor, before, after, incarnation);
    }
  }

  #created({ role }: Actor, after: ClusterDocument): void {
    if (role !== "frontend") this.violated(`a ${role} created a cluster`);
    if (this.#incarnations.has(after.incarnationId)) {
      this.violated("an incarnation was created twice");
    }
    if (this.#isDeletedSubscription(after, ({ purge }) => purge === undefined)) {
      this.violated("a cluster came to a deleted subscription that nobody looks after any more");
    }
    this.seen.creates += 1;
    this.#incarnations.set(after.incarnationId, {
      claims: new Map(),
      newestEpoch: after.work.epoch,
      isGone: false,
      lateResources: new Set(),
      fruitless: [],
      isDoomed: false,
    });
  }

  #removed(actor: Actor, before: ClusterDocument, incarnation: Incarnation): void {
    this.#isOfClaim(actor, before, incarnation);
    if (before.operation.kind !== "delete") {
      this.violated(`a cluster vanished during its ${before.operation.kind}`);
    }
    incarnation.isGone = true;
  }

  /** A write of the forwarder: it sends messages and has an eye on those who should work. */
  #scheduled(host: Host, before: ClusterDocument, after: ClusterDocument): void {
    if (withoutScheduling(before) !== withoutScheduling(after)) {
      this.violated("the forwarder changed more than the scheduling");
    }
    if (before.unqueued || !after.unqueued) return;
    const lease = leaseOf(before);
    const freeSeenAt = this.#freeSeenAt.get(host)?.get(lease) ?? -1;
    if (freeSeenAt < (this.#changedAt.get(lease) ?? 0)) {
      this.violated("the sweep flagged a cluster without having seen that nobody holds it");
    }
  }

  /** An operation takes the place of another. */
  #begun({ role }: Actor, before: ClusterDocument, after: ClusterDocument): void {
    if (role === "backend") this.violated("a worker began an operation");
    const { kind } = after.operation;
    if (kind !== "delete" && !isTerminal(before.provisioningState)) {
      this.violated(`a ${kind} took the place of a ${before.operation.kind} that runs`);
    }
    if (before.provisioningState === "Deleting") this.violated(`a ${kind} stopped a deletion`);
    if (role === "forwarder" && (kind !== "delete" || !this.#isDeletedSubscription(after))) {
      this.violated("the forwarder began an operation in a subscription that isn't deleted");
    }
    if (after.work.epoch !== before.work.epoch) this.violated("a new operation lost the epoch");
    if (after.work.attempts !== 0 || after.work.step !== undefined) {
      this.violated("a new operation took over the work of the former");
    }
    if (kind === "delete" && goalOf(after) !== goalOf(before)) {
      this.violated("a delete changed the goal");
    }
    if (notesOf(after) !== notesOf(before)) {
      this.violated("a new operation changed what the former found out");
    }
    this.seen[kind === "delete" ? "deletes" : "updates"] += 1;
    const incarnation = this.#incarnations.get(after.incarnationId);
    if (incarnation !== undefined) {
      incarnation.fruitless = [];
      incarnation.isDoomed = false;
    }
  }

  #claimed(
    { host, role }: Actor,
    before: ClusterDocument,
    after: ClusterDocument,
    incarnation: Incarnation,
  ): void {
    const { epoch, owner } = after.work;
    if (role !== "backend") this.violated(`a ${role} claimed a cluster`);
    if (isTerminal(before.provisioningState)) this.violated("a cluster at rest was claimed");
    if (epoch !== before.work.epoch + 1) this.violated("an epoch was passed over");
    if (owner === undefined || owner === before.work.owner) this.violated("a claim without a name");
    if (goalOf(before) !== goalOf(after)) this.violated("a claim changed the goal");
    if (before.nextAttemptAt > host.clock.now()) this.violated("a claim came before its time");
    this.seen.claims += 1;
    if (incarnation.newestEpoch > 0 && before.work.owner !== undefined) this.seen.takeovers += 1;
    // a claim may land when its process is dead already, or stood in the middle of it: of its lease nothing may be left
    const isExcused = host.isDead || this.#hasStood(host);
    const claim = { host, owner, isExcused };
    incarnation.claims.set(epoch, claim);
    incarnation.newestEpoch = epoch;
    incarnation.fruitless.push(claim);
  }

  /** Whether a process stands still, or did so lately: calls of its that were on their way may come late. */
  #hasStood(host: Host): boolean {
    return host.isStanding || this.#world.elapsedMs - host.stoodUntil <= this.#leaseMs;
  }

  /** A write of the worker that holds the cluster. */
  #worked(
    actor: Actor,
    before: ClusterDocument,
    after: ClusterDocument,
    incarnation: Incarnation,
  ): void {
    this.#isOfClaim(actor, before, incarnation);
    if (isTerminal(before.provisioningState)) this.violated("a worker wrote a cluster at rest");
    if (after.provisioningState === "Failed") return this.#failed(before, after, incarnation);
    if (goalOf(before) !== goalOf(after)) this.violated("a worker changed the goal");
    if (after.provisioningState === "Succeeded") {
      const applied = after.applied ?? before.cluster;
      if (after.applied === undefined || goalOf({ ...after, cluster: applied }) !== goalOf(after)) {
        this.violated("what was reached is not what is kept as reached");
      }
    }
    const [attemptsBefore, attempts] = [before.work.attempts, after.work.attempts];
    if (after.work.step !== before.work.step) {
      incarnation.fruitless = incarnation.fruitless.slice(-1);
    } else if (attempts === 0) {
      incarnation.fruitless = [];
    } else if (attempts < attemptsBefore) {
      // a graceful stop gives its attempt back
      incarnation.fruitless.pop();
    }
  }

  #failed(before: ClusterDocument, after: ClusterDocument, incarnation: Incarnation): void {
    this.seen.failures += 1;
    const goal = goalOf({ ...before, cluster: before.applied ?? before.cluster }, false);
    if (goalOf(after, false) !== goal) this.violated("a failed operation left a goal of its own");
    if (JSON.stringify(after.cluster.tags) !== JSON.stringify(before.cluster.tags)) {
      this.violated("a failed operation undid tags that were accepted");
    }
    const excused = incarnation.fruitless.filter(({ isExcused }) => isExcused).length;
    if (!incarnation.isDoomed && excused < attemptsMax) {
      this.violated(
        `a healthy ${before.operation.kind} ended Failed: ${incarnation.fruitless.length} claims ` +
          `without progress, ${excused} of them explained by a fault`,
      );
    }
  }

  #isDeletedSubscription(
    { subscriptionId }: ClusterDocument,
    isLikeThis: (subscription: SubscriptionDocument) => boolean = () => true,
  ): boolean {
    return this.#store().documents.some(
      (document) =>
        isDeleted(document) && document.subscriptionId === subscriptionId && isLikeThis(document),
    );
  }

  /** Only the process that made the newest claim may write under it. */
  #isOfClaim(
    { host, role }: Actor,
    { work }: ClusterDocument,
    { claims, newestEpoch }: Incarnation,
  ): void {
    const claim = claims.get(newestEpoch);
    if (role !== "backend") this.violated(`a ${role} wrote as a worker`);
    if (claim?.host !== host || claim.owner !== work.owner || work.epoch !== newestEpoch) {
      this.violated(
        `${host.name} wrote under epoch ${work.epoch}, which is ${claim?.host.name ?? "nobody"}'s`,
      );
    }
  }

  #operation(before: OperationDocument | undefined, after: OperationDocument | undefined): void {
    if (before !== undefined && before.status !== "InProgress") {
      this.violated(`the record of a ${before.operationKind} changed after its end`);
    }
    if (after === undefined) return;
    const { operationKind: kind, status, steps } = after;
    const names = steps.map(({ name }) => name);
    const plan = stepNames(kind);
    const isWhole = status === "Succeeded";
    if (isWhole && steps.some(({ endedAt }) => endedAt === undefined)) {
      this.violated("a step of a record never ended");
    }
    if (new Set(names).size !== names.length) this.violated("a step was begun anew");
    if (names.join(" ") !== plan.slice(0, isWhole ? undefined : names.length).join(" ")) {
      this.violated(`a ${kind} that is ${status} had the steps ${names.join(" ")}`);
    }
  }

  /** A write that leaves no record is made once, however often its answer gets lost. */
  #isOnce({ before, after }: Change): void {
    const writeId = newestWriteOf(after?.document);
    if (writeId === undefined || writeId === newestWriteOf(before?.document)) return;
    if (this.#writes.has(writeId)) this.violated("a request was carried out twice");
    this.#writes.add(writeId);
  }

  #noteRequest(changes: readonly Change[]): void {
    const documents = changes.map(({ before, after }) => [before?.document, after?.document]);
    const begun = documents.find(
      ([before, after]) => before === undefined && after?.kind === "operation",
    )?.[1];
    const [before, after] =
      documents.find((pair) => pair.some((one) => one?.kind === "cluster")) ?? [];
    if (begun?.kind !== "operation") return;
    this.begunByRequest.set(begun.requestId, {
      before: before as ClusterDocument | undefined,
      after: after as ClusterDocument | undefined,
    });
  }

  /** A record runs if and only if its cluster isn't at rest with that very operation. */
  #agree(document: RpDocument | undefined): void {
    if (document?.kind !== "cluster" && document?.kind !== "operation") return;
    const { documents } = this.#store();
    const clusters = documents.filter((one) => one.kind === "cluster");
    const operationId = document.kind === "operation" ? document.id : document.operation.id;
    const record = documents.find((one) => one.kind === "operation" && one.id === operationId);
    const cluster = clusters.find(({ operation }) => operation.id === operationId);
    const runs = cluster !== undefined && !isTerminal(cluster.provisioningState);
    const isInProgress = record?.kind === "operation" && record.status === "InProgress";
    if (runs !== isInProgress) {
      this.violated(
        `the record of ${operationId} is ${isInProgress ? "in progress" : "at its end"}, ` +
          `its cluster ${runs ? "is not at rest" : "is at rest or gone"}`,
      );
    }
  }

  /** Whatever a later release has put in is still there. */
  #keepsPlants({ before, after }: Change): void {
    if (before === undefined || after === undefined) return;
    const lost = lostPlants(before.document, after.document);
    if (lost.length > 0) {
      this.violated(
        `members of a later release were lost: ${before.document.kind} ${lost.join(" ")}`,
      );
    }
  }
}

/** A subscription as far as the simulation looks at it. */
export function isDeleted(document: RpDocument): document is SubscriptionDocument {
  return document.kind === "subscription" && document.state === "Deleted";
}

function leaseOf({ subscriptionId: partition, id }: ClusterDocument): string {
  return clusterLeaseName({ partition, id });
}

function goalOf({ cluster }: ClusterDocument, withTags = true): string {
  const { apiserverUrl: _api, consoleUrl: _console, tags, systemData: _data, ...goal } = cluster;
  return JSON.stringify(withTags ? { ...goal, tags } : goal);
}

function notesOf({ installation }: ClusterDocument): string {
  return JSON.stringify(installation);
}

/** All that a request may not change without an operation. */
function withoutTags(document: ClusterDocument): string {
  const { cluster, revision: _revision, recentWrites: _writes, ...rest } = document;
  const { tags: _tags, systemData: _data, ...others } = cluster;
  return JSON.stringify({ ...rest, cluster: others });
}

function newestWriteOf(document: RpDocument | undefined): string | undefined {
  if (document?.kind !== "cluster" && document?.kind !== "subscription") return undefined;
  return document.recentWrites?.at(-1);
}

function namesOf(document: RpDocument | undefined): {
  readonly kind?: RpDocument["kind"];
  readonly name?: string | undefined;
} {
  return document === undefined ? {} : { kind: document.kind, name: historyName(document) };
}

function withoutScheduling(document: ClusterDocument): string {
  const { unqueued: _unqueued, sweepAfter: _sweepAfter, sweeps: _sweeps, ...rest } = document;
  return JSON.stringify(rest);
}
