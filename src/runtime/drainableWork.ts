/**
 * The work of a process that can be laid down and taken up again, any number of times, until it is stopped for good, or breaks. It
 * knows nothing of what the work is, and must never look at work while nothing is done any more.
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
  /** Resolves with what a run threw: work that broke is never taken up again. */
  readonly #broken = Promise.withResolvers<unknown>();
  #isBroken = false;

  constructor(options: DrainableWorkOptions) {
    this.#options = options;
  }

  /** What it does now. */
  get state(): WorkState {
    if (this.#isStopped || this.#isBroken) return "stopping";
    if (!this.#halt.signal.aborted) return "working";
    return this.#running === undefined && this.#options.busy() === 0 ? "drained" : "draining";
  }

  /** How much is in hand. */
  get busy(): number {
    return this.#options.busy();
  }

  /** Begins, unless it has been drained or stopped before. */
  begin(): void {
    if (this.#halt.signal.aborted || this.#running !== undefined || this.#isBroken) return;
    this.#running = this.#run(this.#halt.signal);
  }

  /**
   * Looks on until it breaks.
   *
   * @returns what was thrown; `undefined` when `stop` is aborted before.
   */
  async untilBroken(stop: AbortSignal): Promise<{ readonly error: unknown } | undefined> {
    const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
    if (stop.aborted) resolve(undefined);
    else stop.addEventListener("abort", () => resolve(undefined), { once: true });
    return Promise.race([this.#broken.promise.then((error) => ({ error })), stopped]);
  }

  /** Never rejects: a failure is kept for who stops it, and for who looks on. */
  async #run(signal: AbortSignal): Promise<void> {
    const { log, run } = this.#options;
    try {
      await run(signal);
      this.#running = undefined;
      if (!this.#isStopped) log.info({ busy: this.busy }, "drained: no new work is taken");
    } catch (error) {
      this.#running = undefined;
      this.#isBroken = true;
      this.#broken.resolve(error);
      // what ran beside it must not go on half
      this.#halt.abort();
    }
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
    if (this.#isBroken) throw await this.#broken.promise;
  }
}
