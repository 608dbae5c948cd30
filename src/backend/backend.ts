/**
 * The backend role: takes messages off the queue, as many as it has free worker slots, and lets a worker handle each. It waits
 * for a nudge, a message that becomes due, a slot that gets free, or the poll interval; it must never spin, neither on an empty
 * queue nor on a failing one, and never hold more messages than it has slots.
 */
import type { Installer } from "../installers/installer.ts";
import type { Timing } from "../model/timing.ts";
import { QueueUnavailableError, type Queue, type ReceivedMessage } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Ids, Random } from "../runtime/ids.ts";
import type { Log } from "../runtime/log.ts";
import { Nudge } from "../runtime/nudge.ts";
import { PollPace, type PollFigures } from "../runtime/pollPace.ts";
import { untraced, type Tracing } from "../runtime/traces.ts";
import type { Store } from "../store/store.ts";
import type { StepEvent } from "./runSteps.ts";
import { stepListsOf, type StepLists } from "./stepList.ts";
import { handleMessage, type WorkerEngines, type WorkerOptions } from "./worker.ts";

export interface BackendOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly installer: Installer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly timing: Timing;
  /** How many messages are handled at the same time, at least 1. */
  readonly workers: number;
  /** Notified by a forwarder of this process after messages were sent: the common case is immediate. */
  readonly sent: Nudge;
  /** How often the queue is asked without a nudge: the certain case. */
  readonly polling: PollFigures;
  /** How long a stop may take; steps get half of it to come to rest. */
  readonly stopGraceMs: number;
  /** Told of each run of a step, for metrics. */
  readonly onStep?: (event: StepEvent) => void;
  readonly tracing?: Tracing<WorkerEngines>;
  /** The same for each claim, each claim that is lost while its worker works, and each operation that ends. */
  readonly onClaim?: NonNullable<WorkerOptions["onClaim"]>;
  readonly onClaimLost?: NonNullable<WorkerOptions["onClaimLost"]>;
  readonly onEnded?: NonNullable<WorkerOptions["onEnded"]>;
}

/** The most that a queue gives at once. */
const receiveMax = 32;
export class Backend {
  readonly #options: BackendOptions;
  readonly #steps: StepLists;
  readonly #tracing: Tracing<WorkerEngines>;
  readonly #freed: Nudge;
  readonly #pace: PollPace;
  readonly #busy = new Set<Promise<void>>();
  /** When messages that were put back can be received again, by the monotonic clock. */
  readonly #dueAt = new Set<number>();

  /** @throws {TypeError} when the installer's steps are no list with unique names. */
  constructor(options: BackendOptions) {
    this.#options = options;
    this.#tracing = options.tracing ?? untraced(options);
    this.#steps = stepListsOf(options.installer);
    this.#freed = new Nudge(options.clock);
    this.#pace = new PollPace(options.polling);
  }

  /** How many workers have a message in hand. */
  get busy(): number {
    return this.#busy.size;
  }

  /** Works until the signal is aborted, then lets the workers come to rest for a while. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, workers, installer } = this.#options;
    log.debug({ workers, installer: installer.name }, "this process works");
    while (!signal.aborted) {
      const free = this.#options.workers - this.#busy.size;
      const max = Math.min(free, receiveMax);
      const messages = max > 0 ? await this.#receive(max) : [];
      for (const message of messages.slice(0, max)) this.#start(message, signal);
      // a full answer means that there may be more
      if (max > 0 && messages.length >= max) continue;
      await this.#wait(signal);
    }
    await this.#comeToRest();
  }

  /** @returns nothing when the queue fails. */
  async #receive(max: number): Promise<readonly ReceivedMessage[]> {
    const { queue, clock, log, timing } = this.#options;
    const { visibilityMs } = timing;
    using limit = deadlineSignal({
      clock,
      // what arrives later than that would be close to visible again
      afterMs: timing.heartbeatMs,
      reason: () => new Error("the queue did not answer in time"),
    });
    const { signal } = limit;
    const askedAt = clock.monotonic();
    try {
      const messages = await untilAborted(signal, async () =>
        queue.receive({ max, visibilityMs }, { signal }),
      );
      this.#pace.looked(messages.length);
      for (const dueAt of this.#dueAt) if (dueAt <= askedAt) this.#dueAt.delete(dueAt);
      return messages;
    } catch (error) {
      this.#pace.failed(error instanceof QueueUnavailableError ? error.retryAfterMs : undefined);
      const { failures } = this.#pace;
      log.error({ error, failures }, "the queue failed; it will be asked again");
      return [];
    }
  }

  #start(message: ReceivedMessage, stop: AbortSignal): void {
    const restMs = this.#options.stopGraceMs / 2;
    const worker = handleMessage(message, {
      ...this.#options,
      tracing: this.#tracing,
      steps: this.#steps,
      stop,
      restMs,
    }).then(({ dueInMs }) => {
      if (dueInMs !== undefined && !stop.aborted) {
        this.#dueAt.add(this.#options.clock.monotonic() + dueInMs);
      }
      this.#busy.delete(worker);
      this.#freed.notify();
    });
    this.#busy.add(worker);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { clock, sent, workers } = this.#options;
    const { failures, waitMs: restMs } = this.#pace;
    using waits = abortedWith(signal);
    try {
      if (failures > 0) {
        // a nudge must not turn a failing queue into a hot loop
        await clock.sleep(restMs, signal);
      } else if (this.#busy.size >= workers) {
        // with no free slot there is nothing to ask for; the interval is a net only
        await this.#freed.wait(restMs, waits.signal);
      } else {
        const waitMs = Math.max(0, Math.min(restMs, this.#nextDueInMs()));
        await Promise.race([
          sent.wait(waitMs, waits.signal),
          this.#freed.wait(waitMs, waits.signal),
        ]);
      }
    } catch {
      // aborted: the loop ends
    }
  }

  #nextDueInMs(): number {
    const now = this.#options.clock.monotonic();
    let nextMs = Infinity;
    for (const dueAt of this.#dueAt) nextMs = Math.min(nextMs, dueAt - now);
    return nextMs;
  }

  async #comeToRest(): Promise<void> {
    const { clock, log, stopGraceMs } = this.#options;
    using limit = deadlineSignal({
      clock,
      afterMs: stopGraceMs,
      reason: () => new Error("the workers took too long to come to rest"),
    });
    try {
      await untilAborted(limit.signal, async () => Promise.all(this.#busy));
    } catch {
      log.warn({ busy: this.#busy.size }, "stopped with work in hand; others take it over");
    }
  }
}

/** Made once: of its own accord a controller makes an error, with its stack, for each wait. */
const left = new Error("nobody waits any more");

/** A signal that ends with its scope, or with its parent. */
function abortedWith(parent: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const scope = new AbortController();
  return {
    signal: AbortSignal.any([scope.signal, parent]),
    [Symbol.dispose]: () => scope.abort(left),
  };
}
