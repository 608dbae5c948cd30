/**
 * One pass of the forwarder: every cluster that waits gets its message, then its flag is cleared. The order is the
 * guarantee: a crash in between sends the message twice, never not at all. The flag is cleared only on the ETag that was
 * read *before* the send; if the document has changed since, it stays flagged and is sent again. A flag that can't be
 * cleared for another reason is tried again later, without another message (`setAside.ts`), and one that takes long is not waited for
 * (`leftBehind.ts`).
 */
import type { ClusterReference, Store } from "../store/store.ts";
import { StoreConflictError } from "../store/store.ts";
import type { Queue } from "../queue/queue.ts";
import { QueueUnavailableError } from "../queue/queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Log } from "../runtime/log.ts";
import type { EpochMs } from "../model/document.ts";
import { encodeWorkMessage } from "../model/workMessage.ts";
import { formatTraceparent } from "../model/traceContext.ts";
import { inSpan } from "../runtime/inSpan.ts";
import { type Span, type Tracing } from "../runtime/traces.ts";
import { referenceLogIds, referenceSpan } from "./referenceSpan.ts";
import type { LeftBehind } from "./leftBehind.ts";
import type { ForwardTry, SetAside } from "./setAside.ts";
import { attemptWaitMs, sweepMarginMs, type Timing } from "../model/timing.ts";

/** What the forwarder asks for each cluster. */
export interface ForwardEngines {
  readonly store: Store;
  readonly queue: Queue;
}

export interface ForwardOptions {
  readonly store: Store;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: Timing;
  readonly tracing: Tracing<ForwardEngines>;
  /** What earlier passes of this process could not finish. */
  readonly setAside: SetAside;
  /** What earlier passes of this process have not waited for. */
  readonly leftBehind: LeftBehind;
  /** Whether the forwarder still holds its lease; asked before every document. */
  readonly mayAct: () => boolean;
  /** How much of the lease is left, in milliseconds: what is left behind ends with it. */
  readonly leaseRemainingMs: () => number;
  /** Told of each page in which something was sent how much that was, as soon as it is on the queue. */
  readonly onSent: (count: number) => void;
  /** Aborted when the process stops: the other end of what is left behind. */
  readonly stop: AbortSignal;
  /** Aborted when the pass is over, by a stop too. */
  readonly signal: AbortSignal;
}

const pageSize = 100;
/**
 * How long a page waits for its clears when everything is sent: longer than they take when nothing is put off. After each
 * page that leaves something behind it is half as long, so that a pass waits less than twice this for any number of them.
 */
const clearPatienceMs = 1_000;

/**
 * @returns how many messages were sent, even if their flags are still being cleared, and how many documents could not be
 * handled (they stay flagged). What was left behind or waits for that is no reason to look again soon, so it isn't failed.
 * @throws {StoreUnavailableError} when the listing fails.
 * @throws {QueueUnavailableError} when the queue doesn't take messages: going on would only fail for each document.
 */
export async function forwardUnqueued(
  options: ForwardOptions,
): Promise<{ readonly sent: number; readonly failed: number }> {
  const { store, signal } = options;
  let sent = 0;
  let failed = 0;
  let patienceMs = clearPatienceMs;
  let continuation: string | undefined;
  do {
    // asked before the listing: what is cleared meanwhile may still be on the page
    const slow = options.leftBehind.partitions;
    const page = await store.listUnqueued(
      { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) },
      { signal },
    );
    const free = page.items.filter(({ key }) => !slow.has(key.partition));
    const begun = options.leftBehind.isFull ? oneOfEachPartition(free) : free;
    const { sentInPage, outcomes } = await forwardPage(begun, { ...options, patienceMs });
    if (outcomes.length < begun.length) patienceMs /= 2;
    sent += sentInPage;
    failed += outcomes.filter((outcome) => outcome.failed).length;
    const cause = outcomes.find((outcome) => outcome.queueUnavailable)?.queueUnavailable;
    if (cause !== undefined) {
      const { retryAfterMs } = cause;
      throw new QueueUnavailableError("the queue takes no messages", {
        cause,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    }
    continuation = page.continuation;
  } while (continuation !== undefined && options.mayAct() && !signal.aborted);
  return { sent, failed };
}

function oneOfEachPartition(references: readonly ClusterReference[]): readonly ClusterReference[] {
  return [...new Map(references.map((reference) => [reference.key.partition, reference])).values()];
}

interface Outcome {
  readonly failed?: boolean;
  readonly queueUnavailable?: QueueUnavailableError;
}

/**
 * Waits for all messages, as the queue is the same for all, and for the clears as long as they may take.
 *
 * @returns how many messages were sent, and the outcomes of what was not left behind.
 */
async function forwardPage(
  references: readonly ClusterReference[],
  options: ForwardOptions & { readonly patienceMs: number },
): Promise<{ readonly sentInPage: number; readonly outcomes: readonly Outcome[] }> {
  if (references.length === 0) return { sentInPage: 0, outcomes: [] };
  const { clock, leftBehind, onSent, stop } = options;
  // not of the pass's signal, which doesn't tell the lease's end from a stop
  const limit = deadlineSignal({
    clock,
    afterMs: options.leaseRemainingMs(),
    reason: () => new Error("the lease ends"),
    parents: [stop],
  });
  const outcomes = new Map<ClusterReference, Outcome>();
  const begun = references.map((reference) => {
    const handedIn = Promise.withResolvers<boolean>();
    const ended = forwardInTime(reference, {
      ...options,
      signal: limit.signal,
      onHandedIn: handedIn.resolve,
    }).then((outcome) => {
      outcomes.set(reference, outcome);
      handedIn.resolve(false);
    });
    return { reference, handedIn: handedIn.promise, ended };
  });
  const all = Promise.all(begun.map(async ({ ended }) => ended));
  void all.then(() => limit[Symbol.dispose]());
  const handedIn = await Promise.all(begun.map(async (one) => one.handedIn));
  const sentInPage = handedIn.filter(Boolean).length;
  if (sentInPage > 0) onSent(sentInPage);
  await waitedFor(all, options);
  for (const { reference, ended } of begun) {
    if (!outcomes.has(reference)) leftBehind.add(reference.key.partition, ended);
  }
  return { sentInPage, outcomes: [...outcomes.values()] };
}

/** Ends with them, or when it has been long enough. */
async function waitedFor(
  all: Promise<unknown>,
  { clock, patienceMs, signal }: ForwardOptions & { readonly patienceMs: number },
): Promise<void> {
  using patience = deadlineSignal({
    clock,
    afterMs: patienceMs,
    reason: () => new Error("it takes long"),
    parents: [signal],
  });
  try {
    await untilAborted(patience.signal, async () => all);
  } catch {
    // what is left goes on by itself
  }
}

interface OneOptions extends ForwardOptions {
  /** Told when the message is on the queue, and whether it was sent by this try. */
  readonly onHandedIn: (isSentNow: boolean) => void;
}

/**
 * Never rejects, as one bad document must not stand in the way of others, and ends with its signal, even if a call ignores
 * that. Only here it is told what the signal has ended.
 */
async function forwardInTime(reference: ClusterReference, options: OneOptions): Promise<Outcome> {
  const { mayAct, signal, stop } = options;
  if (!mayAct() || signal.aborted) return {};
  try {
    return await untilAborted(signal, async () => forwardOne(reference, options));
  } catch (error) {
    const log = options.log.child(referenceLogIds(reference));
    if (stop.aborted) log.debug({}, "the process stops before it is forwarded: the next does it");
    else if (signal.aborted)
      log.warn({}, "not forwarded before the lease ended; it stays flagged and is tried again");
    else log.error({ error }, "could not be forwarded; it stays flagged and others go on");
    return { failed: true };
  }
}

async function forwardOne(reference: ClusterReference, options: OneOptions): Promise<Outcome> {
  const forwardTry = options.setAside.begin(reference);
  if (forwardTry === undefined) return { failed: true };
  const span = referenceSpan("forward", reference, options.tracing);
  const outcome = await forwardTraced(reference, { ...options, forwardTry, span });
  span.end(outcome.queueUnavailable ?? (outcome.failed === true ? "NotForwarded" : undefined));
  return outcome;
}

async function forwardTraced(
  reference: ClusterReference,
  options: OneOptions & { readonly forwardTry: ForwardTry; readonly span: Span },
): Promise<Outcome> {
  const { clock, forwardTry, signal, span, tracing } = options;
  const logIds = referenceLogIds(reference);
  const { store, queue } = tracing.enginesWithin(
    () => span,
    () => logIds,
  );
  const log = options.log.child(logIds);
  const now = clock.now();
  const delayMs = attemptWaitMs(reference.nextAttemptAt, now);
  if (!forwardTry.isSent) {
    const { messaging, traces } = tracing;
    const sending = traces.start(`send ${String(messaging["messaging.destination.name"])}`, {
      kind: "producer",
      parent: span.context,
      attributes: {
        ...messaging,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
      },
    });
    const traceparent = formatTraceparent(sending.context);
    try {
      await inSpan(sending, async () =>
        queue.send(
          encodeWorkMessage({
            partition: reference.key.partition,
            documentId: reference.key.id,
            operationId: reference.operationId,
            origin: { ...reference.origin, traceparent },
          }),
          { delayMs },
          { signal },
        ),
      );
      forwardTry.sent();
    } catch (error) {
      if (error instanceof QueueUnavailableError) {
        forwardTry.settled();
        log.warn({ error }, "the queue took no message");
        return { queueUnavailable: error };
      }
      if (!signal.aborted)
        log.error({ error }, "could not be queued; it stays flagged and others go on");
      return { failed: true };
    }
  }
  options.onHandedIn(!forwardTry.isSent);
  // a send that ignored its signal
  if (signal.aborted) return { failed: true };
  const isCleared = await clearFlag(reference, { ...options, store, log, now, delayMs });
  if (isCleared) forwardTry.settled();
  return { failed: !isCleared };
}

/** @returns `false` when it has to be tried again. */
async function clearFlag(
  reference: ClusterReference,
  options: ForwardOptions & { readonly now: EpochMs; readonly delayMs: number },
): Promise<boolean> {
  const { store, log, timing, now, delayMs, signal } = options;
  try {
    await store.updateScheduling(
      reference,
      {
        unqueued: false,
        sweepAfter: now + delayMs + sweepMarginMs(timing, reference.sweeps),
        sweeps: reference.sweeps,
      },
      { signal },
    );
    log.debug({}, "queued");
    return true;
  } catch (error) {
    if (error instanceof StoreConflictError) {
      // changed since it was read: whatever it is now will be listed again, or a worker has it already
      log.debug({}, "changed while it was queued; its flag stays as it is");
      return true;
    }
    if (!signal.aborted)
      log.error({ error }, "queued, but its flag could not be cleared; that is tried again later");
    return false;
  }
}
