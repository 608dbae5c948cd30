/**
 * A clock that a test turns. Sleepers wake in the order of their times; nothing in it waits for real time. It may be told of
 * calls that take turns of the event loop, such as those of a database: then the time stands still until they have ended.
 */
import type { Clock } from "../../src/runtime/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export class TestClock implements Clock {
  #now: number;
  #setBackMs = 0;
  readonly #start: number;
  readonly #sleepers = new Set<Sleeper>();
  readonly #busy: (() => boolean)[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#start = start;
    this.#now = start;
  }

  now(): number {
    return this.#now - this.#setBackMs;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stopped = (): void => {
      this.#sleepers.delete(sleeper);
      reject(signal?.reason);
    };
    const sleeper: Sleeper = {
      at: this.#now + Math.max(0, durationMs),
      wake: () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", stopped);
        resolve();
      },
    };
    if (signal?.aborted) {
      stopped();
      return promise;
    }
    signal?.addEventListener("abort", stopped, { once: true });
    this.#sleepers.add(sleeper);
    return promise;
  }

  timer(durationMs: number, elapsed: () => void): Disposable {
    const sleeper: Sleeper = {
      at: this.#now + Math.max(0, durationMs),
      wake: () => {
        this.#sleepers.delete(sleeper);
        elapsed();
      },
    };
    this.#sleepers.add(sleeper);
    return { [Symbol.dispose]: () => void this.#sleepers.delete(sleeper) };
  }

  /** The time stands still while this is so. */
  holdWhile(isBusy: () => boolean): void {
    this.#busy.push(isBusy);
  }

  /** Resolves when all that can happen without time has happened. */
  async settle(): Promise<void> {
    if (this.#busy.length === 0) {
      await settled();
      return;
    }
    for (let quietTurns = 0; quietTurns < 3;) {
      await new Promise((resolve) => setImmediate(resolve));
      quietTurns = this.#busy.some((isBusy) => isBusy()) ? 0 : quietTurns + 1;
    }
  }

  /** How many sleep. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Lets time pass of which nobody takes notice yet. */
  skip(durationMs: number): void {
    this.#now += durationMs;
  }

  /** Sets the wall clock back; the monotonic one and all sleepers go on as they were. */
  setBack(durationMs: number): void {
    this.#setBackMs += durationMs;
  }

  /** Turns the time on, waking each sleeper at its time and letting it run before the next. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    await this.settle();
    for (;;) {
      const [next] = [...this.#sleepers].toSorted((one, other) => one.at - other.at);
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /**
   * Turns the time on in small steps until the condition holds.
   *
   * @throws {Error} when it doesn't within `limitMs` of the clock's time.
   */
  async advanceUntil(
    condition: () => boolean | Promise<boolean>,
    options: { readonly limitMs?: number; readonly stepMs?: number } = {},
  ): Promise<void> {
    const { limitMs = 600_000, stepMs = 50 } = options;
    const end = this.#now + limitMs;
    await this.settle();
    while (!(await condition())) {
      if (this.#now >= end) throw new Error(`did not happen within ${limitMs} ms`);
      await this.advance(stepMs);
    }
  }
}

/** Resolves when all that can happen without time has happened (a few turns of the event loop). */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
