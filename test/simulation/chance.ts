/** Chance that comes from a seed: the same seed draws the same, on every machine. It must never ask the system for any. */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export class Chance {
  readonly #generator: { next(): number };

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** A number in [0, 1). */
  fraction(): number {
    return (this.#generator.next() >>> 0) / 2 ** 32;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @throws {RangeError} of an empty list. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }
}
