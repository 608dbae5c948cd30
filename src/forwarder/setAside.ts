/**
 * What one process remembers of clusters that it could not finish forwarding. As long as such a cluster is unchanged, its
 * message is not sent a second time, and its flag is tried ever more rarely; otherwise a document that can't be written
 * would fill the queue. It is memory only: a process that starts anew, or forgets, sends once more.
 */
import { attemptWaitMaxMs } from "../model/timing.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ClusterReference, ETag } from "../store/store.ts";

/** More clusters than ever wait at once; beyond it the oldest is forgotten. */
const rememberedMax = 10_000;

interface Remembered {
  readonly etag: ETag;
  sent: boolean;
  tries: number;
  /** By the monotonic clock. */
  nextTryAt: number;
}

/** One try to forward a cluster. */
export interface ForwardTry {
  /** Whether a try before has sent the message for the cluster as it is. */
  readonly isSent: boolean;
  /** The message is on the queue. */
  sent(): void;
  /** Nothing is left to remember. */
  settled(): void;
}

export class SetAside {
  readonly #clock: Clock;
  readonly #firstWaitMs: number;
  readonly #remembered = new Map<string, Remembered>();

  constructor(options: { readonly clock: Clock; readonly firstWaitMs: number }) {
    this.#clock = options.clock;
    this.#firstWaitMs = options.firstWaitMs;
  }

  /** Begins a try, which counts as failed until it is settled; `undefined` when it is too early for one. */
  begin({ key, etag }: ClusterReference): ForwardTry | undefined {
    const now = this.#clock.monotonic();
    const name = `${key.partition} ${key.id}`;
    const before = this.#remembered.get(name);
    const isUnchanged = before?.etag === etag;
    if (isUnchanged && now < before.nextTryAt) return undefined;
    const current: Remembered = isUnchanged
      ? before
      : { etag, sent: false, tries: 0, nextTryAt: 0 };
    const waitMs = Math.min(this.#firstWaitMs * 2 ** current.tries, attemptWaitMaxMs);
    current.tries += 1;
    current.nextTryAt = now + waitMs;
    this.#remembered.delete(name);
    this.#remembered.set(name, current);
    this.#forgetOldest();
    return {
      isSent: current.sent,
      sent: () => {
        current.sent = true;
      },
      settled: () => {
        if (this.#remembered.get(name) === current) this.#remembered.delete(name);
      },
    };
  }

  #forgetOldest(): void {
    if (this.#remembered.size <= rememberedMax) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}
