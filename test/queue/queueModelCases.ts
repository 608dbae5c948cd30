/** Random walks of a queue beside a model of a few lines: whatever is done in whatever order, both agree. */
import fc from "fast-check";
import { expect } from "vitest";
import type { Case } from "../store/adapterSuite.ts";
import { MessageLostError, type ReceivedMessage } from "../../src/queue/queue.ts";
import type { QueueUnderTest } from "./queueUnderTest.ts";

interface ModelMessage {
  readonly body: string;
  visibleAt: number;
  deliveries: number;
  /** The one receipt that is good. */
  popReceipt?: string;
}

class Model {
  now = 0;
  sent = 0;
  readonly messages = new Map<string, ModelMessage>();
  /** Every receipt that was ever given, good or not. */
  readonly receipts: ReceivedMessage[] = [];

  visible(): readonly ModelMessage[] {
    return [...this.messages.values()].filter(({ visibleAt }) => visibleAt <= this.now);
  }

  isGood({ body, popReceipt }: ReceivedMessage): boolean {
    return this.messages.get(body)?.popReceipt === popReceipt;
  }

  /** One of all receipts, the newer the smaller the number. */
  receipt(backwards: number): ReceivedMessage | undefined {
    return this.receipts.at(-1 - (backwards % Math.max(1, this.receipts.length)));
  }

  handOut(message: ReceivedMessage): void {
    // those received together may share one
    const { id, popReceipt } = message;
    if (this.receipts.some((given) => given.id === id && given.popReceipt === popReceipt)) {
      throw new Error(`the receipt ${popReceipt} was given before`);
    }
    this.receipts.push(message);
  }
}

type Command = fc.AsyncCommand<Model, QueueUnderTest>;

function send(delayMs: number): Command {
  return {
    check: () => true,
    async run(model, { queue }) {
      const body = `message ${model.sent}`;
      model.sent += 1;
      await queue.send(body, { delayMs });
      model.messages.set(body, { body, visibleAt: model.now + delayMs, deliveries: 0 });
    },
    toString: () => `send(delay ${delayMs})`,
  };
}

function receive(max: number, visibilityMs: number): Command {
  return {
    check: () => true,
    async run(model, { queue }) {
      const visible = model.visible();
      const received = await queue.receive({ max, visibilityMs });
      expect(received).toHaveLength(Math.min(max, visible.length));
      for (const message of received) {
        const expected = visible.find(({ body }) => body === message.body);
        if (expected === undefined) throw new Error(`${message.body} is not visible`);
        expected.deliveries += 1;
        expect(message.deliveries).toBe(expected.deliveries);
        model.handOut(message);
        expected.popReceipt = message.popReceipt;
        expected.visibleAt = model.now + visibilityMs;
      }
    },
    toString: () => `receive(${max}, visibility ${visibilityMs})`,
  };
}

function extend(backwards: number, visibilityMs: number): Command {
  return {
    check: (model) => model.receipts.length > 0,
    async run(model, { other }) {
      const receipt = model.receipt(backwards);
      if (receipt === undefined) return;
      const extending = other.extend(receipt, { visibilityMs });
      if (!model.isGood(receipt)) {
        await expect(extending).rejects.toThrow(MessageLostError);
        return;
      }
      const extended = await extending;
      model.handOut(extended);
      const message = model.messages.get(receipt.body);
      if (message === undefined) throw new Error("the model is wrong");
      message.popReceipt = extended.popReceipt;
      message.visibleAt = model.now + visibilityMs;
    },
    toString: () => `extend(receipt -${backwards}, visibility ${visibilityMs})`,
  };
}

function complete(backwards: number): Command {
  return {
    check: (model) => model.receipts.length > 0,
    async run(model, { queue }) {
      const receipt = model.receipt(backwards);
      if (receipt === undefined) return;
      const completing = queue.complete(receipt);
      if (!model.isGood(receipt)) {
        await expect(completing).rejects.toThrow(MessageLostError);
        return;
      }
      await completing;
      model.messages.delete(receipt.body);
    },
    toString: () => `complete(receipt -${backwards})`,
  };
}

function pass(durationMs: number): Command {
  return {
    check: () => true,
    async run(model, { advance }) {
      await advance(durationMs);
      model.now += durationMs;
    },
    toString: () => `pass(${durationMs})`,
  };
}

const seconds = fc.integer({ min: 0, max: 4 }).map((count) => count * 1_000);
const visibility = fc.integer({ min: 1, max: 4 }).map((count) => count * 1_000);
const backwards = fc.nat(3);
const commands = fc.commands(
  [
    seconds.map(send),
    fc.tuple(fc.integer({ min: 1, max: 3 }), visibility).map(([max, ms]) => receive(max, ms)),
    fc.tuple(backwards, seconds).map(([index, ms]) => extend(index, ms)),
    backwards.map(complete),
    seconds.map(pass),
  ],
  { maxCommands: 40 },
);

export function queueModelCases(state: Case<QueueUnderTest>): void {
  state("every walk agrees with the model", async (under) => {
    const { queue, advance } = under;
    await fc.assert(
      fc.asyncProperty(commands, async (walk) => {
        const model = new Model();
        await fc.asyncModelRun(() => ({ model, real: under }), walk);
        // nothing that wasn't completed is lost
        await advance(10_000);
        model.now += 10_000;
        while (model.messages.size > 0) {
          const received = await queue.receive({ max: 32, visibilityMs: 10_000 });
          expect(received).toHaveLength(Math.min(32, model.messages.size));
          for (const message of received) {
            expect(model.messages.delete(message.body)).toBe(true);
            await queue.complete(message);
          }
        }
        expect(await queue.receive({ max: 32, visibilityMs: 1_000 })).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
}
