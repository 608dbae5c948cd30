/**
 * What every queue must do, as tests that each adapter runs. Times are whole seconds, because the storage queue knows
 * no finer ones; order is never looked at beyond "no message is passed over for ever".
 */
import { expect } from "vitest";
import { adapterSuite, type Case } from "../store/adapterSuite.ts";
import {
  MessageLostError,
  messageBytesMax,
  receiveMax,
  type Queue,
  type ReceivedMessage,
} from "../../src/queue/queue.ts";
import { queueModelCases } from "./queueModelCases.ts";
import type { QueueUnderTest } from "./queueUnderTest.ts";

/** @param skips the titles of cases that an adapter does not run, each with the reason. */
export function queueSuite(
  name: string,
  open: () => Promise<QueueUnderTest>,
  skips: Readonly<Record<string, string>> = {},
): void {
  adapterSuite<QueueUnderTest>({
    name,
    open,
    skips,
    cases: (state) => {
      queueCases(state);
      queueModelCases(state);
    },
  });
}

const visibilityMs = 10_000;

/** @throws {Error} when there is none, or more than asked for. */
async function receiveOne(queue: Queue): Promise<ReceivedMessage> {
  const [message, ...more] = await queue.receive({ max: 1, visibilityMs });
  if (message === undefined || more.length > 0) throw new Error("not one message");
  return message;
}

async function expectEmpty(queue: Queue): Promise<void> {
  expect(await queue.receive({ max: receiveMax, visibilityMs })).toEqual([]);
}

async function expectLost(queue: Queue, message: ReceivedMessage): Promise<void> {
  await expect(queue.extend(message, { visibilityMs })).rejects.toThrow(MessageLostError);
  await expect(queue.complete(message)).rejects.toThrow(MessageLostError);
}

function queueCases(state: Case<QueueUnderTest>): void {
  state("an empty queue gives an empty list", async ({ queue }) => {
    await expectEmpty(queue);
    await expect(queue.ping()).resolves.toBeUndefined();
  });

  state("what was sent is received, once, by one", async ({ queue, other }) => {
    await queue.send("text");
    const message = await receiveOne(other);
    expect(message.body).toBe("text");
    expect(message.deliveries).toBe(1);
    await expectEmpty(queue);
    await other.complete(message);
    await expectLost(queue, message);
  });

  state(
    "its depth counts what waits, is in hand or is yet to be shown",
    async ({ queue, other }) => {
      expect(await queue.depth()).toBe(0);
      await queue.send("a");
      await queue.send("b", { delayMs: visibilityMs });
      await queue.send("c");
      const message = await receiveOne(queue);
      expect(await other.depth()).toBe(3);
      await queue.complete(message);
      expect(await queue.depth()).toBe(2);
    },
  );

  state("a completed message never comes back", async ({ queue, advance }) => {
    await queue.send("text");
    await queue.complete(await receiveOne(queue));
    await advance(2 * visibilityMs);
    await expectEmpty(queue);
  });

  state("any text comes as it was sent", async ({ queue }) => {
    const texts = [
      "",
      " ",
      '{"a": 1}',
      "<xml/>&amp;",
      "aGVsbG8=",
      "é 😀 \u{10ffff}",
      "a\nb\r\nc\td",
    ];
    for (const text of texts) await queue.send(text);
    const messages = await queue.receive({ max: receiveMax, visibilityMs });
    expect(messages.map(({ body }) => body).toSorted()).toEqual(texts.toSorted());
    expect(new Set(messages.map(({ id }) => id)).size).toBe(texts.length);
  });

  state("a message may be as large as the limit and no larger", async ({ queue }) => {
    const largest = "é".repeat(messageBytesMax / 2);
    await expect(queue.send(`${largest}x`)).rejects.toThrow(RangeError);
    await expectEmpty(queue);
    await queue.send(largest);
    expect((await receiveOne(queue)).body).toBe(largest);
  });

  state("one receive takes up to 32", async ({ queue }) => {
    for (let count = 0; count < 40; count += 1) await queue.send(`${count}`);
    for (const max of [0, receiveMax + 1, -1, 1.5, Number.NaN]) {
      await expect(queue.receive({ max, visibilityMs })).rejects.toThrow(RangeError);
    }
    const three = await queue.receive({ max: 3, visibilityMs });
    const many = await queue.receive({ max: receiveMax, visibilityMs });
    const rest = await queue.receive({ max: receiveMax, visibilityMs });
    expect([three.length, many.length, rest.length]).toEqual([3, receiveMax, 5]);
    const bodies = [...three, ...many, ...rest].map(({ body }) => body);
    expect(new Set(bodies).size).toBe(40);
  });

  state("of many who receive at once each message has one", async ({ queue, other }) => {
    for (let count = 0; count < 20; count += 1) await queue.send(`${count}`);
    const received = await Promise.all(
      Array.from({ length: 30 }, async (_, index) =>
        (index % 2 === 0 ? queue : other).receive({ max: 1, visibilityMs }),
      ),
    );
    const bodies = received.flat().map(({ body }) => body);
    expect(bodies).toHaveLength(20);
    expect(new Set(bodies).size).toBe(20);
  });

  state("a delayed message appears when its time has come", async ({ queue, advance }) => {
    await queue.send("later", { delayMs: 5_000 });
    await queue.send("now", { delayMs: 0 });
    expect((await receiveOne(queue)).body).toBe("now");
    await expectEmpty(queue);
    await advance(4_000);
    await expectEmpty(queue);
    await advance(1_000);
    const message = await receiveOne(queue);
    expect(message.body).toBe("later");
    expect(message.deliveries).toBe(1);
  });

  state("what isn't completed comes back, and is counted", async ({ queue, advance }) => {
    await queue.send("text");
    const receipts = new Set<string>();
    for (let deliveries = 1; deliveries <= 4; deliveries += 1) {
      const message = await receiveOne(queue);
      expect(message.body).toBe("text");
      expect(message.deliveries).toBe(deliveries);
      receipts.add(message.popReceipt);
      await advance(visibilityMs - 1_000);
      await expectEmpty(queue);
      await advance(1_000);
    }
    expect(receipts.size).toBe(4);
  });

  state("a message received by another is lost to the first", async (under) => {
    const { queue, other, advance } = under;
    await queue.send("text");
    const first = await receiveOne(queue);
    await advance(visibilityMs);
    const second = await receiveOne(other);
    expect(second.id).toBe(first.id);
    await expectLost(queue, first);
    await other.complete(await other.extend(second, { visibilityMs }));
  });

  state("a message that ran out but nobody took is still the receiver's", async (under) => {
    const { queue, advance } = under;
    await queue.send("a");
    await queue.send("b");
    const messages = await queue.receive({ max: 2, visibilityMs });
    await advance(2 * visibilityMs);
    const [one, two] = messages;
    if (one === undefined || two === undefined) throw new Error("not received");
    const extended = await queue.extend(one, { visibilityMs });
    await queue.complete(two);
    await expectEmpty(queue);
    await queue.complete(extended);
    await advance(2 * visibilityMs);
    await expectEmpty(queue);
  });

  state("every extend gives a new receipt and voids the old", async (under) => {
    const { queue, other, advance } = under;
    await queue.send("text");
    let message = await receiveOne(queue);
    for (let turn = 0; turn < 4; turn += 1) {
      await advance(visibilityMs - 1_000);
      const extended = await queue.extend(message, { visibilityMs });
      const { popReceipt: _old, ...kept } = message;
      expect(extended).toMatchObject(kept);
      // whole seconds, which no queue rounds
      expect(extended.hiddenMs ?? visibilityMs).toBe(visibilityMs);
      await expectLost(other, message);
      message = extended;
      await expectEmpty(other);
    }
    await queue.complete(message);
  });

  state("an extend counts from now, also when it is shorter", async ({ queue, advance }) => {
    await queue.send("text");
    await queue.extend(await receiveOne(queue), { visibilityMs: 2_000 });
    await advance(1_000);
    await expectEmpty(queue);
    await advance(1_000);
    expect((await receiveOne(queue)).deliveries).toBe(2);
  });

  state("an extend by 0 puts the message back at once", async ({ queue, other }) => {
    await queue.send("text");
    const put = await queue.extend(await receiveOne(queue), { visibilityMs: 0 });
    const message = await receiveOne(other);
    expect(message.deliveries).toBe(2);
    await expectLost(queue, put);
    await other.complete(message);
  });

  state("the clock is set back: what was hidden comes back after its time", async (under) => {
    const { queue, other, advance, setBack } = under;
    await queue.send("received");
    await receiveOne(queue);
    await queue.send("put back");
    await queue.extend(await receiveOne(queue), { visibilityMs: 5_000 });
    await queue.send("delayed", { delayMs: 3_000 });
    setBack(3_600_000);
    await expectEmpty(other);
    const bodies: string[] = [];
    for (const restMs of [3_000, 2_000, visibilityMs - 5_000]) {
      await advance(restMs);
      bodies.push((await receiveOne(other)).body);
    }
    expect(bodies).toEqual(["delayed", "put back", "received"]);
  });

  state("the clock is set back: what was visible stays so, in its turn", async (under) => {
    const { queue, advance, setBack } = under;
    await queue.send("first");
    await advance(2_000);
    await queue.send("second");
    setBack(3_600_000);
    await queue.send("third");
    const bodies = (await queue.receive({ max: 3, visibilityMs })).map(({ body }) => body);
    expect(bodies.toSorted()).toEqual(["first", "second", "third"]);
  });

  state("the clock is set back: the receiver keeps its message by extending it", async (under) => {
    const { queue, other, advance, setBack } = under;
    await queue.send("text");
    let message = await receiveOne(queue);
    setBack(3_600_000);
    for (let turn = 0; turn < 3; turn += 1) {
      await expectEmpty(other);
      await advance(visibilityMs / 2);
      message = await queue.extend(message, { visibilityMs });
    }
    await expectEmpty(other);
    await queue.complete(message);
  });

  state("a receipt fits its own message only", async ({ queue }) => {
    await queue.send("a");
    await queue.send("b");
    // received together they may have the same
    const one = await receiveOne(queue);
    const two = await receiveOne(queue);
    await expectLost(queue, { ...one, popReceipt: two.popReceipt });
    await queue.complete(one);
    await queue.complete(two);
  });

  state("a message put back again and again doesn't starve the others", async ({ queue }) => {
    await queue.send("stubborn");
    await queue.send("patient");
    const seen = new Set<string>();
    for (let turn = 0; turn < 4; turn += 1) {
      const message = await receiveOne(queue);
      seen.add(message.body);
      await queue.extend(message, { visibilityMs: 0 });
    }
    expect([...seen].toSorted()).toEqual(["patient", "stubborn"]);
  });

  state("a call that was given up before it began does nothing", async ({ queue }) => {
    await queue.send("there");
    const message = await receiveOne(queue);
    const reason = new Error("given up");
    const signal = AbortSignal.abort(reason);
    const calls = [
      queue.send("text", {}, { signal }),
      queue.receive({ max: 1, visibilityMs }, { signal }),
      queue.extend(message, { visibilityMs: 0 }, { signal }),
      queue.complete(message, { signal }),
      queue.ping({ signal }),
    ];
    for (const call of calls) await expect(call).rejects.toBe(reason);
    await expectEmpty(queue);
    await queue.complete(message);
  });
}
