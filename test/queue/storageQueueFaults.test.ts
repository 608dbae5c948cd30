/**
 * The queue on Azure Storage while the service puts off, refuses, loses and forgets: each rule of repetition, what is told when
 * nobody can know, and that no error shows what a request held.
 */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { MessageLostError, QueueUnavailableError } from "../../src/queue/queue.ts";
import type { ReceivedMessage } from "../../src/queue/queue.ts";
import { attemptLimitMs, callLimitMs } from "../../src/queue/storageQueueCalls.ts";
import { StorageQueueFailure } from "../../src/queue/storageQueueFailure.ts";
import type { StorageQueue } from "../../src/queue/storageQueue.ts";
import { openPeer, type StorageQueueFixture } from "./storageQueueFixture.ts";
import type { Fault, PeerOperation } from "./storageQueuePeer.ts";

const visibilityMs = 60_000;
const secret = "the-secret";
const secretText = Buffer.from(secret).toString("base64");

/** A queue whose one message is in hand, and whose requests count from here. */
async function openWithMessage(): Promise<StorageQueueFixture & { message: ReceivedMessage }> {
  const fixture = await openPeer();
  await fixture.queue.send(secret);
  const [message] = await fixture.queue.receive({ max: 1, visibilityMs });
  if (message === undefined) throw new Error("not received");
  fixture.peer.requests.length = 0;
  return { ...fixture, message };
}

/** The error of a call that must fail; nothing of it may tell what the request held. */
async function errorOf(call: Promise<unknown>): Promise<Error> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  const shown = inspect(error, { depth: 12, showHidden: true });
  for (const hidden of [secret, secretText, "asked with", "SharedKey", "kkkk"]) {
    expect(shown).not.toContain(hidden);
  }
  // the SDK's errors carry the request even where it isn't printed
  const { cause = new StorageQueueFailure("unanswered", "none") } = error;
  expect(cause).toBeInstanceOf(StorageQueueFailure);
  expect(cause).not.toHaveProperty("cause");
  return error;
}

type Call = (
  queue: StorageQueue,
  message: ReceivedMessage,
  signal?: AbortSignal,
) => Promise<unknown>;

/** Each call with the request that it makes. */
const calls: readonly [PeerOperation, Call][] = [
  [
    "send",
    async (queue, _, signal) => queue.send(secret, {}, signal === undefined ? {} : { signal }),
  ],
  [
    "receive",
    async (queue, _, signal) =>
      queue.receive({ max: 5, visibilityMs }, signal === undefined ? {} : { signal }),
  ],
  [
    "update",
    async (queue, message, signal) =>
      queue.extend(message, { visibilityMs }, signal === undefined ? {} : { signal }),
  ],
  [
    "delete",
    async (queue, message, signal) =>
      queue.complete(message, signal === undefined ? {} : { signal }),
  ],
  ["peek", async (queue, _, signal) => queue.ping(signal === undefined ? {} : { signal })],
  ["properties", async (queue, _, signal) => queue.depth(signal === undefined ? {} : { signal })],
];
const repeatable = calls.filter(([operation]) => operation !== "receive");

const busy: Fault = { status: 503, code: "ServerBusy" };
const throttled: Fault = { status: 429 };

/** Answers after which nobody knows whether the request was carried out; it was not. */
const lostBefore: readonly [string, Fault][] = [
  ["reset", { reset: "before" }],
  ["500", { status: 500, code: "InternalError" }],
  ["time out of the service", { status: 500, code: "OperationTimedOut" }],
  ["503 of something in between", { status: 503, text: `<html>${secret}<p></html>` }],
  ["no XML", { status: 502, text: "{<" }],
];
/** The same, and it was. */
const lostAfter: readonly [string, Fault][] = [
  ["reset", { reset: "after" }],
  ["500", { status: 500, code: "OperationTimedOut", effect: true }],
  ["503", { status: 503, effect: true }],
];

test.each(calls)("what was put off is asked for again: %s", async (operation, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, clock, message } = fixture;
  peer.fail(operation, throttled, busy);
  await call(queue, message);
  expect(peer.operations).toEqual([operation, operation, operation]);
  // the SDK would do some of it by itself, in real seconds
  expect(clock.pauses).toEqual([75, 150]);
});

test.each(calls)("how long to wait is the service's to say: %s", async (operation, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, clock, message } = fixture;
  peer.fail(operation, { ...busy, headers: { "retry-after": "2" } });
  await call(queue, message);
  expect(clock.pauses).toEqual([2_000]);
});

test.each(calls)("put off beyond the time of a call: unavailable, %s", async (operation, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail(operation, { ...busy, headers: { "retry-after": "30" } });
  const error = await errorOf(call(queue, message));
  expect(error).toBeInstanceOf(QueueUnavailableError);
  expect(error).toHaveProperty("retryAfterMs", 30_000);
  expect(error.message).toMatch(/503 ServerBusy \(request 0{8}-/);
  expect(peer.operations).toEqual([operation]);
});

test.each(calls)("attempts are bounded, and so are pauses: %s", async (operation, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, clock, message } = fixture;
  peer.fail(operation, ...Array.from({ length: 50 }, () => busy));
  const error = await errorOf(call(queue, message));
  expect(error).toBeInstanceOf(QueueUnavailableError);
  expect(error).toHaveProperty("retryAfterMs", undefined);
  expect(peer.operations).toHaveLength(5);
  expect(clock.pauses).toEqual([75, 150, 300, 600]);
});

const refusals = [
  { status: 400, code: "InvalidQueryParameterValue" },
  { status: 401, code: "InvalidAuthenticationInfo" },
  { status: 403, code: "AuthenticationFailed" },
  { status: 404, code: "QueueNotFound" },
  { status: 404 },
  { status: 409, code: "QueueBeingDeleted" },
] as const;

test.each(calls)("what is refused is not asked for again: %s", async (operation, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail(operation, ...refusals);
  for (const refusal of refusals) {
    const error = await errorOf(call(queue, message));
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(error.message).toContain(Object.values(refusal).join(" "));
  }
  expect(peer.operations).toHaveLength(refusals.length);
});

test.each(
  repeatable.flatMap(([operation, call]) =>
    lostBefore.map(([name, fault]) => [operation, name, fault, call] as const),
  ),
)("what was lost on the way is asked for again: %s, %s", async (operation, _, fault, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail(operation, fault);
  await call(queue, message);
  expect(peer.operations).toEqual([operation, operation]);
});

test.each(lostAfter)("a send whose answer was lost is sent twice: %s", async (_, fault) => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  peer.fail("send", fault);
  await queue.send("text");
  const messages = await queue.receive({ max: 5, visibilityMs });
  expect(messages.map(({ body }) => body)).toEqual(["text", "text"]);
});

test.each([...lostBefore, ...lostAfter])(
  "a receive without an answer is not asked for again, and takes no more: %s",
  async (_, fault) => {
    await using fixture = await openPeer();
    const { peer, queue, other, clock } = fixture;
    await queue.send("first");
    await queue.send("second");
    peer.requests.length = 0;
    peer.fail("receive", fault);
    const error = await errorOf(queue.receive({ max: 1, visibilityMs }));
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(peer.operations).toEqual(["receive"]);
    expect((await other.receive({ max: 5, visibilityMs })).length).toBeGreaterThan(0);
    // what the lost answer held comes back
    await clock.advance(visibilityMs);
    expect(await other.receive({ max: 5, visibilityMs })).toHaveLength(2);
  },
);

test.each<[string, string]>([
  ["a page", "<html><body>sign in here</body></html>"],
  ["nothing", ""],
  ["half a list", "<QueueMessagesList><QueueMessage><MessageId>1</MessageId><Pop"],
  ["another document", '<?xml version="1.0"?><Error><Code>None</Code></Error>'],
  ["a message without a receipt", messageXml({ PopReceipt: undefined })],
  ["a message without an id", messageXml({ MessageId: undefined })],
  ["a message without a text", messageXml({ MessageText: undefined })],
  ["a message without its count", messageXml({ DequeueCount: undefined })],
  ["a count that is none", messageXml({ DequeueCount: "many" })],
  ["a broken message", "<QueueMessagesList><QueueMessage><MessageId></QueueMessagesList>"],
])("an answer that can't be read is no empty queue: %s", async (_title, text) => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  peer.fail("receive", { status: 200, text });
  const error = await errorOf(queue.receive({ max: 5, visibilityMs }));
  expect(error).toBeInstanceOf(QueueUnavailableError);
  expect(peer.operations).toEqual(["receive"]);
});

function messageXml(changes: Readonly<Record<string, string | undefined>>): string {
  const members = {
    MessageId: "1",
    PopReceipt: "receipt",
    DequeueCount: "1",
    MessageText: "",
    ...changes,
  };
  const inner = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<QueueMessagesList><QueueMessage>${inner.join("")}</QueueMessage></QueueMessagesList>`;
}

test("a whole message that somebody else has written the XML of can be read", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  peer.fail("receive", { status: 200, text: `${messageXml({})}\n` });
  expect(await queue.receive({ max: 5, visibilityMs })).toEqual([
    { id: "1", popReceipt: "receipt", deliveries: 1, body: "" },
  ]);
});

test("a page in place of an answer to a ping is no answer", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  const page: Fault = { status: 200, text: "<html></html>" };
  peer.fail("peek", ...Array.from({ length: 5 }, () => page));
  expect(await errorOf(queue.ping())).toBeInstanceOf(QueueUnavailableError);
});

test("nobody is led elsewhere", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  const elsewhere: Fault = { status: 302, headers: { location: "http://127.0.0.1:1/" } };
  peer.fail("receive", elsewhere);
  const error = await errorOf(queue.receive({ max: 1, visibilityMs }));
  expect(error).toBeInstanceOf(QueueUnavailableError);
  expect(error.message).toMatch(/none of Azure Storage/);
});

test.each(lostAfter)(
  "an extend whose answer was lost costs the receipt, not the message: %s",
  async (_, fault) => {
    await using fixture = await openWithMessage();
    const { peer, queue, other, clock, message } = fixture;
    peer.fail("update", fault);
    const error = await errorOf(queue.extend(message, { visibilityMs: 2 * visibilityMs }));
    expect(error).toBeInstanceOf(MessageLostError);
    expect(error.message).toMatch(/used up by a request without an answer/);
    expect(peer.operations).toEqual(["update", "update"]);
    // what was asked for last holds
    await clock.advance(2 * visibilityMs - 1_000);
    expect(await other.receive({ max: 1, visibilityMs })).toEqual([]);
    await clock.advance(1_000);
    expect(await other.receive({ max: 1, visibilityMs })).toMatchObject([{ id: message.id }]);
  },
);

test("an extend whose answer lacks the receipt is as one without an answer", async () => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail("update", { status: 204 });
  const extended = await queue.extend(message, { visibilityMs });
  expect(peer.operations).toEqual(["update", "update"]);
  await queue.complete(extended);
  expect(peer.texts).toEqual([]);
});

test("an extend that never got an answer is unavailable, and its receipt may be tried again", async () => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail("update", ...Array.from({ length: 5 }, (): Fault => ({ reset: "before" })));
  const error = await errorOf(queue.extend(message, { visibilityMs }));
  expect(error).toBeInstanceOf(QueueUnavailableError);
  await queue.complete(await queue.extend(message, { visibilityMs }));
});

test.each(lostAfter)(
  "a complete whose answer was lost removes the message, and does not claim so: %s",
  async (_, fault) => {
    await using fixture = await openWithMessage();
    const { peer, queue, message } = fixture;
    peer.fail("delete", fault);
    const error = await errorOf(queue.complete(message));
    expect(error).toBeInstanceOf(MessageLostError);
    expect(error.message).toMatch(/used up by a request without an answer/);
    expect(peer.operations).toEqual(["delete", "delete"]);
    expect(peer.texts).toEqual([]);
  },
);

test("a complete after a lost answer leaves what somebody else has received since", async () => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail("delete", { reset: "before" });
  const completing = errorOf(queue.complete(message));
  await peer.arrival("delete");
  peer.take(secretText, visibilityMs);
  expect(await completing).toBeInstanceOf(MessageLostError);
  expect(peer.texts).toEqual([secretText]);
});

test.each<[string, Fault]>([
  ["as documented", { status: 404, code: "MessageNotFound" }],
  ["as emulators do", { status: 400, code: "PopReceiptMismatch" }],
])("a void receipt may be told in two ways: %s", async (_title, fault) => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  peer.fail("update", fault);
  peer.fail("delete", fault);
  const extending = errorOf(queue.extend(message, { visibilityMs }));
  expect(await extending).toBeInstanceOf(MessageLostError);
  expect(await errorOf(queue.complete(message))).toBeInstanceOf(MessageLostError);
  expect(peer.operations).toEqual(["update", "delete"]);
});

test("a message that is gone is lost to whoever asks for the first time", async () => {
  await using fixture = await openWithMessage();
  const { peer, queue, other, message } = fixture;
  await other.complete(message);
  peer.requests.length = 0;
  for (const isCompleted of [true, false]) {
    const error = await errorOf(
      isCompleted ? queue.complete(message) : queue.extend(message, { visibilityMs }),
    );
    expect(error).toBeInstanceOf(MessageLostError);
    expect(error.message).toBe(`message ${message.id} was lost`);
  }
  expect(peer.operations).toEqual(["delete", "update"]);
});

test("what was only put off is not said to have been without an answer", async () => {
  await using fixture = await openWithMessage();
  const { peer, queue, other, message } = fixture;
  await other.complete(message);
  peer.fail("delete", busy);
  const error = await errorOf(queue.complete(message));
  expect(error).toBeInstanceOf(MessageLostError);
  expect(error.message).toBe(`message ${message.id} was lost`);
});

test.each(calls)("a hang ends by the signal, with its reason: %s", async (operation, call) => {
  await using fixture = await openWithMessage();
  const { peer, queue, message } = fixture;
  const giveUp = new AbortController();
  const reason = new Error("given up");
  peer.fail(operation, { hang: "before" });
  const calling = call(queue, message, giveUp.signal);
  await peer.arrival(operation);
  giveUp.abort(reason);
  await expect(calling).rejects.toBe(reason);
  expect(peer.operations).toEqual([operation]);
});

test.each(repeatable)(
  "a hang ends by the limit of a request, and is then asked for again: %s",
  async (operation, call) => {
    await using fixture = await openWithMessage();
    const { peer, queue, clock, message } = fixture;
    peer.fail(operation, { hang: "before" });
    const calling = call(queue, message);
    await peer.arrival(operation);
    await clock.advance(attemptLimitMs);
    await calling;
    expect(peer.operations).toEqual([operation, operation]);
  },
);

test("a receive that hangs ends by the limit of a request", async () => {
  await using fixture = await openPeer();
  const { peer, queue, clock } = fixture;
  peer.fail("receive", { hang: "after" });
  const error = errorOf(queue.receive({ max: 1, visibilityMs }));
  await peer.arrival("receive");
  await clock.advance(attemptLimitMs);
  expect(await error).toBeInstanceOf(QueueUnavailableError);
  expect((await error).message).toMatch(/in time/);
  expect(peer.operations).toEqual(["receive"]);
});

test("a call ends by its own limit, whatever hangs", async () => {
  await using fixture = await openWithMessage();
  const { peer, queue, clock, message } = fixture;
  peer.fail("update", ...Array.from({ length: 9 }, (): Fault => ({ hang: "before" })));
  const begun = clock.monotonic();
  const error = errorOf(queue.extend(message, { visibilityMs }));
  let ended = false;
  void error.then(() => (ended = true));
  await clock.advanceUntil(() => ended, { limitMs: 60_000, stepMs: 1_000 });
  expect(await error).toBeInstanceOf(QueueUnavailableError);
  expect(clock.monotonic() - begun).toBeLessThanOrEqual(callLimitMs + 1_000);
});

test("a pause ends by the signal too", async () => {
  await using fixture = await openPeer();
  const { peer, queue, clock } = fixture;
  const giveUp = new AbortController();
  const reason = new Error("given up");
  // longer than the fixture's clock lets pass at once
  peer.fail("receive", { ...busy, headers: { "retry-after": "8" } });
  const receiving = queue.receive({ max: 1, visibilityMs }, { signal: giveUp.signal });
  await expect.poll(() => clock.waits).toEqual([8_000]);
  giveUp.abort(reason);
  await expect(receiving).rejects.toBe(reason);
});

test("each request that is made again is told, with the reason; what is not made again is not", async () => {
  const retries: string[] = [];
  await using fixture = await openPeer({ onRetry: (reason) => retries.push(reason) });
  const { peer, queue } = fixture;
  await queue.send(secret);
  expect(retries).toEqual([]);
  peer.fail(
    "properties",
    { status: 503, code: "ServerBusy" },
    { status: 500 },
    { reset: "before" },
  );
  expect(await queue.depth()).toBe(1);
  expect(retries).toEqual(["putOff", "unanswered", "unanswered"]);
  retries.length = 0;
  peer.fail("receive", { reset: "after" });
  await expect(queue.receive({ max: 1, visibilityMs })).rejects.toThrow(QueueUnavailableError);
  expect(retries).toEqual([]);
});

test("a depth that is none of the service's is no depth", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  peer.fail("properties", ...Array.from({ length: 5 }, () => ({ status: 200, text: "<html/>" })));
  await expect(queue.depth()).rejects.toThrow(QueueUnavailableError);
});
