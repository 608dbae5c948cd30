/** A metered port is the port itself, but for what it tells. */
import { expect, test } from "vitest";
import { meteredPort } from "../../src/runtime/meteredPort.ts";
import type { EndedCall } from "../../src/runtime/metrics.ts";
import { MessageLostError, QueueUnavailableError } from "../../src/queue/queue.ts";
import {
  DocumentUnreadableError,
  InvalidContinuationError,
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type Store,
} from "../../src/store/store.ts";
import { clusterDocument, partition } from "../store/documents.ts";
import { MemoryStore } from "../store/memoryStore.ts";
import { storeSuite } from "../store/storeSuite.ts";
import { TestClock } from "./testClock.ts";

storeSuite("a metered store", async () => {
  const clock = new TestClock();
  const memory = new MemoryStore({ clock });
  const metered = (): Store => meteredPort<Store>(memory, { clock, onCall: () => {} });
  return {
    store: metered(),
    other: metered(),
    now: () => clock.now(),
    advance: async (durationMs) => clock.advance(durationMs),
    setBack: (durationMs) => clock.setBack(durationMs),
    [Symbol.asyncDispose]: async () => {},
  };
});

test("each call tells its name, its outcome and its time", async () => {
  const clock = new TestClock();
  const calls: EndedCall[] = [];
  const memory = new MemoryStore({ clock });
  const slow = new Proxy<Store>(memory, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...given: unknown[]): Promise<unknown> => {
        clock.skip(250);
        return method.apply(target, given) as unknown;
      };
    },
  });
  const store = meteredPort(slow, { clock, onCall: (call) => calls.push(call) });
  await store.commit(partition, [{ create: clusterDocument("c") }]);
  await expect(store.commit(partition, [{ create: clusterDocument("c") }])).rejects.toBeInstanceOf(
    StoreConflictError,
  );
  expect(calls).toEqual([
    { method: "commit", outcome: "ok", durationMs: 250 },
    { method: "commit", outcome: "conflict", durationMs: 250 },
  ]);
});

test.each([
  [new StoreConflictError(), "conflict"],
  [new StoreUnavailableError("down"), "unavailable"],
  [new StoreOutcomeUnknownError(), "unknown"],
  [new DocumentUnreadableError(), "unreadable"],
  [new QueueUnavailableError("down"), "unavailable"],
  [new MessageLostError(), "lost"],
  [new InvalidContinuationError(), "invalid"],
  [new TypeError("a defect"), "error"],
])("%s ends a call as %s", async (error, outcome) => {
  const calls: EndedCall[] = [];
  const port = meteredPort(
    {
      ask: async (): Promise<void> => {
        throw error;
      },
    },
    { clock: new TestClock(), onCall: (call) => calls.push(call) },
  );
  await expect(port.ask()).rejects.toBe(error);
  expect(calls.map((call) => call.outcome)).toEqual([outcome]);
});

test("a call that its caller gave up is told apart from one that failed", async () => {
  const calls: EndedCall[] = [];
  const port = meteredPort(
    {
      ask: async ({ signal }: { readonly signal: AbortSignal }): Promise<void> =>
        signal.throwIfAborted(),
    },
    { clock: new TestClock(), onCall: (call) => calls.push(call) },
  );
  const reason = new StoreUnavailableError("the request's time is up");
  await expect(port.ask({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(calls.map((call) => call.outcome)).toEqual(["aborted"]);
});
