/**
 * The work of a process that can be laid down and taken up again, any number of times, until it is stopped for good. It knows
 * nothing of what the work is.
 */
import type { Log } from "./log.ts";

/** `draining` until nothing is in hand any more. */
export type WorkState = "working" | "draining" | "drained" | "stopping";

export interface DrainableWorkOptions {
  /** Works until the signal is aborted, then comes to rest. It may be called again once it has. */
  readonly run: (signal: AbortSignal) => Promise<unknown>;
  /** How much is in hand: what was left when a rest took too long may still go on. */
  readonly busy: () => number;
  readonly log: Log;
}

export class DrainableWork {
  readonly #options: DrainableWorkOptions;
  #halt = new AbortController();
  /** The run that has not ended. */
  #running: Promise<unknown> | undefined;
  #isStopped = false;

  constructor(options: DrainableWorkOptions) {
    this.#options = options;
  }

  /** What it does now. */
  get state(): WorkState {
    if (this.#isStopped) return "stopping";
    if (!this.#halt.signal.aborted) return "working";
    return this.#running === undefined && this.#options.busy() === 0 ? "drained" : "draining";
  }

  /** How much is in hand. */
  get busy(): number {
    return this.#options.busy();
  }

  /** Begins, unless it has been drained or stopped before. */
  begin(): void {
    if (this.#halt.signal.aborted || this.#running !== undefined) return;
    const { log, run } = this.#options;
    const { signal } = this.#halt;
    const running = run(signal);
    this.#running = running;
    running
      .finally(() => {
        this.#running = undefined;
        if (!this.#isStopped) log.info({ busy: this.busy }, "drained: no new work is taken");
      })
      .catch(() => {
        // whoever stops it is told
      });
  }

  /** No new work from now on. */
  drain(): void {
    if (this.#halt.signal.aborted) return;
    this.#options.log.info({ busy: this.busy }, "draining");
    this.#halt.abort();
  }

  /** Takes work again. @returns whether it does: not while it still comes to rest, nor after a stop. */
  undrain(): boolean {
    if (this.state === "drained") {
      this.#options.log.info({}, "takes work again");
      this.#halt = new AbortController();
      this.begin();
    }
    return this.state === "working";
  }

  /**
   * Ends for good, and waits until everything has come to rest.
   *
   * @throws what the run threw.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#halt.abort();
    await this.#running;
  }
}
