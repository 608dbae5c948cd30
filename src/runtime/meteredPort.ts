/**
 * A port whose calls are timed: a thin layer in front of an adapter, or of another layer. It must never change what a call is given,
 * brings or throws, nor know what it is about.
 */
import type { Clock } from "./clock.ts";
import type { EndedCall } from "./metrics.ts";
import { layeredPort } from "./portLayer.ts";

export interface MeteredPortOptions {
  readonly clock: Clock;
  /** Told of each call that has ended; it must not throw. */
  readonly onCall: (call: EndedCall) => void;
}

/** How a call ended, by the name of the error. Names are those of the ports, which this room doesn't know. */
const outcomes: Readonly<Record<string, string>> = {
  StoreConflictError: "conflict",
  StoreUnavailableError: "unavailable",
  StoreOutcomeUnknownError: "unknown",
  DocumentUnreadableError: "unreadable",
  QueueUnavailableError: "unavailable",
  MessageLostError: "lost",
  // a user's link
  InvalidContinuationError: "invalid",
};

/** @param port of which every method is asynchronous. */
export function meteredPort<P extends object>(port: P, { clock, onCall }: MeteredPortOptions): P {
  return layeredPort(port, async ({ method, given, run }) => {
    const begunAt = clock.monotonic();
    const ended = (outcome: string): void =>
      onCall({ method, outcome, durationMs: clock.monotonic() - begunAt });
    try {
      const result = await run();
      ended("ok");
      return result;
    } catch (error) {
      ended(outcomeOf(error, given));
      throw error;
    }
  });
}

function outcomeOf(error: unknown, given: readonly unknown[]): string {
  if (given.some((argument) => isReasonOf(argument, error))) return "aborted";
  return (error instanceof Error ? outcomes[error.name] : undefined) ?? "error";
}

/** Whether the options of a call have a signal that was aborted for this reason. */
function isReasonOf(argument: unknown, error: unknown): boolean {
  if (typeof argument !== "object" || argument === null || !("signal" in argument)) return false;
  const { signal } = argument;
  return signal instanceof AbortSignal && signal.aborted && signal.reason === error;
}
