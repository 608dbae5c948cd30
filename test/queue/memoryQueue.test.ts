/** The queue of the simulation keeps the port's promises; and what only it can do: misbehave as others do by themselves. */
import { expect, test } from "vitest";
import { MessageLostError } from "../../src/queue/queue.ts";
import { TestClock } from "../runtime/testClock.ts";
import { MemoryQueue } from "./memoryQueue.ts";
import { queueSuite } from "./queueSuite.ts";

queueSuite("queue in plain memory", async () => {
  const clock = new TestClock();
  const queue = new MemoryQueue({ clock });
  return {
    queue,
    other: queue,
    advance: async (durationMs) => clock.advance(durationMs),
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => {},
  };
});

test("a message that is shown too early is somebody else's", async () => {
  const queue = new MemoryQueue({ clock: new TestClock() });
  await queue.send("text");
  const [first] = await queue.receive({ max: 1, visibilityMs: 1_000 });
  if (first === undefined) throw new Error("not received");
  queue.show(first.id);
  const [second] = await queue.receive({ max: 1, visibilityMs: 1_000 });
  expect(second?.id).toBe(first.id);
  await expect(queue.complete(first)).rejects.toThrow(MessageLostError);
});

test("a lost message is gone", async () => {
  const queue = new MemoryQueue({ clock: new TestClock() });
  await queue.send("text");
  for (const id of queue.ids) queue.lose(id);
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toEqual([]);
  expect(queue.bodies).toEqual([]);
});

test("a message that is shown twice at once is received once", async () => {
  const queue = new MemoryQueue({ clock: new TestClock() });
  await queue.send("text", { delayMs: 1_000 });
  for (const id of [...queue.ids, ...queue.ids]) queue.show(id);
  expect(await queue.receive({ max: 2, visibilityMs: 1_000 })).toHaveLength(1);
});
