/** A notification is never lost, and a wait ends by it, by time or by the signal. */
import { expect, test } from "vitest";
import type { Clock } from "../../src/runtime/clock.ts";
import { Nudge } from "../../src/runtime/nudge.ts";

/** A clock whose sleepers sleep until told otherwise. */
class StillClock implements Clock {
  readonly asked: number[] = [];
  readonly #sleepers: (() => void)[] = [];

  now(): number {
    return 0;
  }

  monotonic(): number {
    return 0;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    this.asked.push(durationMs);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    this.#sleepers.push(resolve);
    return promise;
  }

  timer(): Disposable {
    throw new Error("nobody sets a timer here");
  }

  wakeAll(): void {
    for (const wake of this.#sleepers) wake();
  }
}

const running = new AbortController().signal;

/** Whether it has ended after all that can happen without time has happened. */
async function hasEnded(promise: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const note = (): void => void (ended = true);
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return ended;
}

test("a wait lasts as long as it was told", async () => {
  const clock = new StillClock();
  const wait = new Nudge(clock).wait(500, running);
  expect(clock.asked).toEqual([500]);
  expect(await hasEnded(wait)).toBe(false);
  clock.wakeAll();
  await expect(wait).resolves.toBe(false);
});

test("a notification ends every wait", async () => {
  const nudge = new Nudge(new StillClock());
  const waits = [nudge.wait(500, running), nudge.wait(500, running)];
  nudge.notify();
  await Promise.all(waits);
  expect(await hasEnded(nudge.wait(500, running))).toBe(false);
});

test("a notification while nobody waits ends the next wait, once", async () => {
  const clock = new StillClock();
  const nudge = new Nudge(clock);
  nudge.notify();
  nudge.notify();
  await nudge.wait(500, running);
  expect(clock.asked).toEqual([]);
  expect(await hasEnded(nudge.wait(500, running))).toBe(false);
});

test("a notification between the end of the time and the return is not carried on", async () => {
  const clock = new StillClock();
  const nudge = new Nudge(clock);
  const wait = nudge.wait(500, running);
  clock.wakeAll();
  nudge.notify();
  await wait;
  expect(await hasEnded(nudge.wait(500, running))).toBe(false);
});

test("an abort ends a wait with its reason and keeps the notification", async () => {
  const clock = new StillClock();
  const nudge = new Nudge(clock);
  const stop = new AbortController();
  const reason = new Error("a reason of its own");
  const wait = nudge.wait(500, stop.signal);
  stop.abort(reason);
  await expect(wait).rejects.toBe(reason);
  nudge.notify();
  await expect(nudge.wait(500, stop.signal)).rejects.toBe(reason);
  await expect(nudge.wait(500, running)).resolves.toBe(true);
});

test("a wait leaves no listener on the signal", async () => {
  const nudge = new Nudge(new StillClock());
  const stop = new AbortController();
  let listeners = 0;
  const add = stop.signal.addEventListener.bind(stop.signal);
  const remove = stop.signal.removeEventListener.bind(stop.signal);
  stop.signal.addEventListener = (...given: Parameters<typeof add>): void => {
    listeners += 1;
    add(...given);
  };
  stop.signal.removeEventListener = (...given: Parameters<typeof remove>): void => {
    listeners -= 1;
    remove(...given);
  };
  const wait = nudge.wait(500, stop.signal);
  expect(listeners).toBe(1);
  nudge.notify();
  await wait;
  expect(listeners).toBe(0);
});
