/**
 * A step that takes a time, as work in a cloud does: it persists what it intends, waits, and tells what came of it. Long waits
 * are given back to the backend, so that they hold no worker; only the short rest is slept through, as a round trip over the
 * queue would take longer. It must never restart its wait: the time runs from the first start, over crashes.
 */
import type { Clock } from "../../runtime/clock.ts";
import type { InstallationChanges, InstallationSnapshot, Step, StepContext } from "../installer.ts";

export interface TimedStepOptions {
  readonly name: string;
  readonly clock: Clock;
  /** From the first start of the step; 0 never waits. The same at each call for the same notes. */
  readonly durationMs: (snapshot: InstallationSnapshot) => number;
  /** No duration is longer; the step's deadline is some time after it. */
  readonly durationMaxMs: number;
  /** Persists intent and makes what is missing. Called at each begin. */
  readonly begin?: (context: StepContext) => Promise<void>;
  /** What the step has changed. Called once its time is over. */
  readonly end?: (snapshot: InstallationSnapshot) => InstallationChanges;
}

const sleptMaxMs = 250;
/** Asked again at least so often, as a cloud would be; so a shorter duration takes effect soon after a restart. */
const againMaxMs = 60_000;
/** What a step may take beyond its own time: restarts of the process and the failures of stores. */
const toleranceMs = 15 * 60_000;

export function timedStep(options: TimedStepOptions): Step {
  const { name, clock, durationMs, durationMaxMs, begin, end } = options;
  return {
    name,
    deadlineMs: durationMaxMs + toleranceMs,
    run: async (context) => {
      await begin?.(context);
      context.guard();
      const wholeMs = Math.min(durationMs(context.snapshot), durationMaxMs);
      // a clock that was set back must not make it longer
      const restMs = Math.min(wholeMs, context.startedAt + wholeMs - context.now);
      if (restMs > sleptMaxMs) {
        return { done: false, againAfterMs: Math.min(restMs, againMaxMs) };
      }
      if (restMs > 0) await clock.sleep(restMs, context.signal);
      return { done: true, ...(end === undefined ? {} : { changes: end(context.snapshot) }) };
    },
  };
}
