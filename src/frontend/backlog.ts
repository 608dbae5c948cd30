/**
 * Keeps the fleet's backlog bounded: with too many operations under way, what would begin another is refused until some have ended.
 * A deletion is never refused, nor is anything that begins no operation.
 *
 * The number is the forwarder's publication, read when a write asks and the last look is some seconds old, with what this process
 * has let in that may be missing in it. It rather takes too much for missing than too little: some may count twice until the next
 * publication, and near the limit it refuses a little early. So a fleet may go beyond the limit by what its other frontends let in between two
 * publications. Whoever can't know the number refuses nobody: no publication, a stale one, one that can't be read.
 */
import { activityStaleMs } from "../model/activity.ts";
import { activityKeys, isTooNew, type ActivityDocument } from "../model/document.ts";
import type { LogIds } from "../model/logIds.ts";
import { RpError } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Log } from "../runtime/log.ts";
import {
  DocumentUnreadableError,
  type CallOptions,
  type Store,
  type Stored,
} from "../store/store.ts";

/** Between two looks at the publication. */
const lookIntervalMs = 5_000;
/** What a look may take: those who wait for it have a request to answer. */
const lookLimitMs = 2_000;
/** What was let in has begun, as far as a count sees it, within that time; who takes longer is missed by one count. */
const beginsWithinMs = 2_000;
/** What was let in is remembered in portions of that time. */
const portionMs = 1_000;
/** No publication that is still believed was counted before that: a clock may be ahead as far as behind. */
const forgetMs = 3 * activityStaleMs;
const retryAfterSeconds = 30;

export interface BacklogOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** So many operations may be under way; 0: any number. */
  readonly limit: number;
  /** Told of each refusal; it must not throw. */
  readonly onRefused?: () => void;
}

/** What is told of a request while it asks. */
export interface AskingRequest {
  readonly log: Log;
  readonly logIds: LogIds;
}

/** So many were let in from one moment to another, by the monotonic clock. */
interface Portion {
  readonly fromMs: number;
  untilMs: number;
  count: number;
}

export class Backlog {
  readonly #options: BacklogOptions;
  #publication: ActivityDocument | undefined;
  /** What may be missing in the publication, in the order of time. */
  #admitted: readonly Portion[] = [];
  /** When the last look that brought something began, by the monotonic clock: what is new at the next was published after. */
  #sawAt = -Infinity;
  #looking: Promise<void> | undefined;
  /** By the monotonic clock. */
  #lookAt = 0;
  #told = "";

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /**
   * Asks to begin one more operation.
   *
   * @param request the one that asks: what is told on the way is told of it.
   * @throws {RpError} `TooManyOperations`.
   */
  async admit(request: AskingRequest): Promise<void> {
    const { limit, onRefused } = this.#options;
    if (limit === 0) return;
    await this.#look(request);
    const total = this.#total(request);
    const admitted = this.#admitted.reduce((sum, { count }) => sum + count, 0);
    if (total === undefined || total + admitted < limit) {
      // at once, as many may ask before any has begun; what comes to nothing counts until the next publication
      this.#note();
      return;
    }
    onRefused?.();
    throw new RpError(
      {
        code: "TooManyOperations",
        message:
          "Too many operations are under way; try again later. What exists can be read and deleted.",
      },
      { retryAfterSeconds },
    );
  }

  #note(): void {
    const now = this.#options.clock.monotonic();
    const last = this.#admitted.at(-1);
    if (last !== undefined && now - last.fromMs < portionMs) {
      last.untilMs = now;
      last.count += 1;
    } else this.#admitted = [...this.#admitted, { fromMs: now, untilMs: now, count: 1 }];
  }

  /** What was let in before that moment counts no more. */
  #forgetUntil(moment: number): void {
    this.#admitted = this.#admitted.filter(({ untilMs }) => untilMs >= moment);
  }

  /** `undefined` when it isn't known. */
  #total({ log }: AskingRequest): number | undefined {
    if (this.#publication === undefined) return undefined;
    const { publishedAt, activity } = this.#publication;
    // another machine's clock, so minutes are all that it can be held to
    const ageMs = Math.abs(this.#options.clock.now() - publishedAt);
    if (ageMs > activityStaleMs) {
      this.#tell(log, "nobody has published the activity for minutes; it limits nobody");
      return undefined;
    }
    this.#told = "";
    return activity.total;
  }

  /** One at a time, for all who wait for it. Never rejects. */
  async #look(request: AskingRequest): Promise<void> {
    const { clock } = this.#options;
    if (this.#looking === undefined && clock.monotonic() >= this.#lookAt) {
      this.#lookAt = clock.monotonic() + lookIntervalMs;
      this.#looking = this.#read(request).finally(() => (this.#looking = undefined));
    }
    await this.#looking;
  }

  async #read({ log, logIds }: AskingRequest): Promise<void> {
    const { clock } = this.#options;
    using limit = deadlineSignal({
      clock,
      afterMs: lookLimitMs,
      reason: () => new Error("no answer in time"),
    });
    const { signal } = limit;
    const begunAt = clock.monotonic();
    this.#forgetUntil(begunAt - forgetMs);
    try {
      const found = await untilAborted(signal, async () => this.#published({ signal, logIds }));
      const sawAt = this.#sawAt;
      this.#sawAt = begunAt;
      if (found === undefined) return;
      if (isTooNew(found.document) || !Number.isFinite(found.document.activity?.total)) {
        this.#publication = undefined;
        this.#tell(log, "the published activity is none that this release knows; it limits nobody");
        return;
      }
      const { publishedAt, countMs = 0 } = found.document;
      if (publishedAt !== this.#publication?.publishedAt) {
        // it was published after the look before, and began to count as long before as it took
        this.#forgetUntil(sawAt - countMs - beginsWithinMs);
      }
      this.#publication = found.document;
    } catch (error) {
      // what was read last counts until it is stale
      log.warn({ error }, "the activity could not be read");
    }
  }

  /** In the first place that can be read: forwarders pass over those that can't as well. */
  async #published(options: CallOptions): Promise<Stored<ActivityDocument> | undefined> {
    let unreadable: unknown;
    for (const key of activityKeys) {
      try {
        return await this.#options.store.read("activity", key, options);
      } catch (error) {
        if (!(error instanceof DocumentUnreadableError)) throw error;
        unreadable = error;
      }
    }
    throw unreadable;
  }

  /** Says it once, until there is another thing to say. */
  #tell(log: Log, text: string): void {
    if (text !== this.#told) log.warn({}, text);
    this.#told = text;
  }
}
