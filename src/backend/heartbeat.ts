/**
 * Keeps a worker alive in the eyes of others while it works: renews the lease, then the message's visibility, then asks
 * whether the operation is still the current one. A transient error is tried again until shortly before the lease runs out;
 * a lost lease or a newer operation aborts the step at once. A lost message alone is no reason to stop: the lease decides.
 */
import type { DocumentKey } from "../model/resourceId.ts";
import type { Timing } from "../model/timing.ts";
import { MessageLostError, type Queue, type ReceivedMessage } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal } from "../runtime/deadlineSignal.ts";
import type { LeaseDeadline } from "../runtime/leaseDeadline.ts";
import type { Log } from "../runtime/log.ts";
import type { Lease, Store } from "../store/store.ts";
import { isHeldBy, SupersededError, type Claim } from "./fencedCluster.ts";

/** The lease has run out, or may have: the worker must stop acting. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

export interface HeartbeatOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: Timing;
  readonly key: DocumentKey;
  readonly claim: Claim;
  readonly lease: Lease;
  readonly deadline: LeaseDeadline;
  readonly message: ReceivedMessage;
  /** Called at most once, with why the worker must stop. */
  readonly onLost: (reason: LeaseLostError | SupersededError) => void;
}

export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #message: ReceivedMessage | undefined;

  /** Begins to beat. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#message = options.message;
    this.#ended = this.#beat();
  }

  /** The message with its latest pop receipt; `undefined` when it was lost. Meaningful once the heartbeat has ended. */
  get message(): ReceivedMessage | undefined {
    return this.#message;
  }

  /** Ends it, and waits for a beat that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #beat(): Promise<void> {
    const { clock, deadline, log, timing, onLost } = this.#options;
    let waitMs = timing.heartbeatMs;
    while (await this.#waited(Math.min(waitMs, Math.max(0, deadline.remainingMs)))) {
      if (deadline.passed) {
        onLost(new LeaseLostError("the lease could not be renewed in time"));
        return;
      }
      // a call that hangs must not outlive the lease
      using limit = deadlineSignal({
        clock,
        afterMs: deadline.remainingMs,
        reason: () => new LeaseLostError("the lease could not be renewed in time"),
      });
      try {
        await this.#beatOnce(limit.signal);
        waitMs = timing.heartbeatMs;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error instanceof LeaseLostError || error instanceof SupersededError) {
          onLost(error);
          return;
        }
        log.warn({ error }, "a heartbeat failed; it is tried again until the lease ends");
        waitMs = timing.heartbeatMs / 4;
      }
    }
  }

  async #beatOnce(signal: AbortSignal): Promise<void> {
    const { store, queue, clock, timing, key, claim, lease, deadline } = this.#options;
    const begunAt = clock.monotonic();
    if (!(await store.renewLease(lease, { leaseMs: timing.leaseMs }, { signal }))) {
      throw new LeaseLostError("somebody else has the lease");
    }
    deadline.renewed(begunAt);
    if (this.#message !== undefined) {
      try {
        this.#message = await queue.extend(
          this.#message,
          { visibilityMs: timing.visibilityMs },
          { signal },
        );
      } catch (error) {
        if (!(error instanceof MessageLostError)) throw error;
        this.#message = undefined;
      }
    }
    const stored = await store.read("cluster", key, { signal });
    if (stored === undefined || !isHeldBy(stored.document, claim)) {
      throw new SupersededError("a newer claim or operation has the cluster");
    }
  }

  /** @returns `false` when the heartbeat was ended meanwhile. */
  async #waited(durationMs: number): Promise<boolean> {
    try {
      await this.#options.clock.sleep(durationMs, this.#stop.signal);
      return !this.#stop.signal.aborted;
    } catch {
      return false;
    }
  }
}
