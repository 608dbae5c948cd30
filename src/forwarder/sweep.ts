/**
 * Finds clusters whose operation nobody looks after any more — a message was lost, a worker died in an unlucky place —
 * and flags them for the forwarder. It never touches a document under a live lease: that would make worker and sweep
 * chase each other for ever.
 */
import type { ClusterReference, Store } from "../store/store.ts";
import { StoreConflictError } from "../store/store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { inSpan } from "../runtime/inSpan.ts";
import { unrecordedSpan, type Tracing } from "../runtime/traces.ts";
import { referenceLogIds, referenceSpan } from "./referenceSpan.ts";
import { farthestTime, sweepMarginMs, type Timing } from "../model/timing.ts";
import { clusterLeaseName } from "../model/leaseNames.ts";

export interface SweepOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: Timing;
  readonly tracing: Tracing<Pick<SweepOptions, "store">>;
  readonly mayAct: () => boolean;
  readonly signal: AbortSignal;
}

const pageSize = 100;

/**
 * @returns how many clusters were flagged.
 * @throws {StoreUnavailableError} when the listing fails.
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const { store, clock, timing, signal } = options;
  let flagged = 0;
  let continuation: string | undefined;
  do {
    const now = clock.now();
    const page = await store.listUnattended(
      { now, farthest: farthestTime(timing, now) },
      { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) },
      { signal },
    );
    const outcomes = await Promise.all(
      page.items.map(async (reference) => flagOne(reference, options)),
    );
    flagged += outcomes.filter(Boolean).length;
    continuation = page.continuation;
  } while (continuation !== undefined && options.mayAct() && !signal.aborted);
  return flagged;
}

async function flagOne(reference: ClusterReference, options: SweepOptions): Promise<boolean> {
  const { clock, timing, tracing, signal } = options;
  if (!options.mayAct() || signal.aborted) return false;
  const logIds = referenceLogIds(reference);
  const log = options.log.child(logIds);
  let span = unrecordedSpan;
  const { store } = tracing.enginesWithin(
    () => span,
    () => logIds,
  );
  try {
    const remainingMs = await store.leaseRemainingMs(clusterLeaseName(reference.key), { signal });
    if (remainingMs !== undefined) return false;
    const sweeps = reference.sweeps + 1;
    // only now: most of what is looked at is looked after
    span = referenceSpan("flag again", reference, tracing);
    await inSpan(span, async () =>
      store.updateScheduling(
        reference,
        { unqueued: true, sweepAfter: clock.now() + sweepMarginMs(timing, sweeps), sweeps },
        { signal },
      ),
    );
    log.warn({ sweeps }, "nobody looked after this operation; flagged again");
    return true;
  } catch (error) {
    if (!(error instanceof StoreConflictError) && !signal.aborted) {
      log.error({ error }, "could not be looked at; others go on");
    }
    return false;
  }
}
