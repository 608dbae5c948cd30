/**
 * Whether the steps that a worker began have come to rest. A worker that stops waiting for a step must not release its lease
 * while the step may still act outside: then the lease has to run out by itself.
 */
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";

export class StepRest {
  readonly #clock: Clock;
  #running: Promise<unknown> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A step was begun; at most one runs at a time. */
  began(run: Promise<unknown>): void {
    this.#running = run;
    const ended = (): void => {
      if (this.#running === run) this.#running = undefined;
    };
    run.then(ended, ended);
  }

  /** Waits for a step that was left to end, at most so long. @returns whether nothing runs any more. */
  async within(durationMs: number): Promise<boolean> {
    const run = this.#running;
    if (run === undefined || durationMs <= 0) return run === undefined;
    using limit = deadlineSignal({
      clock: this.#clock,
      afterMs: durationMs,
      reason: () => new Error("the step goes on"),
    });
    try {
      await untilAborted(limit.signal, async () => run);
    } catch {
      // it failed, or the time is up: `#running` tells which
    }
    return this.#running === undefined;
  }
}
