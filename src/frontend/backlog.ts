/**
 * Keeps the fleet's backlog bounded: with too many operations under way, what would begin another is refused until some have ended.
 * A deletion is never refused, nor is anything that begins no operation.
 *
 * The number is the forwarder's publication, read when a write asks and the last look is some seconds old, with what this process
 * has let in since. So a fleet may go beyond the limit by what its other frontends let in between two publications. Whoever
 * can't know the number refuses nobody: no publication, a stale one, one that can't be read.
 */
import { activityStaleMs } from "../model/activity.ts";
import { activityKey, isTooNew, type ActivityDocument } from "../model/document.ts";
import type { LogIds } from "../model/logIds.ts";
import { RpError } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Log } from "../runtime/log.ts";
import type { Store } from "../store/store.ts";

/** Between two looks at the publication. */
const lookIntervalMs = 5_000;
/** What a look may take: those who wait for it have a request to answer. */
const lookLimitMs = 2_000;
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

export class Backlog {
  readonly #options: BacklogOptions;
  #publication: ActivityDocument | undefined;
  /** Since the publication was seen. */
  #admitted = 0;
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
    if (total === undefined) return;
    if (total + this.#admitted < limit) {
      // at once, as many may ask before any has begun; what comes to nothing counts until the next publication
      this.#admitted += 1;
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
    const { store, clock } = this.#options;
    using limit = deadlineSignal({
      clock,
      afterMs: lookLimitMs,
      reason: () => new Error("no answer in time"),
    });
    const { signal } = limit;
    try {
      const found = await untilAborted(signal, async () =>
        store.read("activity", activityKey, { signal, logIds }),
      );
      if (found === undefined) return;
      if (isTooNew(found.document) || !Number.isFinite(found.document.activity?.total)) {
        this.#publication = undefined;
        this.#tell(log, "the published activity is none that this release knows; it limits nobody");
        return;
      }
      if (found.document.publishedAt !== this.#publication?.publishedAt) this.#admitted = 0;
      this.#publication = found.document;
    } catch (error) {
      // what was read last counts until it is stale
      log.warn({ error }, "the activity could not be read");
    }
  }

  /** Says it once, until there is another thing to say. */
  #tell(log: Log, text: string): void {
    if (text !== this.#told) log.warn({}, text);
    this.#told = text;
  }
}
