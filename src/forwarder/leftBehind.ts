/**
 * Clears of flags that pages of the forwarder no longer wait for: a subscription with nothing more to grant may put them off for many
 * seconds, and the others' operations must not begin as late. While something of a subscription is left behind, nothing more of
 * it is begun, and its clusters are listed again: so at most one page of it is in flight, and no cluster is forwarded twice at
 * the same time. A call that ignores its signal counts as ended with it; its cluster may then be tried again while it still goes
 * on, and only the ETag keeps it harmless. It is memory of one process only; nothing may depend on it.
 */

/** With more than that in flight, a page adds no more than one cluster of each subscription. */
const leftBehindMax = 500;

export class LeftBehind {
  readonly #counts = new Map<string, number>();
  readonly #onFree: () => void;
  #size = 0;

  /** @param onFree told when nothing of a subscription is left behind any more: what waited for that may begin. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  /** Whether so much is in flight that only one cluster of each subscription may be begun, to find those not put off. */
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
