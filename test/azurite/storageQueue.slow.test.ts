/**
 * The queue on Azure Storage against an implementation that nobody here wrote, and also against a real account when one is
 * named:
 *
 *     TEST_STORAGE_ACCOUNT=ACCOUNT TEST_STORAGE_KEY=... \
 *       npx vitest run --project slow test/azurite/storageQueue.slow.test.ts -t "storage account"
 *
 * or by TEST_STORAGE_QUEUE_ENDPOINT; without the key it signs in with Entra (`az login`). Each case makes a queue of its own,
 * `rp-test-` and something random, and removes it.
 */
import { randomUUID } from "node:crypto";
import { DefaultAzureCredential } from "@azure/identity";
import { QueueClient, StorageSharedKeyCredential } from "@azure/storage-queue";
import { afterAll, expect, test } from "vitest";
import { AccountKey } from "../../src/accountSettings.ts";
import { StorageQueue } from "../../src/queue/storageQueue.ts";
import { openStorageQueue } from "../../src/queue/storageQueueConnection.ts";
import {
  readStorageQueueSettings,
  type StorageQueueSettings,
} from "../../src/queue/storageQueueSettings.ts";
import { QueueUnavailableError } from "../../src/queue/queue.ts";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/ids.ts";
import { queueSuite } from "../queue/queueSuite.ts";
import { TestClock } from "../runtime/testClock.ts";
import { Azurite, azuriteAccount } from "./azurite.ts";

interface OpenedQueue extends AsyncDisposable {
  readonly queue: StorageQueue;
  readonly other: StorageQueue;
  /** The SDK's own, as others use it. */
  readonly client: QueueClient;
}

/** A queue of its own for one case. */
async function openQueue(settings: StorageQueueSettings, clock: Clock): Promise<OpenedQueue> {
  const name = `rp-test-${randomUUID()}`;
  const { sharedKey, endpoint } = settings;
  const credential =
    sharedKey === undefined
      ? new DefaultAzureCredential()
      : new StorageSharedKeyCredential(sharedKey.account, sharedKey.key.reveal());
  const client = new QueueClient(`${endpoint}/${name}`, credential);
  await client.create();
  const open = async () => {
    const connection = await openStorageQueue(settings, {
      name,
      signal: AbortSignal.timeout(60_000),
    });
    return new StorageQueue({ connection, clock, random: systemRandom });
  };
  return {
    queue: await open(),
    other: await open(),
    client,
    [Symbol.asyncDispose]: async () => {
      await client.deleteIfExists();
    },
  };
}

let azurite: Promise<Azurite> | undefined;

afterAll(async () => {
  await (await azurite)?.[Symbol.asyncDispose]();
});

interface EmulatedQueue extends OpenedQueue {
  readonly clock: TestClock;
  readonly advance: (durationMs: number) => Promise<void>;
}

async function openEmulated(): Promise<EmulatedQueue> {
  azurite ??= Azurite.start();
  const emulator = await azurite;
  const { name: account, key } = azuriteAccount;
  const sharedKey = { account, key: new AccountKey(key) };
  const clock = new TestClock();
  const opened = await openQueue({ endpoint: emulator.endpoint, sharedKey }, clock);
  return {
    ...opened,
    clock,
    advance: async (durationMs) => {
      await emulator.advance(durationMs);
      await clock.advance(durationMs);
    },
  };
}

queueSuite("queue on Azurite", async () => {
  const opened = await openEmulated();
  return {
    ...opened,
    // of this process; the service keeps its own, which nobody sets back
    setBack: (durationMs) => opened.clock.setBack(durationMs),
  };
});

const { settings, faults } = readStorageQueueSettings({
  STORAGE_ACCOUNT: process.env["TEST_STORAGE_ACCOUNT"],
  STORAGE_QUEUE_ENDPOINT: process.env["TEST_STORAGE_QUEUE_ENDPOINT"],
  STORAGE_KEY: process.env["TEST_STORAGE_KEY"],
});
for (const { variable, message } of faults) throw new Error(`TEST_${variable} ${message}`);
if (settings !== undefined) {
  const noTurning = "nobody sets the clock of a real account back";
  queueSuite(
    "queue on a storage account",
    async () => ({
      ...(await openQueue(settings, systemClock)),
      advance: async (durationMs) => systemClock.sleep(durationMs),
      setBack: () => {},
    }),
    {
      "the clock is set back: what was hidden comes back after its time": noTurning,
      "the clock is set back: what was visible stays so, in its turn": noTurning,
      "the clock is set back: the receiver keeps its message by extending it": noTurning,
      "every walk agrees with the model": "its seconds would have to pass one by one, for hours",
    },
  );
}

test("a message never expires, and may be hidden for a week", async () => {
  await using under = await openEmulated();
  const { queue, advance } = under;
  await queue.send("text", { delayMs: Infinity });
  await advance(7 * 24 * 3_600_000 - 60_000);
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toEqual([]);
  await advance(370 * 24 * 3_600_000);
  const [message] = await queue.receive({ max: 1, visibilityMs: 0 });
  if (message === undefined) throw new Error("expired");
  await queue.extend(message, { visibilityMs: Infinity });
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toEqual([]);
});

test("foreign messages are handed on as they are and hold up no others", async () => {
  await using under = await openEmulated();
  const { queue, client } = under;
  const foreign = ["none of ours", '{"format":1}', "<&>\"'".repeat(3_000), "//4A", "é"];
  for (const text of foreign) await client.sendMessage(text);
  await queue.send("ours");
  const messages = await queue.receive({ max: 32, visibilityMs: 60_000 });
  expect(messages.map(({ body }) => body)).toEqual([...foreign, "ours"]);
});

test("a queue that was removed is unavailable, and none of its messages is lost to its holder", async () => {
  await using under = await openEmulated();
  const { queue, client } = under;
  await queue.send("text");
  const [message] = await queue.receive({ max: 1, visibilityMs: 60_000 });
  if (message === undefined) throw new Error("not received");
  await client.delete();
  const calls: readonly (() => Promise<unknown>)[] = [
    async () => queue.ping(),
    async () => queue.send("text"),
    async () => queue.receive({ max: 1, visibilityMs: 1_000 }),
    async () => queue.extend(message, { visibilityMs: 1_000 }),
    async () => queue.complete(message),
  ];
  for (const call of calls) {
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(String(error)).toMatch(/404 QueueNotFound/);
  }
});
