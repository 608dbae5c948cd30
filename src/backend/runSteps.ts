/**
 * Drives a claimed cluster through the steps of its operation, beginning with the one that is stored. After each step the
 * name of the next is persisted, so a crash resumes at the step. A step that asks to be called again, or that failed for now,
 * ends this claim: waiting holds neither a worker nor a lease.
 */
import type { StepContext, StepResult } from "../installers/installer.ts";
import { TerminalError, type OperationError } from "../model/rpError.ts";
import type { Timing } from "../model/timing.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, rejectOnAbort } from "../runtime/deadlineSignal.ts";
import type { Random } from "../runtime/ids.ts";
import type { LeaseDeadline } from "../runtime/leaseDeadline.ts";
import type { Log } from "../runtime/log.ts";
import { completed, failed, postponed, progressed, saved, snapshotOf, succeeded } from "./changes.ts";
import { failureReason, tooManyAttempts } from "./failureReason.ts";
import type { FencedCluster } from "./fencedCluster.ts";
import { LeaseLostError } from "./heartbeat.ts";
import { retryDelayMs } from "./retryDelay.ts";
import { findStep, type ListedStep } from "./stepList.ts";

/** Claims without progress after which an operation ends `Failed`. */
export const attemptsMax = 5;

/** The process stops: the attempt is given back. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
  /** Whether the step has come to rest; if not, the lease must run out by itself. */
  readonly atRest: boolean;

  constructor(options: { readonly atRest: boolean }) {
    super("the process stops");
    this.atRest = options.atRest;
  }
}

class StepTimedOutError extends Error {
  override readonly name = "StepTimedOutError";
}

export interface RunStepsOptions {
  readonly cluster: FencedCluster;
  readonly steps: readonly ListedStep[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly timing: Timing;
  readonly deadline: LeaseDeadline;
  /** Aborted when the lease is lost or the worker superseded, with that as its reason. */
  readonly lost: AbortSignal;
  /** Aborted when the process stops. */
  readonly stop: AbortSignal;
  /** How long a step may take to come to rest when the process stops. */
  readonly stopGraceMs: number;
  /** Whether the message is still ours; without it, a postponed operation must be queued anew. */
  readonly hasMessage: () => boolean;
}

/** The operation has ended, or is to be taken up again after a while. */
export type RunOutcome =
  | { readonly ended: true; readonly status: "Succeeded" | "Failed" }
  | { readonly ended: false; readonly delayMs: number };

/**
 * @throws {SupersededError} or {LeaseLostError} when this worker may not go on: it has written nothing since.
 * @throws {StoppedError} when the process stops.
 */
export async function runSteps(options: RunStepsOptions): Promise<RunOutcome> {
  const { cluster, steps, clock, lost, stop } = options;
  if (cluster.current.cluster.work.attempts > attemptsMax) {
    const { step, lastError } = cluster.current.cluster.work;
    return fail(options, tooManyAttempts(step ?? "(first)", attemptsMax, lastError));
  }
  for (;;) {
    const { work } = cluster.current.cluster;
    const listed = findStep(steps, work.step);
    if (listed === undefined) return succeed(options, undefined);
    if (stop.aborted) throw new StoppedError({ atRest: true });
    let result: StepResult;
    try {
      result = await runOne(listed, options);
    } catch (error) {
      if (lost.aborted) throw lost.reason;
      if (error instanceof StoppedError) throw error;
      return failedStep(listed, error, options);
    }
    const now = clock.now();
    if (!result.done) {
      if (now >= deadlineOf(listed, work.stepStartedAt ?? now)) {
        return fail(options, timedOut(listed));
      }
      return again(options, result);
    }
    const next = steps[listed.place.index + 1];
    if (next === undefined) return succeed(options, result);
    await cluster.write(
      progressed({ changes: result.changes, next: next.place, now, timing: options.timing }),
      lost,
    );
  }
}

async function runOne(listed: ListedStep, options: RunStepsOptions): Promise<StepResult> {
  const { cluster, clock, deadline, lost, stop, timing } = options;
  const { step, place } = listed;
  const log = options.log.child({ phase: place.phase, step: place.name });
  const startedAt = cluster.current.cluster.work.stepStartedAt ?? clock.now();
  const begunAt = clock.monotonic();
  // after a long outage a step still gets one chance to find its work done
  using limit = deadlineSignal({
    clock,
    afterMs: Math.max(deadlineOf(listed, startedAt) - clock.now(), timing.leaseMs),
    reason: () => new StepTimedOutError("the step's deadline has passed"),
    parents: [lost, stop],
  });
  let left = false;
  const guard = (): void => {
    limit.signal.throwIfAborted();
    if (left) throw new StepTimedOutError("the step was left");
    if (deadline.passed) throw new LeaseLostError("the lease may have run out");
  };
  const context: StepContext = {
    get snapshot() {
      return snapshotOf(cluster.current.cluster);
    },
    startedAt,
    get now() {
      return clock.now();
    },
    signal: limit.signal,
    guard,
    save: async (changes) => {
      guard();
      await cluster.write(saved(changes), lost);
    },
  };
  guard();
  const run = step.run(context);
  try {
    using aborted = rejectOnAbort(limit.signal);
    const result = await Promise.race([run, aborted.promise]);
    log.info(
      {
        stepNumber: place.index + 1,
        stepsTotal: place.total,
        durationMs: Math.round(clock.monotonic() - begunAt),
        ...(result.done ? {} : { againAfterMs: result.againAfterMs }),
      },
      result.done
        ? `${place.phase}: ${place.name} done (step ${place.index + 1} of ${place.total})`
        : `${place.phase}: ${place.name} goes on (step ${place.index + 1} of ${place.total})`,
    );
    return result;
  } catch (error) {
    if (!stop.aborted || lost.aborted) throw error;
    return await comeToRest(run, options);
  } finally {
    left = true;
  }
}

/** Gives a step that was told to stop a while to end; a result that it still brings is used. */
async function comeToRest(run: Promise<StepResult>, options: RunStepsOptions): Promise<StepResult> {
  using limit = deadlineSignal({
    clock: options.clock,
    afterMs: options.stopGraceMs,
    reason: () => new StoppedError({ atRest: false }),
    parents: [options.lost],
  });
  using aborted = rejectOnAbort(limit.signal);
  try {
    return await Promise.race([run, aborted.promise]);
  } catch (error) {
    if (limit.signal.aborted) throw error;
    throw new StoppedError({ atRest: true });
  }
}

async function failedStep(
  listed: ListedStep,
  error: unknown,
  options: RunStepsOptions,
): Promise<RunOutcome> {
  const { cluster, clock, random, log, timing, lost } = options;
  const { secrets, work } = cluster.current.cluster;
  const { name } = listed.place;
  if (error instanceof StepTimedOutError) return fail(options, timedOut(listed));
  const reason = failureReason(name, error, secrets);
  if (error instanceof TerminalError) {
    log.error({ step: name, error }, "a step failed for good");
    return fail(options, reason);
  }
  if (work.attempts >= attemptsMax) {
    log.error({ step: name, error, attempts: work.attempts }, "a step failed too often");
    return fail(options, tooManyAttempts(name, work.attempts, reason));
  }
  const delayMs = retryDelayMs(work.attempts, random);
  log.warn({ step: name, error, attempts: work.attempts, delayMs }, "a step failed; it will be tried again");
  await cluster.write(
    postponed({
      untilMs: clock.now() + delayMs,
      attempts: work.attempts,
      lastError: reason,
      unqueued: !options.hasMessage(),
      timing,
    }),
    lost,
  );
  return { ended: false, delayMs };
}

async function again(
  options: RunStepsOptions,
  result: Extract<StepResult, { readonly done: false }>,
): Promise<RunOutcome> {
  const delayMs = Math.max(0, Math.ceil(result.againAfterMs));
  await options.cluster.write(
    postponed({
      changes: result.changes,
      untilMs: options.clock.now() + delayMs,
      attempts: 0,
      unqueued: !options.hasMessage(),
      timing: options.timing,
    }),
    options.lost,
  );
  return { ended: false, delayMs };
}

async function succeed(
  options: RunStepsOptions,
  result: Extract<StepResult, { readonly done: true }> | undefined,
): Promise<RunOutcome> {
  const { cluster, clock, lost } = options;
  const now = clock.now();
  if (cluster.current.cluster.operation.kind === "delete") {
    await cluster.remove((operation) => completed(operation, now), lost);
  } else {
    await cluster.write(succeeded({ changes: result?.changes, now }), lost);
  }
  return { ended: true, status: "Succeeded" };
}

async function fail(options: RunStepsOptions, error: OperationError): Promise<RunOutcome> {
  await options.cluster.write(failed({ error, now: options.clock.now() }), options.lost);
  return { ended: true, status: "Failed" };
}

function deadlineOf(listed: ListedStep, startedAt: number): number {
  return startedAt + listed.step.deadlineMs;
}

function timedOut(listed: ListedStep): OperationError {
  const minutes = Math.round(listed.step.deadlineMs / 6_000) / 10;
  return {
    code: "StepTimedOut",
    message: `Step ${listed.place.name} did not end within ${minutes} minutes.`,
  };
}
