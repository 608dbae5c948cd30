/**
 * Says in the log how many spans were lost, and why: of a long time of losses one line in a while for each cause. It takes numbers
 * and single words only, never a text of the collector's.
 */
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Between two lines of one cause. */
const toldAgainMs = 60_000;

interface Loss {
  spans: number;
  reason?: number | string | undefined;
  /** By the monotonic clock. */
  toldAt: number;
}

export class LostSpans {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #losses = new Map<string, Loss>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The collector took nothing of a batch. */
  refused(spans: number, reason: number | string): void {
    this.#add("the collector takes no traces; they are lost", spans, reason);
  }

  /** It took a batch, without some of its spans. */
  rejected(spans: number): void {
    this.#add("the collector rejects some of the spans; they are lost", spans);
  }

  /** There was no room for one more to wait. */
  dropped(): void {
    this.#add("too many spans wait for the collector; more are dropped", 1);
  }

  /** Tells what was counted since the last lines: for the end. */
  flush(): void {
    for (const [message, loss] of this.#losses) this.#tell(message, loss);
  }

  #add(message: string, spans: number, reason?: number | string): void {
    const loss = this.#losses.get(message) ?? { spans: 0, toldAt: Number.NEGATIVE_INFINITY };
    this.#losses.set(message, loss);
    loss.spans += spans;
    loss.reason = reason;
    if (this.#clock.monotonic() >= loss.toldAt + toldAgainMs) this.#tell(message, loss);
  }

  #tell(message: string, loss: Loss): void {
    const { spans, reason } = loss;
    if (spans === 0) return;
    loss.toldAt = this.#clock.monotonic();
    loss.spans = 0;
    this.#log.warn({ spans, ...(reason === undefined ? {} : { reason }) }, message);
  }
}
