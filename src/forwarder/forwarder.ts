/**
 * The forwarder role: under a lease, so that one process of many acts, it moves the ids of waiting documents to the
 * queue and sweeps for forgotten ones. The lease keeps the work from being done many times; correctness does not hang
 * on it, since every write is conditional. It must never act after its own view of the lease has ended, and no call of it
 * may hang for longer than a lease.
 */
import { StoreUnavailableError, type Lease, type Store } from "../store/store.ts";
import { QueueUnavailableError, type Queue } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Log } from "../runtime/log.ts";
import type { EndedOperation } from "../runtime/metrics.ts";
import type { Nudge } from "../runtime/nudge.ts";
import { PollPace, type PollFigures } from "../runtime/pollPace.ts";
import { LeaseDeadline, momentOf } from "../runtime/leaseDeadline.ts";
import { forwarderLeaseName } from "../model/leaseNames.ts";
import type { Activity } from "../model/document.ts";
import type { Timing } from "../model/timing.ts";
import { untraced, type Tracing } from "../runtime/traces.ts";
import { ActivityReport } from "./activityReport.ts";
import { forwardUnqueued, type ForwardEngines } from "./forwardUnqueued.ts";
import { LeftBehind } from "./leftBehind.ts";
import { purgeSubscriptions } from "./purgeSubscriptions.ts";
import { SetAside } from "./setAside.ts";
import { sweep } from "./sweep.ts";

export interface ForwarderOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly timing: Timing;
  /** The region served: for the records of the deletions that it begins. */
  readonly location: string;
  /**
   * Notified by a frontend of this process after each commit: the common case is immediate. The forwarder notifies it itself
   * when what it left behind has ended.
   */
  readonly committed: Nudge;
  /** Notified after messages were sent, for a backend of this process. */
  readonly sent: Nudge;
  /** How often the store is asked without a nudge: the certain case. */
  readonly polling: PollFigures;
  readonly tracing?: Tracing<ForwardEngines>;
  /** For metrics: told how many messages were sent, operations flagged again by the sweep, and of operations cut short. */
  readonly onMessagesSent?: (count: number) => void;
  readonly onFlagged?: (count: number) => void;
  readonly onEnded?: (ended: EndedOperation) => void;
}

interface HeldLease {
  readonly lease: Lease;
  readonly deadline: LeaseDeadline;
  renewAt: number;
}

/** What an engine that can't serve asks for. */
function retryAfterOf(error: unknown): number | undefined {
  return error instanceof StoreUnavailableError || error instanceof QueueUnavailableError
    ? error.retryAfterMs
    : undefined;
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #setAside: SetAside;
  readonly #leftBehind: LeftBehind;
  readonly #pace: PollPace;
  #held: HeldLease | undefined;
  readonly #report: ActivityReport;
  #reporting: Promise<void> | undefined;
  /** Not at once: after a stop of all processes the messages are there, and whoever works has not taken them yet. */
  #sweepAt: number;
  /** Whether a frontend of this process has committed something since the last pass, or what was left behind has ended. */
  #isNudged = false;
  /** At once: what a process before left undone. */
  #purgeAt = -Infinity;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { clock, committed, timing } = options;
    this.#leftBehind = new LeftBehind(() => committed.notify());
    this.#pace = new PollPace(options.polling);
    this.#sweepAt = clock.monotonic() + timing.heartbeatMs;
    this.#setAside = new SetAside({ clock, firstWaitMs: timing.heartbeatMs });
    this.#report = new ActivityReport(options);
  }

  /** Whether this process is the one that acts. */
  get holdsLease(): boolean {
    return this.#held !== undefined && !this.#held.deadline.passed;
  }

  /** What the fleet has to do, as last counted here; only while this process is the one that acts. */
  get activity(): Activity | undefined {
    return this.holdsLease ? this.#report.latest : undefined;
  }

  /** Works until the signal is aborted, then gives the lease back. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, committed, log } = this.#options;
    while (!signal.aborted) {
      try {
        const isOurs = await this.#holdLease(signal);
        if (isOurs) this.#beginReport(signal);
        const found = isOurs ? await this.#pass(signal) : 0;
        if (found > 0) this.#report.stirred();
        this.#pace.looked(found);
      } catch (error) {
        if (signal.aborted) break;
        this.#pace.failed(retryAfterOf(error));
        const { failures } = this.#pace;
        log.error({ error, failures }, "the forwarder's pass failed; it will be tried again");
      }
      const { failures, waitMs } = this.#pace;
      try {
        // after a failure a nudge must not turn into a hot loop
        if (failures > 0) await clock.sleep(waitMs, signal);
        else this.#isNudged = await committed.wait(waitMs, signal);
      } catch {
        // aborted: the loop ends
      }
    }
    await this.#releaseLease();
  }

  /** Beside the passes, which must not wait for it; one at a time. A stop ends it at once: nobody has to wait for it. */
  #beginReport(stop: AbortSignal): void {
    const held = this.#held;
    if (held === undefined || this.#reporting !== undefined || !this.#report.isDue) return;
    const { deadline } = held;
    this.#reporting = this.#report
      .run(stop, () => !deadline.passed)
      .finally(() => (this.#reporting = undefined));
  }

  async #holdLease(stop: AbortSignal): Promise<boolean> {
    const { store, clock, log, timing } = this.#options;
    const begunAt = momentOf(clock);
    const { leaseMs } = timing;
    if (this.#held !== undefined) {
      const { lease, deadline, renewAt } = this.#held;
      if (!deadline.passed && begunAt.monotonicMs < renewAt) return true;
      const isOurs = await this.#limited(stop, leaseMs, async (signal) =>
        store.renewLease(lease, { leaseMs }, { signal }),
      );
      if (isOurs) {
        deadline.renewed(begunAt);
        this.#held.renewAt = begunAt.monotonicMs + timing.heartbeatMs;
        return true;
      }
      this.#held = undefined;
      log.warn({}, "the forwarder's lease was lost");
    }
    return this.#acquireLease(stop);
  }

  async #acquireLease(stop: AbortSignal): Promise<boolean> {
    const { store, clock, ids, log, timing } = this.#options;
    const begunAt = momentOf(clock);
    const { leaseMs } = timing;
    const request = { name: forwarderLeaseName, owner: ids.guid(), leaseMs };
    let isOurs = false;
    try {
      const attempt = await this.#limited(stop, leaseMs, async (signal) =>
        store.acquireLease(request, { signal }),
      );
      isOurs = attempt.acquired;
    } catch (error) {
      // without an answer it may be ours, and nobody would know
      await this.#release({ name: request.name, owner: request.owner });
      throw error;
    }
    if (!isOurs) return false;
    this.#held = {
      lease: { name: request.name, owner: request.owner },
      deadline: new LeaseDeadline({ clock, leaseMs, begunAt }),
      renewAt: begunAt.monotonicMs + timing.heartbeatMs,
    };
    log.debug({}, "this process forwards");
    return true;
  }

  /**
   * Ends with the lease at the latest: whoever hangs in it must not keep the lease from being renewed.
   *
   * @returns how much there was to do.
   */
  async #pass(stop: AbortSignal): Promise<number> {
    const { store, queue, clock, ids, log, timing, sent, location } = this.#options;
    const held = this.#held;
    if (held === undefined) return 0;
    const mayAct = (): boolean => !held.deadline.passed;
    return this.#limited(stop, held.deadline.remainingMs, async (signal) => {
      const tracing = this.#options.tracing ?? untraced({ store, queue });
      const shared = { store, clock, log, timing, tracing, mayAct, signal };
      const forward = async (): Promise<number> => {
        const forwarded = await forwardUnqueued({
          ...shared,
          queue,
          stop,
          setAside: this.#setAside,
          leftBehind: this.#leftBehind,
          leaseRemainingMs: () => held.deadline.remainingMs,
          onSent: (count) => {
            sent.notify();
            this.#options.onMessagesSent?.(count);
          },
        });
        return forwarded.sent + forwarded.failed;
      };
      const isOver = (): boolean => !mayAct() || signal.aborted;
      const found = await forward();
      if (isOver()) return found;
      const { onEnded, onFlagged } = this.#options;
      let flagged = 0;
      if (this.#isNudged || clock.monotonic() >= this.#purgeAt) {
        const begun = await purgeSubscriptions({
          ...shared,
          ids,
          location,
          ...(onEnded === undefined ? {} : { onEnded }),
        });
        // where there was something to begin there may be more; else nothing is due sooner
        this.#purgeAt = begun > 0 ? -Infinity : clock.monotonic() + timing.heartbeatMs;
        flagged += begun;
      }
      if (clock.monotonic() >= this.#sweepAt && !isOver()) {
        this.#sweepAt = clock.monotonic() + timing.heartbeatMs;
        const swept = await sweep(shared);
        onFlagged?.(swept);
        flagged += swept;
      }
      if (flagged > 0 && !isOver()) {
        await forward();
      }
      return found + flagged;
    });
  }

  async #releaseLease(): Promise<void> {
    if (this.#held === undefined) return;
    const { lease } = this.#held;
    this.#held = undefined;
    await this.#release(lease);
  }

  async #release(lease: Lease): Promise<void> {
    const { store, log, timing } = this.#options;
    try {
      await this.#limited(undefined, timing.heartbeatMs, async (signal) =>
        store.releaseLease(lease, { signal }),
      );
    } catch (error) {
      log.warn({ error }, "the forwarder's lease could not be released; it runs out by itself");
    }
  }

  async #limited<T>(
    stop: AbortSignal | undefined,
    afterMs: number,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    using limit = deadlineSignal({
      clock: this.#options.clock,
      afterMs,
      reason: () => new Error("no answer in time"),
      parents: stop === undefined ? [] : [stop],
    });
    const { signal } = limit;
    return await untilAborted(signal, async () => call(signal));
  }
}
