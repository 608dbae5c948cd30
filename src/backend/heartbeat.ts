/**
 * Keeps a worker alive in the eyes of others while it works: renews the lease, then the message's visibility, then asks
 * whether the operation is still the current one. A transient error is tried again until shortly before the lease runs out;
 * a lost lease or a newer operation aborts the step at once. A lost message alone is no reason to stop: the lease decides.
 */
import type { DocumentKey } from "../model/resourceId.ts";
import type { Timing } from "../model/timing.ts";
import { MessageLostError, type Queue, type ReceivedMessage } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import { momentOf, type LeaseDeadline } from "../runtime/leaseDeadline.ts";
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
  /** When the message was received, by the monotonic clock: a slow claim must not cost the message. */
  readonly receivedAt: number;
  /** Called at most once, with why the worker must stop. */
  readonly onLost: (reason: LeaseLostError | SupersededError) => void;
}

/** Made once: of its own accord a controller makes an error, with its stack, for each heartbeat. */
const ended = new Error("the heartbeat was ended");

export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #message: ReceivedMessage | undefined;

  /** Begins to beat. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#message = options.message;
    this.#ended = this.#beat().catch((cause: unknown) => {
      options.onLost(new LeaseLostError("the heartbeat broke", { cause }));
    });
  }

  /** The message with its latest pop receipt; `undefined` when it was lost. Meaningful once the heartbeat has ended. */
  get message(): ReceivedMessage | undefined {
    return this.#message;
  }

  /** Ends it, and waits for a beat that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(ended);
    await this.#ended;
  }

  async #beat(): Promise<void> {
    const { clock, deadline, log, receivedAt, timing, onLost } = this.#options;
    let waitMs = Math.max(0, receivedAt + timing.heartbeatMs - clock.monotonic());
    while (await this.#waited(Math.min(waitMs, Math.max(0, deadline.remainingMs)))) {
      if (deadline.passed) {
        onLost(new LeaseLostError("the lease could not be renewed in time"));
        return;
      }
      // a call that hangs, even one that ignores its signal, must not outlive the lease
      using limit = deadlineSignal({
        clock,
        afterMs: deadline.remainingMs,
        reason: () => new Error("a call of the heartbeat hung"),
      });
      try {
        const { signal } = limit;
        const complete = await untilAborted(signal, async () => this.#beatOnce(signal));
        waitMs = complete ? timing.heartbeatMs : timing.heartbeatMs / 4;
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

  /** @returns whether the message was prolonged too, or is known to be lost. */
  async #beatOnce(signal: AbortSignal): Promise<boolean> {
    const { store, clock, timing, key, claim, lease, deadline } = this.#options;
    const begunAt = momentOf(clock);
    if (!(await store.renewLease(lease, { leaseMs: timing.leaseMs }, { signal }))) {
      throw new LeaseLostError("somebody else has the lease");
    }
    deadline.renewed(begunAt);
    const prolonged = await this.#prolongMessage(signal);
    const stored = await store.read("cluster", key, { signal, openSecrets: false });
    if (stored === undefined || !isHeldBy(stored.document, claim)) {
      throw new SupersededError("a newer claim or operation has the cluster");
    }
    return prolonged;
  }

  /** A queue that is down must not keep the worker from learning that it was superseded. */
  async #prolongMessage(signal: AbortSignal): Promise<boolean> {
    const { queue, log, timing } = this.#options;
    if (this.#message === undefined) return true;
    try {
      const { visibilityMs } = timing;
      this.#message = await queue.extend(this.#message, { visibilityMs }, { signal });
      return true;
    } catch (error) {
      if (error instanceof MessageLostError) {
        this.#message = undefined;
        log.info({}, "the message was lost; the lease decides");
        return true;
      }
      log.warn({ error }, "the message could not be prolonged; it is tried again");
      return false;
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
