/** Signals fire by the given clock or with another signal, and whoever waits stops waiting then. */
import { expect, test } from "vitest";
import { deadlineSignal, rejectOnAbort, untilAborted } from "../../src/runtime/deadlineSignal.ts";
import { settled, TestClock } from "./testClock.ts";

const late = (): Error => new Error("late");

test("fires when the time is up, with the reason it was given", async () => {
  const clock = new TestClock();
  using limit = deadlineSignal({ clock, afterMs: 500, reason: late });
  await clock.advance(499);
  expect(limit.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(limit.signal.reason).toEqual(late());
});

test("fires with a parent, with that one's reason, also if that had fired before", async () => {
  const clock = new TestClock();
  const parent = new AbortController();
  using limit = deadlineSignal({ clock, afterMs: 500, reason: late, parents: [parent.signal] });
  parent.abort(new Error("parent"));
  expect(limit.signal.reason).toEqual(new Error("parent"));
  using after = deadlineSignal({ clock, afterMs: 500, reason: late, parents: [parent.signal] });
  expect(after.signal.aborted).toBe(true);
});

test("a time that is over already fires at once", async () => {
  const clock = new TestClock();
  using limit = deadlineSignal({ clock, afterMs: -5, reason: late });
  await clock.advance(0);
  expect(limit.signal.aborted).toBe(true);
});

test("leaves no sleeper behind when it is disposed of, and never fires afterwards", async () => {
  const clock = new TestClock();
  const limit = deadlineSignal({ clock, afterMs: 500, reason: late });
  expect(clock.sleeping).toBe(1);
  limit[Symbol.dispose]();
  expect(clock.sleeping).toBe(0);
  await clock.advance(1_000);
  expect(limit.signal.aborted).toBe(false);
});

test("a rejection on abort carries the reason, and nobody has to listen to it", async () => {
  const controller = new AbortController();
  using first = rejectOnAbort(controller.signal);
  using unheard = rejectOnAbort(controller.signal);
  controller.abort(late());
  await expect(first.promise).rejects.toEqual(late());
  expect(unheard.promise).toBeInstanceOf(Promise);
  using after = rejectOnAbort(controller.signal);
  await expect(after.promise).rejects.toEqual(late());
});

test("a call brings its result or its error, if the signal is silent", async () => {
  const { signal } = new AbortController();
  await expect(untilAborted(signal, async () => 7)).resolves.toBe(7);
  await expect(untilAborted(signal, async () => Promise.reject(late()))).rejects.toEqual(late());
});

test("a call that hangs is left when the signal fires, and what it still throws is lost", async () => {
  const controller = new AbortController();
  const hanging = Promise.withResolvers<never>();
  const call = untilAborted(controller.signal, async () => hanging.promise);
  controller.abort(late());
  await expect(call).rejects.toEqual(late());
  hanging.reject(new Error("nobody hears this"));
  await settled();
});

test("a call is not begun at all under a signal that has fired", async () => {
  let begun = false;
  const call = untilAborted(AbortSignal.abort(late()), async () => {
    begun = true;
  });
  await expect(call).rejects.toEqual(late());
  expect(begun).toBe(false);
});
