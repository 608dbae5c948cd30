/**
 * An abort signal that fires when a time is up by the given clock, or when another signal does, and ways to stop waiting
 * when a signal fires. It never uses the system's timers itself, so that a turned clock fires it too.
 */
import type { Clock } from "./clock.ts";

/** A signal, and the end of its timer: `using` it stops that. */
export interface DeadlineSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * @param options.afterMs the time allowed.
 * @param options.reason what the signal's reason will be.
 * @param options.parents signals that abort it as well, with their own reasons.
 */
export function deadlineSignal(options: {
  readonly clock: Clock;
  readonly afterMs: number;
  readonly reason: () => Error;
  readonly parents?: readonly AbortSignal[];
}): DeadlineSignal {
  const { clock, afterMs, reason, parents = [] } = options;
  const expiry = new AbortController();
  const timer = clock.timer(Math.max(0, afterMs), () => expiry.abort(reason()));
  return {
    signal: parents.length === 0 ? expiry.signal : AbortSignal.any([expiry.signal, ...parents]),
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  };
}

/** Rejects with the signal's reason as soon as it is aborted; never resolves. Dispose of it to let go of the signal. */
export function rejectOnAbort(
  signal: AbortSignal,
): Disposable & { readonly promise: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {
    // whoever races against it has seen the reason
  });
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return { promise, [Symbol.dispose]: () => signal.removeEventListener("abort", onAbort) };
}

/**
 * What the call brings, or the signal's reason if that comes first. For calls that may hang and ignore their own signal:
 * only the waiting ends, and whatever they still do or throw is nobody's any more.
 *
 * @param begin is not called when the signal is aborted already.
 */
export async function untilAborted<T>(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  using aborted = rejectOnAbort(signal);
  return await Promise.race([begin(), aborted.promise]);
}
