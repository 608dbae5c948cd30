/**
 * A process of the simulation, seen from the operating system: it runs, stands still (SIGSTOP, a suspended machine) or is dead.
 * Whatever is meant for it — a timer, an answer — reaches it through `perform`. A dead one never does anything again.
 */
import type { Clock } from "../../src/runtime/clock.ts";
import type { World } from "./world.ts";

export interface HostOptions {
  readonly world: World;
  readonly name: string;
  /** How far its wall clock is off. */
  readonly skewMs: number;
}

export class Host {
  readonly name: string;
  readonly clock: Clock;
  readonly #world: World;
  #state: "runs" | "stands" | "dead" = "runs";
  #deferred: (() => void)[] = [];
  #stoodSince = 0;
  #stoodUntil = -Infinity;
  /** How long its machine was suspended in all; the monotonic clock stood still meanwhile. */
  #suspendedMs = 0;
  readonly #onDeath: (() => void)[] = [];

  constructor({ world, name, skewMs }: HostOptions) {
    this.name = name;
    this.#world = world;
    this.clock = {
      now: () => world.now + skewMs,
      monotonic: () => world.elapsedMs - this.#suspendedMs,
      sleep: async (durationMs, signal) => this.#sleep(durationMs, signal),
      timer: (durationMs, elapsed) => this.#timer(durationMs, elapsed),
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isStanding(): boolean {
    return this.#state === "stands";
  }

  /** When it last went on, in milliseconds of the world. */
  get stoodUntil(): number {
    return this.#stoodUntil;
  }

  /** Does it now, or when the process goes on, or never. */
  perform(act: () => void): void {
    if (this.#state === "runs") act();
    else if (this.#state === "stands") this.#deferred.push(act);
  }

  /** Told when the process is dead. */
  onDeath(tell: () => void): void {
    if (this.isDead) tell();
    else this.#onDeath.push(tell);
  }

  /** Lets it stand still for a while. */
  stand(durationMs: number): void {
    if (this.#state !== "runs") return;
    this.#world.note(`${this.name} stands still for ${Math.round(durationMs)} ms`);
    this.#state = "stands";
    this.#stoodSince = this.#world.elapsedMs;
    this.#world.after(durationMs, () => this.goOn());
  }

  /** It goes on with what it missed, in some order, at once or slowly: its memory may have to be fetched from a disk. */
  goOn(): void {
    if (this.#state !== "stands") return;
    this.#world.note(`${this.name} goes on`);
    this.#state = "runs";
    this.#stoodUntil = this.#world.elapsedMs;
    const isMachine = this.#world.chance.happens(0.3);
    if (isMachine) this.#suspendedMs += this.#world.elapsedMs - this.#stoodSince;
    const withinMs = this.#world.chance.pick([1, 100]);
    const missed = this.#deferred;
    this.#deferred = [];
    for (const act of missed) {
      this.#world.after(withinMs * this.#world.chance.fraction(), () => this.perform(act));
    }
  }

  kill(): void {
    if (this.isDead) return;
    this.#world.note(`${this.name} is killed`);
    this.#state = "dead";
    this.#deferred = [];
    for (const tell of this.#onDeath) tell();
  }

  #sleep(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const aborted = (): void => {
      if (occurrence !== undefined) occurrence.happen = undefined;
      reject(signal?.reason);
    };
    const occurrence =
      signal?.aborted === true
        ? undefined
        : this.#world.after(durationMs, () =>
            this.perform(() => {
              signal?.removeEventListener("abort", aborted);
              resolve();
            }),
          );
    if (occurrence === undefined) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
    return promise;
  }

  #timer(durationMs: number, elapsed: () => void): Disposable {
    let isDisposed = false;
    const occurrence = this.#world.after(durationMs, () =>
      this.perform(() => {
        // while the process stood still, too
        if (!isDisposed) elapsed();
      }),
    );
    return {
      [Symbol.dispose]: () => {
        isDisposed = true;
        occurrence.happen = undefined;
      },
    };
  }
}
