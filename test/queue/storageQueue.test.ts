/**
 * The queue on Azure Storage keeps the port's promises, over the real SDK and real sockets; and what only it can get wrong. The
 * suite runs here against our own peer; `test/azurite/` runs it against an emulator and, when one is named, a real account.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openStorageQueue, StorageQueueOpenError } from "../../src/queue/storageQueueConnection.ts";
import { AccountKey } from "../../src/accountSettings.ts";
import { openPeer, settingsOf, startPeer } from "./storageQueueFixture.ts";
import { queueSuite } from "./queueSuite.ts";

queueSuite("queue on a peer of Azure Storage", async () => {
  const fixture = await openPeer();
  const { clock, queue, other } = fixture;
  return {
    queue,
    other,
    advance: async (durationMs) => clock.advance(durationMs),
    // of this process; the service keeps its own, which nobody sets back
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => fixture[Symbol.asyncDispose](),
  };
});

const limit = () => AbortSignal.timeout(30_000);

test("each call is one request", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  await queue.ping();
  await queue.send("text");
  const [message] = await queue.receive({ max: 32, visibilityMs: 60_000 });
  if (message === undefined) throw new Error("not received");
  await queue.complete(await queue.extend(message, { visibilityMs: 60_000 }));
  expect(await queue.receive({ max: 32, visibilityMs: 60_000 })).toEqual([]);
  expect(peer.operations).toEqual(["peek", "send", "receive", "update", "delete", "receive"]);
});

test("a message is sent as base64 and never expires", async () => {
  await using fixture = await openPeer();
  const { peer, queue, clock } = fixture;
  await queue.send("é", { delayMs: 1_001 });
  const [request] = peer.requests;
  expect(request?.parameters).toMatchObject({ messagettl: "-1", visibilitytimeout: "2" });
  expect(request?.body).toContain("<MessageText>w6k=</MessageText>");
  await clock.advance(370 * 24 * 3_600_000);
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toMatchObject([{ body: "é" }]);
});

test("every request is signed, names its version, and has the service give up in time", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  await queue.send("text");
  const [message] = await queue.receive({ max: 1, visibilityMs: 60_000 });
  if (message === undefined) throw new Error("not received");
  await queue.complete(await queue.extend(message, { visibilityMs: 60_000 }));
  await queue.ping();
  expect(peer.requests).toHaveLength(5);
  for (const { headers, parameters } of peer.requests) {
    expect(headers["x-ms-version"]).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    // the peer has calculated it too
    expect(headers["authorization"]).toMatch(/^SharedKey devstoreaccount1:.{44}$/);
    expect(parameters["timeout"]).toBe("5");
  }
});

test("an extend leaves the text alone", async () => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  await queue.send("text");
  const [message] = await queue.receive({ max: 1, visibilityMs: 60_000 });
  if (message === undefined) throw new Error("not received");
  await queue.extend(message, { visibilityMs: 0 });
  expect(peer.requests.at(-1)).toMatchObject({ operation: "update", body: "" });
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toMatchObject([{ body: "text" }]);
});

const week = String(7 * 24 * 3_600);

test.each<[number, string, string]>([
  [0, "1", "0"],
  [1, "1", "1"],
  [1_000, "1", "1"],
  [1_001, "2", "2"],
  [59_999.5, "60", "60"],
  [-5, "1", "0"],
  [8 * 24 * 3_600_000, week, week],
  [Infinity, week, week],
])("%f ms in whole seconds, within the service's limits", async (durationMs, received, other) => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  await queue.send("first");
  const [message] = await queue.receive({ max: 1, visibilityMs: durationMs });
  if (message === undefined) throw new Error("not received");
  const { hiddenMs } = await queue.extend(message, { visibilityMs: durationMs });
  expect(hiddenMs).toBe(Number(other) * 1_000);
  await queue.send("second", { delayMs: durationMs });
  const asked = peer.requests.slice(1).map(({ parameters }) => parameters["visibilitytimeout"]);
  expect(asked).toEqual([received, other, other]);
});

test.each<[string, string]>([
  ["plain text", "none of ours"],
  ["our text without base64", '{"format":1}'],
  ["base64 of no text", Buffer.from([0xff, 0xfe, 0x00]).toString("base64")],
  ["base64 of another kind", "aGVsbG8"],
  ["much that XML must escape", "<&>".repeat(2_000)],
])("a foreign message is handed on as it is and holds up no other: %s", async (_title, text) => {
  await using fixture = await openPeer();
  const { peer, queue } = fixture;
  await queue.send("before");
  peer.put(text);
  await queue.send("after");
  const messages = await queue.receive({ max: 32, visibilityMs: 60_000 });
  expect(messages.map(({ body }) => body)).toEqual(["before", text, "after"]);
  for (const message of messages) await queue.complete(message);
  expect(peer.texts).toEqual([]);
});

test("to open a queue is to try all that is done with it, and leaves nothing behind", async () => {
  await using peer = await startPeer();
  await openStorageQueue(settingsOf(peer.url), { signal: limit() });
  expect(peer.operations).toEqual(["peek", "send", "update", "delete"]);
  expect(peer.texts).toEqual([]);
});

test("a trial that could not be removed is hidden for most of its life, handed to nobody, and then gone", async () => {
  await using fixture = await openPeer();
  const { peer, queue, clock } = fixture;
  peer.fail("delete", { reset: "before" });
  const opening = openStorageQueue(settingsOf(peer.url), { signal: limit() });
  await expect(opening).rejects.toThrow(StorageQueueOpenError);
  expect(peer.texts).toHaveLength(1);
  await clock.advance(49_000);
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toEqual([]);
  await queue.send("ours");
  await clock.advance(2_000);
  // both can be received now
  const messages = await queue.receive({ max: 32, visibilityMs: 1_000 });
  expect(messages.map(({ body }) => body)).toEqual(["ours"]);
  for (const message of messages) await queue.complete(message);
  await clock.advance(2_000);
  expect(await queue.receive({ max: 1, visibilityMs: 1_000 })).toEqual([]);
  await clock.advance(7_000);
  expect(peer.texts).toEqual([]);
});

test.each(["peek", "send", "update", "delete"] as const)(
  "a queue on which something is not allowed is not opened: %s",
  async (operation) => {
    await using peer = await startPeer();
    peer.fail(operation, { status: 403, code: "AuthorizationPermissionMismatch" });
    const opening = openStorageQueue(settingsOf(peer.url), { signal: limit() });
    await expect(opening).rejects.toThrow(StorageQueueOpenError);
    await expect(opening).rejects.toThrow(/403 .*Storage Queue Data Contributor/);
  },
);

test("a queue that isn't there is not made, and it is said who must", async () => {
  await using peer = await startPeer();
  const opening = openStorageQueue(settingsOf(peer.url), { signal: limit(), name: "absent" });
  await expect(opening).rejects.toThrow(StorageQueueOpenError);
  await expect(opening).rejects.toThrow(/queue absent .*QueueNotFound.*the deployment/);
  expect(peer.operations).toEqual(["peek"]);
});

test("a wrong key is told, and not shown", async () => {
  await using peer = await startPeer();
  const sharedKey = { account: "devstoreaccount1", key: new AccountKey(`${"w".repeat(86)}==`) };
  const error: unknown = await openStorageQueue(
    { endpoint: peer.url, sharedKey },
    { signal: limit() },
  ).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StorageQueueOpenError);
  expect(String(error)).toMatch(/AuthenticationFailed.*key/);
  expect(String(error)).not.toContain("wwww");
  expect(error).not.toHaveProperty("cause");
});

test("a queue that doesn't answer is waited for until the signal", async () => {
  await using peer = await startPeer();
  peer.fail("peek", { hang: "before" });
  const giveUp = new AbortController();
  const reason = new Error("given up");
  const opening = openStorageQueue(settingsOf(peer.url), { signal: giveUp.signal });
  await peer.arrival("peek");
  giveUp.abort(reason);
  await expect(opening).rejects.toBe(reason);
});

test("a queue that nobody answers for is not opened", async () => {
  const opening = openStorageQueue(settingsOf("http://127.0.0.1:1/devstoreaccount1"), {
    signal: limit(),
  });
  await expect(opening).rejects.toThrow(StorageQueueOpenError);
  await expect(opening).rejects.toThrow(/can't be reached \(ECONNREFUSED\)/);
});

test("the SDK is not loaded before a queue is opened", async () => {
  const script = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve: (name, context, next) => { seen.push(name); return next(name, context); } });
    await import("./src/queue/storageQueue.ts");
    const { openStorageQueue } = await import("./src/queue/storageQueueConnection.ts");
    const { AccountKey } = await import("./src/accountSettings.ts");
    const isLoaded = (name) => seen.includes(name);
    const before = seen.some((name) => name.startsWith("@azure/"));
    const sharedKey = { account: "account", key: new AccountKey("aaaa") };
    const signal = AbortSignal.timeout(30_000);
    await openStorageQueue({ endpoint: "http://127.0.0.1:1", sharedKey }, { signal }).catch(() => {});
    console.log(JSON.stringify([before, isLoaded("@azure/storage-queue"), isLoaded("@azure/identity")]));
    process.exit();`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { cwd: new URL("../..", import.meta.url).pathname },
  );
  expect(JSON.parse(stdout)).toEqual([false, true, false]);
});
