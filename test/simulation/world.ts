/**
 * The time and the order of everything in a simulation. What is to happen waits in one queue; one occurrence happens at a time,
 * and the next only after all code that it woke has come to wait again. So a seed decides the whole run, and the same seed
 * gives the same run. Nothing in it waits for real time.
 */
import TinyQueue from "tinyqueue";
import { Chance } from "./chance.ts";

/** Something that will happen, unless it is called off. */
export interface Occurrence {
  readonly at: number;
  readonly order: number;
  happen: (() => void) | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  /** Told of each line of the run, for people; without it lines are only counted into the digest. */
  readonly onLine?: (line: string) => void;
}

/** When every simulation begins, UTC. */
const beginning = Date.UTC(2026, 0, 1);

export class World {
  readonly chance: Chance;
  #now = beginning;
  #count = 0;
  #digest = 0;
  readonly #waiting = new TinyQueue<Occurrence>([], inOrder);
  readonly #onLine: ((line: string) => void) | undefined;

  constructor({ seed, onLine }: WorldOptions) {
    this.chance = new Chance(seed);
    this.#onLine = onLine;
  }

  /** The true time: that of the store and the queue. */
  get now(): number {
    return this.#now;
  }

  /** Milliseconds since the beginning. */
  get elapsedMs(): number {
    return this.#now - beginning;
  }

  /** How much has happened. */
  get count(): number {
    return this.#count;
  }

  /** A number that differs, as good as always, when two runs do. */
  get digest(): number {
    return this.#digest >>> 0;
  }

  /** Lets it happen after a while. */
  after(delayMs: number, happen: () => void): Occurrence {
    const occurrence = {
      at: this.#now + Math.max(0, delayMs),
      order: this.chance.fraction(),
      happen,
    };
    this.#waiting.push(occurrence);
    return occurrence;
  }

  /** Resolves after a while, whatever becomes of any process. */
  async pause(durationMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.after(durationMs, resolve);
    await promise;
  }

  /** One line of the run. */
  note(line: string): void {
    let digest = this.#digest;
    for (let index = 0; index < line.length; index += 1) {
      digest = Math.imul(digest ^ line.charCodeAt(index), 0x01000193);
    }
    this.#digest = Math.imul(digest ^ Math.round(this.elapsedMs * 1_000), 0x01000193);
    this.#onLine?.(`${(this.elapsedMs / 1_000).toFixed(4).padStart(10)} ${line}`);
  }

  /**
   * Lets the next thing happen, and all that follows from it without time passing.
   *
   * @returns `false` when nothing is left to happen.
   */
  async next(): Promise<boolean> {
    for (;;) {
      const occurrence = this.#waiting.pop();
      if (occurrence === undefined) return false;
      if (occurrence.happen === undefined) continue;
      this.#now = occurrence.at;
      this.#count += 1;
      occurrence.happen();
      await allThatFollows();
      return true;
    }
  }
}

function inOrder(one: Occurrence, other: Occurrence): number {
  return one.at - other.at || one.order - other.order;
}

/** Promises settle before the event loop turns. */
function allThatFollows(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
