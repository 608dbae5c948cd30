/**
 * Drives a claimed cluster through the steps of its operation, beginning with the one that is stored. After each step the
 * name of the next is persisted, so a crash resumes at the step. A step that asks to be called again, or that failed for now,
 * ends this claim: waiting holds neither a worker nor a lease.
 *
 * It must never begin a step without asking `guard`, and never take a step name it doesn't know for the end.
 */
import type { StepContext, StepResult } from "../installers/installer.ts";
import type { OperationKind } from "../model/provisioningState.ts";
import { TerminalError, TransientError, type OperationError } from "../model/rpError.ts";
import type { ClusterDocument, EpochMs } from "../model/document.ts";
import { attemptWaitMaxMs, type Timing } from "../model/timing.ts";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../runtime/deadlineSignal.ts";
import type { Random } from "../runtime/ids.ts";
import type { LeaseDeadline } from "../runtime/leaseDeadline.ts";
import type { Log } from "../runtime/log.ts";
import type { Span } from "../runtime/traces.ts";
import {
  completed,
  failed,
  postponed,
  progressed,
  saved,
  snapshotOf,
  succeeded,
} from "./changes.ts";
import { failureReason, waitingReason, loggableFailure, tooManyAttempts } from "./failureReason.ts";
import { SupersededError, type FencedCluster } from "./fencedCluster.ts";
import { LeaseLostError } from "./heartbeat.ts";
import { attemptsMax, retryDelayMs } from "./retryDelay.ts";
import { findStep, type ListedStep } from "./stepList.ts";
import type { StepRest } from "./stepRest.ts";

/** A step that asks to be called again at once still lets others have their turn. */
const againAtLeastMs = 20;
/** How often the log is told what a step goes on waiting for. */
const toldAgainMs = 5 * 60_000;

/** The process stops: the attempt is to be given back. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

class StepTimedOutError extends Error {
  override readonly name = "StepTimedOutError";
}

class StepUnknownError extends TransientError {
  override readonly name = "StepUnknownError";
}

/** What became of one run of a step, for metrics. */
export interface StepEvent {
  readonly operationKind: OperationKind;
  readonly phase: string;
  readonly step: string;
  readonly outcome: "done" | "again" | "failed";
  readonly durationMs: number;
}

export interface RunStepsOptions {
  readonly cluster: FencedCluster;
  readonly steps: readonly ListedStep[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly timing: Timing;
  readonly deadline: LeaseDeadline;
  /** Told of each step that is begun. */
  readonly rest: StepRest;
  /** Aborted when the lease is lost or the worker superseded, with that as its reason. */
  readonly lost: AbortSignal;
  /** Aborted when the process stops. */
  readonly stop: AbortSignal;
  /** How long a step may take to come to rest when the process stops. */
  readonly restMs: number;
  /** Whether the message is still ours; without it, a postponed operation must be queued anew. */
  readonly hasMessage: () => boolean;
  /** Begins the span of a run of a step. */
  readonly startSpan: (listed: ListedStep) => Span;
  readonly onStep?: (event: StepEvent) => void;
}

/** The operation has ended, or is to be taken up again at that time. */
export type RunOutcome =
  | {
      readonly ended: true;
      readonly status: "Succeeded" | "Failed";
      readonly error?: OperationError;
    }
  | { readonly ended: false; readonly untilMs: EpochMs };

/**
 * @throws {SupersededError} or {LeaseLostError} when this worker may not go on: it has written nothing since.
 * @throws {StoppedError} when the process stops.
 */
export async function runSteps(options: RunStepsOptions): Promise<RunOutcome> {
  const { cluster, steps, lost, stop } = options;
  const { step: stepName, attempts, lastError } = cluster.current.cluster.work;
  if (attempts > attemptsMax) {
    return fail(options, tooManyAttempts(stepName ?? "(first)", attemptsMax, lastError));
  }
  for (;;) {
    const { work } = cluster.current.cluster;
    try {
      const found = findStep(steps, work.step);
      if (found === "nothingToDo") return await succeed(options, undefined);
      if (found === "unknown") {
        throw new StepUnknownError("this release does not know the step; a newer one stored it");
      }
      if (stop.aborted) throw new StoppedError("the process stops");
      const outcome = await takeStep(found, options);
      if (outcome !== undefined) return outcome;
    } catch (error) {
      if (lost.aborted) throw lost.reason;
      if (options.deadline.passed) {
        throw new LeaseLostError("the lease may have run out", { cause: error });
      }
      if (
        error instanceof StoppedError ||
        error instanceof SupersededError ||
        error instanceof LeaseLostError
      ) {
        throw error;
      }
      return failedStep(work.step ?? "(first)", error, options);
    }
  }
}

/**
 * Runs a step and persists what it brought. Of its end others are told only then: what was not stored will be done again.
 *
 * @returns nothing when the next step is to follow.
 */
async function takeStep(
  listed: ListedStep,
  options: RunStepsOptions,
): Promise<RunOutcome | undefined> {
  const { cluster, clock } = options;
  const startedAt = cluster.current.cluster.work.stepStartedAt ?? clock.now();
  const begunAt = clock.monotonic();
  const span = options.startSpan(listed);
  let result: StepResult;
  let elapsedMs: number;
  let outcome: RunOutcome | undefined;
  try {
    result = await runOne(listed, startedAt, options);
    // a step that has waited in between took all the time since its first start
    elapsedMs = result.done ? clock.now() - startedAt : clock.monotonic() - begunAt;
    outcome = await record(listed, result, options);
  } catch (error) {
    noteStep(listed, "failed", clock.monotonic() - begunAt, options);
    span.describe({ "rp.step.outcome": "failed" });
    span.end(error);
    throw error;
  }
  span.describe({ "rp.step.outcome": result.done ? "done" : "again" });
  span.end();
  noteStep(listed, result.done ? "done" : "again", elapsedMs, options);
  return outcome;
}

/** Persists what a step brought. @returns nothing when the next step is to follow. */
async function record(
  listed: ListedStep,
  result: StepResult,
  options: RunStepsOptions,
): Promise<RunOutcome | undefined> {
  const { cluster, steps, clock, lost, timing } = options;
  if (!result.done) return again(listed, result, options);
  const next = steps[listed.place.index + 1];
  if (next === undefined) return succeed(options, result);
  await cluster.write(
    progressed({ changes: result.changes, next: next.place, now: clock.now(), timing }),
    lost,
  );
  return undefined;
}

/** @throws what the step threw, or the reason why it was left. */
async function runOne(
  listed: ListedStep,
  startedAt: EpochMs,
  options: RunStepsOptions,
): Promise<StepResult> {
  const { cluster, clock, deadline, lost, rest, stop, timing } = options;
  const { step } = listed;
  // after a long outage a step still gets one chance to find its work done
  using limit = deadlineSignal({
    clock,
    afterMs: Math.max(deadlineOf(listed, startedAt) - clock.now(), timing.leaseMs),
    reason: () => new StepTimedOutError("the step's deadline has passed"),
    parents: [lost, stop],
  });
  let left = false;
  const mayAct = (): void => {
    lost.throwIfAborted();
    if (left) throw new StepTimedOutError("the step was left");
    if (deadline.passed) throw new LeaseLostError("the lease may have run out");
  };
  const guard = (): void => {
    mayAct();
    limit.signal.throwIfAborted();
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
    // a step that was told to stop may still note what it did
    save: async (changes) => {
      mayAct();
      await cluster.write(saved(changes), lost);
    },
  };
  try {
    guard();
    const run = (async () => step.run(context))();
    rest.began(run);
    try {
      return await untilAborted(limit.signal, async () => run);
    } catch (error) {
      if (lost.aborted) throw lost.reason;
      if (stop.aborted) return await comeToRest(run, options);
      if (limit.signal.aborted) throw limit.signal.reason;
      throw error;
    }
  } finally {
    left = true;
  }
}

/** Gives a step that was told to stop a while to end; a result that it still brings is used. */
async function comeToRest(run: Promise<StepResult>, options: RunStepsOptions): Promise<StepResult> {
  using limit = deadlineSignal({
    clock: options.clock,
    afterMs: options.restMs,
    reason: () => new StoppedError("the process stops and the step goes on"),
    parents: [options.lost],
  });
  try {
    return await untilAborted(limit.signal, async () => run);
  } catch (error) {
    if (limit.signal.aborted || error instanceof TerminalError) throw error;
    throw new StoppedError("the process stops", { cause: error });
  }
}

function noteStep(
  { place }: ListedStep,
  outcome: StepEvent["outcome"],
  elapsedMs: number,
  { cluster, log, onStep }: RunStepsOptions,
): void {
  const durationMs = Math.max(0, Math.round(elapsedMs));
  const { phase, name: step } = place;
  const words = { done: "done", again: "goes on later", failed: "interrupted" }[outcome];
  log[outcome === "again" ? "debug" : "info"](
    { phase, step, stepNumber: place.index + 1, stepsTotal: place.total, outcome, durationMs },
    `${phase}: ${step} ${words} (step ${place.index + 1} of ${place.total})`,
  );
  const operationKind = cluster.current.cluster.operation.kind;
  onStep?.({ operationKind, phase, step, outcome, durationMs });
}

async function failedStep(
  name: string,
  error: unknown,
  options: RunStepsOptions,
): Promise<RunOutcome> {
  const { cluster, clock, random, timing, lost } = options;
  const { secrets, work } = cluster.current.cluster;
  const log = options.log.child({ step: name, attempts: work.attempts });
  const cause = { error: loggableFailure(error, secrets) };
  if (error instanceof StepTimedOutError) {
    log.error(cause, "a step passed its deadline");
    return fail(options, timedOut(name, options));
  }
  const reason = failureReason(name, error, secrets);
  if (error instanceof TerminalError) {
    log.error(cause, "a step failed for good");
    return fail(options, reason);
  }
  if (work.attempts >= attemptsMax) {
    log.error(cause, "a step failed too often");
    return fail(options, tooManyAttempts(name, work.attempts, reason));
  }
  const delayMs = retryDelayMs(work.attempts, random);
  log.warn({ ...cause, delayMs }, "a step failed; it will be tried again");
  const untilMs = clock.now() + delayMs;
  await cluster.write(
    postponed({
      untilMs,
      attempts: work.attempts,
      lastError: reason,
      unqueued: !options.hasMessage(),
      timing,
    }),
    lost,
  );
  return { ended: false, untilMs };
}

/** @throws {StepTimedOutError} */
async function again(
  listed: ListedStep,
  result: Extract<StepResult, { readonly done: false }>,
  options: RunStepsOptions,
): Promise<RunOutcome> {
  const { cluster, clock, timing, lost, log } = options;
  const now = clock.now();
  const leftMs = deadlineOf(listed, cluster.current.cluster.work.stepStartedAt ?? now) - now;
  if (leftMs <= 0) throw new StepTimedOutError("the step's deadline has passed");
  const { againAfterMs } = result;
  if (Number.isNaN(againAfterMs)) throw new TypeError("a step must say after how long");
  // a wait beyond the deadline would only delay the news
  const waitMs = Math.min(againAfterMs, leftMs, attemptWaitMaxMs);
  const untilMs = now + Math.ceil(Math.max(againAtLeastMs, waitMs));
  const reason = waitingReason(listed.place.name, result.because, cluster.current.cluster.secrets);
  if (reason !== undefined && isToBeTold(reason, untilMs, cluster.current.cluster)) {
    log.warn({ step: listed.place.name, untilMs }, reason.message);
  }
  await cluster.write(
    postponed({
      changes: result.changes,
      untilMs,
      attempts: 0,
      ...(reason === undefined ? {} : { lastError: reason }),
      unqueued: !options.hasMessage(),
      timing,
    }),
    lost,
  );
  return { ended: false, untilMs };
}

/**
 * Whether the log hasn't been told the reason yet, or not for a while: some steps ask to be called again each second. It is judged
 * by the document alone, since each time may be another worker's.
 */
function isToBeTold(
  { message }: OperationError,
  untilMs: EpochMs,
  { work, nextAttemptAt }: ClusterDocument,
): boolean {
  if (work.lastError?.message !== message) return true;
  const { stepStartedAt = 0 } = work;
  const partOf = (at: EpochMs): number => Math.floor((at - stepStartedAt) / toldAgainMs);
  return partOf(untilMs) !== partOf(nextAttemptAt);
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
  return { ended: true, status: "Failed", error };
}

function deadlineOf(listed: ListedStep, startedAt: number): number {
  return startedAt + listed.step.deadlineMs;
}

/** With what the step said that it was waiting for, if it did. */
function timedOut(name: string, { steps, cluster }: RunStepsOptions): OperationError {
  const deadlineMs = steps.find(({ place }) => place.name === name)?.step.deadlineMs ?? 0;
  const minutes = Math.round(deadlineMs / 6_000) / 10;
  const message = `Step ${name} did not end within ${minutes} minutes.`;
  const cause = cluster.current.cluster.work.lastError?.message;
  const isOfStep = cause?.startsWith(`Step ${name} `) === true;
  return { code: "StepTimedOut", message: isOfStep ? `${message} ${cause}` : message };
}
