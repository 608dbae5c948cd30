/**
 * Clears of flags that pages of the forwarder no longer wait for: a subscription with nothing more to grant may put them off for many
 * seconds, and the others' operations must not begin as late. While something of a subscription is left behind, nothing more of
 * it is begun: its clusters are listed again. So no cluster is forwarded twice at the same time, and the number in flight is bounded.
 * It is memory of one process only; nothing may depend on it.
 */

/** More than that are waited for; a page may add what it holds. */
const leftBehindMax = 500;

export class LeftBehind {
  readonly #counts = new Map<string, number>();
  readonly #onFree: () => void;
  #size = 0;

  /** @param onFree told when nothing of a subscription is left behind any more: what waited for that may begin. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  /** Whether a page has to wait for all that it begins. */
  get isFull(): boolean {
    return this.#size >= leftBehindMax;
  }

  /** Those of which something is left behind at this moment. */
  get partitions(): ReadonlySet<string> {
    return new Set(this.#counts.keys());
  }

  /** @param work never rejects. */
  add(partition: string, work: Promise<unknown>): void {
    this.#count(partition, 1);
    void work.then(() => this.#count(partition, -1));
  }

  #count(partition: string, change: 1 | -1): void {
    const count = (this.#counts.get(partition) ?? 0) + change;
    this.#size += change;
    if (count > 0) {
      this.#counts.set(partition, count);
    } else {
      this.#counts.delete(partition);
      this.#onFree();
    }
  }
}
