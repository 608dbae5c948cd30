/**
 * Counts what the fleet has to do and publishes it in one document: for the frontends, which limit by it, and for whoever watches.
 * Whoever holds the forwarder's lease does so, so that there is one count. It is about right, never exact: nothing that is
 * promised may rest on it. Each look may be paid for: there are few while nothing runs, and the more there is to count, the rarer.
 */
import {
  activityIdleIntervalMs,
  activityIntervalMs,
  activityStaleMs,
  countLimitMs,
  runningMax,
} from "../model/activity.ts";
import {
  activityKey,
  activityKeys,
  isTooNew,
  schemaVersion,
  written,
  type Activity,
  type ActivityDocument,
  type EpochMs,
  type RunningCount,
} from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { Timing } from "../model/timing.ts";
import type { Queue } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Log } from "../runtime/log.ts";
import {
  DocumentUnreadableError,
  StoreConflictError,
  type RunningOperation,
  type Store,
  type Stored,
} from "../store/store.ts";

const pageSize = 1_000;
/** A count takes this part of the time at the most, as long as that is not rarer than while nothing runs. */
const restRatio = 20;

export interface ActivityReportOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  /** A single call counts as unanswered after one lease. */
  readonly timing: Pick<Timing, "leaseMs">;
}

export class ActivityReport {
  readonly #options: ActivityReportOptions;
  /** Of our own last write; of somebody else's, the next write fails, and reads again. */
  #published: Stored<ActivityDocument> | undefined;
  #latest: Activity | undefined;
  #countedAt = 0;
  /** By the monotonic clock. */
  #dueAt: number;
  #idleDueAt: number;
  #publishAt: number;
  /** Whether a pass has found work since the last count. */
  #isStirred = false;
  /** Whether there is something to publish, even if the numbers are the same. */
  #isNews = false;
  #isDamageTold = false;

  constructor(options: ActivityReportOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#dueAt = now;
    this.#idleDueAt = now;
    this.#publishAt = now;
  }

  /** As last counted by this process, if that was within the last minutes. */
  get latest(): Activity | undefined {
    const ageMs = this.#options.clock.monotonic() - this.#countedAt;
    return ageMs > activityStaleMs ? undefined : this.#latest;
  }

  /** Whether it is time to count. */
  get isDue(): boolean {
    const isIdle = this.#latest?.total === 0 && !this.#isStirred;
    return this.#options.clock.monotonic() >= (isIdle ? this.#idleDueAt : this.#dueAt);
  }

  /** A pass has found something to do: then there is something to count. */
  stirred(): void {
    this.#isStirred = true;
  }

  /**
   * Counts, and publishes if that tells anything new or nothing was published for a while. Never rejects, and ends within
   * `countLimitMs`. A count that comes to nothing is told in the log, at most once for each time that one is due.
   *
   * @param mayAct whether the lease is still held; asked before each page and before the write.
   */
  async run(stop: AbortSignal, mayAct: () => boolean): Promise<void> {
    const { clock, log } = this.#options;
    const begunAt = clock.monotonic();
    // a failure waits as long as a success
    this.#dueAt = begunAt + activityIntervalMs;
    this.#idleDueAt = begunAt + activityIdleIntervalMs;
    // what came and went in between is news too: frontends count what they let in until the next publication
    this.#isNews ||= this.#isStirred;
    this.#isStirred = false;
    // not the rest of the lease: it is renewed meanwhile, and asked for before each page
    using limit = deadlineSignal({
      clock,
      afterMs: countLimitMs,
      reason: () => new Error(`it takes longer than ${countLimitMs / 1_000} s`),
      parents: [stop],
    });
    const { signal } = limit;
    try {
      const activity = await this.#count(signal, mayAct);
      if (activity === undefined) {
        log.warn({}, "the activity was not counted to the end, as the lease ran out meanwhile");
        return;
      }
      this.#latest = activity;
      this.#countedAt = clock.monotonic();
      const countMs = this.#countedAt - begunAt;
      this.#dueAt += Math.min(countMs * restRatio, activityIdleIntervalMs - activityIntervalMs);
      if (mayAct()) await this.#publish({ activity, countMs }, signal);
    } catch (error) {
      this.#published = undefined;
      if (error instanceof StoreConflictError) {
        log.debug({}, "somebody else has published the activity; it is looked at next time");
      } else if (!stop.aborted) {
        log.warn({ error }, "the activity could not be counted or published");
      }
    }
  }

  /** @returns `undefined` when it may not go on. */
  async #count(signal: AbortSignal, mayAct: () => boolean): Promise<Activity | undefined> {
    const { store } = this.#options;
    const queuedMessages = await this.#queuedMessages(signal);
    const running: RunningOperation[] = [];
    let continuation: string | undefined;
    do {
      if (!mayAct()) return undefined;
      const asked = { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) };
      const page = await this.#limited(signal, async (options) =>
        store.listRunning(asked, options),
      );
      running.push(...page.items);
      continuation = page.continuation;
    } while (continuation !== undefined && running.length < runningMax);
    return activityOf(running, {
      isAtLeast: continuation !== undefined,
      ...(queuedMessages === undefined ? {} : { queuedMessages }),
    });
  }

  async #queuedMessages(signal: AbortSignal): Promise<number | undefined> {
    const { queue, log } = this.#options;
    try {
      return await this.#limited(signal, async (options) => queue.depth(options));
    } catch (error) {
      if (!signal.aborted) log.warn({ error }, "the queue doesn't say how many messages it holds");
      return undefined;
    }
  }

  /** One call may hang, and may ignore its signal. */
  async #limited<T>(
    whole: AbortSignal,
    call: (options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { clock, timing } = this.#options;
    using limit = deadlineSignal({
      clock,
      afterMs: timing.leaseMs,
      reason: () => new Error("no answer in time"),
      parents: [whole],
    });
    const { signal } = limit;
    return await untilAborted(signal, async () => call({ signal }));
  }

  /** What is published, or the key where it would be. A damaged document can't be replaced: another takes its place. */
  async #former(signal: AbortSignal): Promise<{
    readonly key: DocumentKey;
    readonly stored: Stored<ActivityDocument> | undefined;
  }> {
    const { store, log } = this.#options;
    let unreadable: unknown;
    for (const key of activityKeys) {
      try {
        const stored = await this.#limited(signal, async (options) =>
          store.read("activity", key, options),
        );
        if (unreadable !== undefined && !this.#isDamageTold) {
          this.#isDamageTold = true;
          log.error(
            { error: unreadable, damaged: activityKey, usedInstead: key },
            "the document in which the activity is published is damaged, and another one takes its place; remove the damaged one",
          );
        }
        return { key, stored };
      } catch (error) {
        if (!(error instanceof DocumentUnreadableError)) throw error;
        unreadable = error;
      }
    }
    throw unreadable;
  }

  async #publish(
    { activity, countMs }: { readonly activity: Activity; readonly countMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    const now = clock.monotonic();
    const isNews = this.#isNews || !isSame(activity, this.#published?.document.activity);
    if (!isNews && now < this.#publishAt) return;
    // a substitute is left as soon as the first can be read again
    const own = this.#published?.document.id === activityKey.id ? this.#published : undefined;
    const { key, stored: former } =
      own === undefined ? await this.#former(signal) : { key: activityKey, stored: own };
    if (former !== undefined && isTooNew(former.document)) {
      log.warn({}, "a newer release publishes the activity in a way that this one doesn't know");
      return;
    }
    const news = { publishedAt: clock.now(), countMs: Math.ceil(countMs), activity };
    const document: ActivityDocument =
      former === undefined
        ? {
            kind: "activity",
            id: key.id,
            subscriptionId: key.partition,
            schemaVersion,
            ...news,
          }
        : { ...written(former.document), ...news };
    const writes = former === undefined ? [{ create: document }] : [{ replace: former, document }];
    const [published] = await this.#limited(signal, async (options) =>
      store.commit(key.partition, writes, options),
    );
    this.#published = published as Stored<ActivityDocument> | undefined;
    this.#publishAt = now + activityIdleIntervalMs;
    this.#isNews = false;
  }
}

function isSame(one: Activity, other: Activity | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What was found, added up. */
export function activityOf(
  running: readonly RunningOperation[],
  rest: Pick<Activity, "isAtLeast" | "queuedMessages">,
): Activity {
  const counts = new Map<string, RunningCount>();
  let oldestStartedAt: EpochMs | undefined;
  for (const { kind = "unknown", state = "unknown", startedAt } of running) {
    const name = JSON.stringify([kind, state]);
    counts.set(name, { kind, state, count: (counts.get(name)?.count ?? 0) + 1 });
    if (startedAt !== undefined && startedAt < (oldestStartedAt ?? Infinity)) {
      oldestStartedAt = startedAt;
    }
  }
  const inOrder = [...counts.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    running: inOrder.map(([, count]) => count),
    total: running.length,
    ...(oldestStartedAt === undefined ? {} : { oldestStartedAt }),
    ...rest,
  };
}
