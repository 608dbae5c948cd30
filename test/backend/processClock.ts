/**
 * The clock of one process of a simulation. Time is everybody's, but a paused process notices nothing of it until it goes on,
 * and a dead one never again.
 */
import type { Clock } from "../../src/runtime/clock.ts";

export class ProcessClock implements Clock {
  readonly #clock: Clock;
  #paused: PromiseWithResolvers<void> | undefined;
  #dead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(durationMs, signal);
    await this.#paused?.promise;
    if (this.#dead) await new Promise<never>(() => {});
    signal?.throwIfAborted();
  }

  timer(durationMs: number, elapsed: () => void): Disposable {
    let isDisposed = false;
    const noticed = async (): Promise<void> => {
      await this.#paused?.promise;
      if (!this.#dead && !isDisposed) elapsed();
    };
    const timer = this.#clock.timer(durationMs, () => void noticed());
    return {
      [Symbol.dispose]: () => {
        isDisposed = true;
        timer[Symbol.dispose]();
      },
    };
  }

  /** Resolves as soon as the process runs. */
  async whileRunning(): Promise<void> {
    await this.#paused?.promise;
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  kill(): void {
    this.#dead = true;
  }
}
