/**
 * The forwarder role: under a lease, so that one process of many acts, it moves the ids of waiting documents to the
 * queue and sweeps for forgotten ones. The lease keeps the work from being done many times; correctness does not hang
 * on it, since every write is conditional.
 */
import type { Lease, Store } from "../store/store.ts";
import type { Queue } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Log } from "../runtime/log.ts";
import type { Nudge } from "../runtime/nudge.ts";
import { LeaseDeadline } from "../runtime/leaseDeadline.ts";
import { forwarderLeaseName } from "../model/leaseNames.ts";
import type { Timing } from "../model/timing.ts";
import { forwardUnqueued } from "./forwardUnqueued.ts";
import { sweep } from "./sweep.ts";

export interface ForwarderOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly timing: Timing;
  /** Notified by a frontend of this process after each commit: the common case is immediate. */
  readonly committed: Nudge;
  /** Notified after messages were sent, for a backend of this process. */
  readonly sent: Nudge;
  /** How often the store is asked without a nudge: the certain case. */
  readonly intervalMs: number;
}

interface HeldLease {
  readonly lease: Lease;
  readonly deadline: LeaseDeadline;
  renewAt: number;
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  #held: HeldLease | undefined;
  #sweepAt = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Works until the signal is aborted, then gives the lease back. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, committed, intervalMs, log } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (await this.#holdLease(signal)) await this.#pass(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        log.error({ error, failures }, "the forwarder's pass failed; it will be tried again");
      }
      const waitMs = intervalMs * Math.min(2 ** failures, 16);
      try {
        // after a failure a nudge must not turn into a hot loop
        if (failures > 0) await clock.sleep(waitMs, signal);
        else await committed.wait(waitMs, signal);
      } catch {
        // aborted: the loop ends
      }
    }
    await this.#releaseLease();
  }

  async #holdLease(signal: AbortSignal): Promise<boolean> {
    const { store, clock, ids, log, timing } = this.#options;
    const begunAt = clock.monotonic();
    if (this.#held !== undefined) {
      if (!this.#held.deadline.passed && begunAt < this.#held.renewAt) return true;
      if (await store.renewLease(this.#held.lease, { leaseMs: timing.leaseMs }, { signal })) {
        this.#held.deadline.renewed(begunAt);
        this.#held.renewAt = begunAt + timing.heartbeatMs;
        return true;
      }
      this.#held = undefined;
      log.warn({}, "the forwarder's lease was lost");
    }
    const attempt = await store.acquireLease(
      { name: forwarderLeaseName, owner: ids.guid(), leaseMs: timing.leaseMs },
      { signal },
    );
    if (!attempt.acquired) return false;
    this.#held = {
      lease: attempt.lease,
      deadline: new LeaseDeadline({ clock, leaseMs: timing.leaseMs, begunAt }),
      renewAt: begunAt + timing.heartbeatMs,
    };
    log.info({}, "this process forwards");
    return true;
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { store, queue, clock, log, timing, sent } = this.#options;
    const mayAct = (): boolean => this.#held !== undefined && !this.#held.deadline.passed;
    const shared = { store, clock, log, timing, mayAct, signal };
    await forwardUnqueued({ ...shared, queue, onSent: () => sent.notify() });
    if (clock.monotonic() < this.#sweepAt || !mayAct()) return;
    this.#sweepAt = clock.monotonic() + timing.heartbeatMs;
    if ((await sweep(shared)) > 0) {
      await forwardUnqueued({ ...shared, queue, onSent: () => sent.notify() });
    }
  }

  async #releaseLease(): Promise<void> {
    if (this.#held === undefined) return;
    const { lease } = this.#held;
    this.#held = undefined;
    try {
      await this.#options.store.releaseLease(lease);
    } catch (error) {
      this.#options.log.warn({ error }, "the forwarder's lease could not be released; it runs out by itself");
    }
  }
}
