/** The SQLite queue keeps the port's promises, in a file and in memory; and what only it can get wrong. */
import { expect, test, vi } from "vitest";
import { MessageLostError, QueueUnavailableError } from "../../src/queue/queue.ts";
import { SqliteQueue } from "../../src/queue/sqliteQueue.ts";
import { openUnflushedFile, openMemory, type SqliteFixture } from "../store/sqliteFixture.ts";
import { queueSuite } from "./queueSuite.ts";
import type { QueueUnderTest } from "./queueUnderTest.ts";

function underTest(fixture: SqliteFixture): QueueUnderTest {
  const { database, other, clock } = fixture;
  return {
    queue: new SqliteQueue({ database, clock }),
    other: new SqliteQueue({ database: other, clock }),
    advance: async (durationMs) => clock.advance(durationMs),
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
  };
}

queueSuite("SQLite queue in a file", async () => underTest(await openUnflushedFile()));
queueSuite("SQLite queue in memory", async () => underTest(await openMemory()));

test("messages come in the order of their visibility", async () => {
  await using fixture = await openMemory();
  const queue = new SqliteQueue(fixture);
  await queue.send("third", { delayMs: 2_000 });
  await queue.send("first");
  await queue.send("second", { delayMs: 1_000 });
  await fixture.clock.advance(2_000);
  const messages = await queue.receive({ max: 3, visibilityMs: 1_000 });
  expect(messages.map(({ body }) => body)).toEqual(["first", "second", "third"]);
});

test("an empty queue is looked at without a lock", async () => {
  await using fixture = await openMemory();
  const queue = new SqliteQueue(fixture);
  await queue.send("later", { delayMs: 60_000 });
  const statements = vi.spyOn(fixture.database, "statement");
  expect(await queue.receive({ max: 32, visibilityMs: 1_000 })).toEqual([]);
  expect(statements.mock.calls.map(([sql]) => sql)).not.toContain("BEGIN IMMEDIATE");
});

test("an id that it never gave is a lost message", async () => {
  await using fixture = await openMemory();
  const queue = new SqliteQueue(fixture);
  const message = { id: "no number", body: "", popReceipt: "none", deliveries: 1 };
  await expect(queue.complete(message)).rejects.toThrow(MessageLostError);
  await expect(queue.extend(message, { visibilityMs: 0 })).rejects.toThrow(MessageLostError);
});

test("a closed database is an unavailable queue", async () => {
  await using fixture = await openMemory();
  const queue = new SqliteQueue(fixture);
  await fixture.database.close();
  await expect(queue.ping()).rejects.toThrow(QueueUnavailableError);
  await expect(queue.send("text")).rejects.toThrow(QueueUnavailableError);
  await expect(queue.receive({ max: 1, visibilityMs: 1_000 })).rejects.toThrow(
    QueueUnavailableError,
  );
});
