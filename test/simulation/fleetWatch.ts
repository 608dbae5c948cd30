/**
 * What a fleet does, as seen from its store and queue: how long operations wait, how far the forwarder's passes go, how soon others
 * take over from the dead; and that each accepted operation ends once, with one worker at a time. It must never change anything.
 */
import type { ClusterDocument } from "../../src/model/document.ts";
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { Change } from "../store/memoryStore.ts";
import type { Actor, CallWatcher } from "./azureServices.ts";
import type { Host } from "./host.ts";
import type { World } from "./world.ts";

/** The partition in which a run may have more clusters than in others. */
export const busySubscription = "00000000-0000-4000-8000-000000000000";

/** An operation that has not ended. */
interface Running {
  readonly committedAt: number;
  /** The process that has made the newest claim, unless the operation waits since. */
  holder: Host | undefined;
  isStarted: boolean;
  /** When its holder died. */
  orphanedAt: number | undefined;
}

interface NewestClaim {
  readonly host: Host;
  readonly epoch: number;
  readonly owner: string | undefined;
}

/** Under which claim a step works on which cluster. */
interface Act {
  readonly resourceId: string;
  readonly epoch: number;
}

/** A pass of the forwarder over all that waits. */
export interface ForwarderPass {
  readonly durationMs: number;
  readonly sent: number;
}

export class FleetWatch implements CallWatcher {
  readonly #world: World;
  readonly #running = new Map<string, Running>();
  readonly #claims = new Map<string, NewestClaim>();
  /** Whose step is under way, by the cluster. */
  readonly #acting = new Map<string, Pick<NewestClaim, "host" | "epoch">>();
  /** From the commit to the first claim, which begins the first step. */
  readonly startMs: number[] = [];
  /** The same, of operations in all subscriptions but the busy one. */
  readonly quietStartMs: number[] = [];
  /** From a worker's death to the next claim of what it had in hand. */
  readonly failoverMs: number[] = [];
  /** From the death of whoever forwarded to the next message sent. */
  readonly forwarderFailoverMs: number[] = [];
  readonly passes: ForwarderPass[] = [];
  readonly violations: string[] = [];
  accepted = 0;
  ended = 0;
  claims = 0;
  /** Clusters that wait for the forwarder. */
  unqueued = 0;
  #pass: { readonly beganAt: number; sent: number; endsAt: number } | undefined;
  #forwarding: Host | undefined;
  #forwarderDiedAt: number | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Operations under way. */
  get running(): number {
    return this.#running.size;
  }

  #violated(message: string): void {
    this.violations.push(`at ${Math.round(this.#world.elapsedMs)} ms: ${message}`);
  }

  onDeath(host: Host): void {
    const now = this.#world.elapsedMs;
    for (const operation of this.#running.values()) {
      if (operation.holder !== host) continue;
      operation.holder = undefined;
      operation.orphanedAt = now;
    }
    if (this.#forwarding === host) {
      this.#endPass();
      this.#forwarderDiedAt = now;
      this.#forwarding = undefined;
    }
  }

  /** A step begins, or goes on to change something outside. */
  onAct(host: Host, { resourceId, epoch }: Act): void {
    const newest = this.#claims.get(resourceId);
    if (newest?.epoch !== epoch || newest.host !== host) {
      this.#violated(`${host.name} acts on ${resourceId} under epoch ${epoch}, which is not its`);
    }
    const other = this.#acting.get(resourceId);
    if (other !== undefined && other.epoch !== epoch && !other.host.isDead) {
      this.#violated(`${host.name} and ${other.host.name} act on ${resourceId} at the same time`);
    }
    this.#acting.set(resourceId, { host, epoch });
  }

  /** It does nothing more. */
  onRest({ resourceId, epoch }: Act): void {
    if (this.#acting.get(resourceId)?.epoch === epoch) this.#acting.delete(resourceId);
  }

  onCall({ host, role }: Actor, method: string, [first]: readonly unknown[]): void {
    if (role !== "forwarder" || method !== "listUnqueued") return;
    const { continuation } = first as { readonly continuation?: string };
    if (continuation === undefined) this.#beginPass();
    if (this.#forwarding === undefined && this.#forwarderDiedAt !== undefined) {
      this.forwarderFailoverMs.push(this.#world.elapsedMs - this.#forwarderDiedAt);
      this.#forwarderDiedAt = undefined;
    }
    this.#forwarding = host;
  }

  onAnswer({ role }: Actor, method: string, isDone: boolean): void {
    const pass = this.#pass;
    if (role !== "forwarder" || pass === undefined) return;
    if (!["listUnqueued", "send", "updateScheduling"].includes(method)) return;
    pass.endsAt = this.#world.elapsedMs;
    if (method === "send" && isDone) pass.sent += 1;
  }

  #beginPass(): void {
    this.#endPass();
    const now = this.#world.elapsedMs;
    this.#pass = { beganAt: now, sent: 0, endsAt: now };
  }

  #endPass(): void {
    if (this.#pass === undefined) return;
    const { beganAt, sent, endsAt } = this.#pass;
    this.passes.push({ durationMs: endsAt - beganAt, sent });
    this.#pass = undefined;
  }

  /** Told of each commit, with whoever made it; what was stored before the fleet began is nobody's. */
  onCommit(actor: Actor | undefined, changes: readonly Change[]): void {
    if (actor === undefined) return;
    for (const { before, after } of changes) {
      if (before?.document.kind !== "cluster" || after?.document.kind !== "cluster") continue;
      this.#cluster(actor, before.document, after.document);
      const record = changes.find(({ after: other }) => other?.document.kind === "operation");
      const document = record?.after?.document;
      const hasEnded = isTerminal(after.document.provisioningState);
      if (hasEnded && document?.kind === "operation" && document.status === "InProgress") {
        this.#violated(`${document.id} runs on, and its cluster is at rest`);
      }
    }
  }

  #cluster({ host, role }: Actor, before: ClusterDocument, after: ClusterDocument): void {
    this.unqueued += Number(after.unqueued) - Number(before.unqueued);
    const { id } = after.operation;
    if (id !== before.operation.id) {
      if (!isTerminal(before.provisioningState)) this.#violated(`${id} took a running one's place`);
      this.accepted += 1;
      this.#running.set(id, {
        committedAt: this.#world.elapsedMs,
        holder: undefined,
        isStarted: false,
        orphanedAt: undefined,
      });
      return;
    }
    if (after.work.epoch !== before.work.epoch) return this.#claimed(host, before, after);
    if (role !== "backend") return;
    const newest = this.#claims.get(after.resourceId);
    if (newest?.host !== host || newest.owner !== before.work.owner) {
      this.#violated(`${host.name} wrote ${after.resourceId}, which is not its`);
    }
    const operation = this.#running.get(id);
    if (operation === undefined) return this.#violated(`${id} was written after its end`);
    if (isTerminal(after.provisioningState)) {
      this.ended += 1;
      this.#running.delete(id);
      if (after.provisioningState !== "Succeeded") {
        this.#violated(`${id} ended ${after.provisioningState}`);
      }
    } else if (after.nextAttemptAt > this.#world.now) {
      // it waits: nobody has it in hand
      operation.holder = undefined;
    }
  }

  #claimed(host: Host, before: ClusterDocument, after: ClusterDocument): void {
    const { epoch, owner } = after.work;
    const { id } = after.operation;
    const operation = this.#running.get(id);
    if (operation === undefined) return this.#violated(`${id} was claimed after its end`);
    if (epoch !== before.work.epoch + 1) this.#violated(`${id}: an epoch was passed over`);
    const now = this.#world.elapsedMs;
    this.claims += 1;
    this.#claims.set(after.resourceId, { host, epoch, owner });
    if (!operation.isStarted) {
      this.startMs.push(now - operation.committedAt);
      if (after.subscriptionId !== busySubscription)
        this.quietStartMs.push(now - operation.committedAt);
    }
    if (operation.orphanedAt !== undefined) this.failoverMs.push(now - operation.orphanedAt);
    operation.isStarted = true;
    operation.orphanedAt = undefined;
    operation.holder = host.isDead ? undefined : host;
    // a claim that arrived after its process had died
    if (host.isDead) operation.orphanedAt = now;
  }
}
