/** What the forwarder remembers of clusters that it could not finish: for how long, and no more than so many. */
import { expect, test } from "vitest";
import { SetAside } from "../../src/forwarder/setAside.ts";
import { attemptWaitMaxMs } from "../../src/model/timing.ts";
import type { ClusterReference, ETag } from "../../src/store/store.ts";
import { TestClock } from "../runtime/testClock.ts";

function reference(id: string, etag = "1"): ClusterReference {
  const key = { partition: "p", id };
  return { key, etag: etag as ETag, operationId: "o", nextAttemptAt: 0, sweeps: 0 };
}

function withClock(): { clock: TestClock; setAside: SetAside } {
  const clock = new TestClock();
  return { clock, setAside: new SetAside({ clock, firstWaitMs: 1_000 }) };
}

test("tries become rarer, up to the longest wait, also when the clock is set back", async () => {
  const { clock, setAside } = withClock();
  const waits: number[] = [];
  let last = clock.monotonic();
  for (setAside.begin(reference("a")); waits.length < 12;) {
    await clock.advance(500);
    if (waits.length === 3) clock.setBack(3_600_000);
    if (setAside.begin(reference("a")) === undefined) continue;
    waits.push(clock.monotonic() - last);
    last = clock.monotonic();
  }
  expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
  expect(waits.slice(-2)).toEqual([attemptWaitMaxMs, attemptWaitMaxMs]);
});

test("what was sent is remembered as long as the cluster is unchanged", async () => {
  const { clock, setAside } = withClock();
  const first = setAside.begin(reference("a"));
  expect(first?.isSent).toBe(false);
  first?.sent();
  await clock.advance(1_000);
  expect(setAside.begin(reference("a"))?.isSent).toBe(true);
  // changed: at once, and with a message of its own
  expect(setAside.begin(reference("a", "2"))?.isSent).toBe(false);
  expect(setAside.begin(reference("b"))?.isSent).toBe(false);
});

test("what is settled is forgotten, unless it has changed since", () => {
  const { setAside } = withClock();
  const first = setAside.begin(reference("a"));
  setAside.begin(reference("a", "2"));
  first?.settled();
  expect(setAside.begin(reference("a", "2"))).toBeUndefined();
  const other = setAside.begin(reference("b"));
  other?.settled();
  expect(setAside.begin(reference("b"))).toBeDefined();
});

test("no more than ten thousand are remembered", () => {
  const { setAside } = withClock();
  for (let count = 0; count <= 10_000; count += 1) setAside.begin(reference(`c${count}`));
  expect(setAside.begin(reference("c1"))).toBeUndefined();
  expect(setAside.begin(reference("c0"))).toBeDefined();
});
