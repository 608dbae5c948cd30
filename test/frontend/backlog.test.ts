/** A fleet with too much to do refuses what would begin more, and nothing else. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { activityStaleMs } from "../../src/model/activity.ts";
import { activityKey, type ActivityDocument } from "../../src/model/document.ts";
import { Backlog } from "../../src/frontend/backlog.ts";
import { StoreUnavailableError, type CallOptions, type Store } from "../../src/store/store.ts";
import type { Log, LogFields } from "../../src/runtime/log.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { TestClock } from "../runtime/testClock.ts";
import { MemoryStore } from "../store/memoryStore.ts";
import { notingLog } from "./notingLog.ts";
import { clusterPath, smallestBody, StartedRp } from "./startedRp.ts";

const members = { running: [], isAtLeast: false } as const;

/** As the forwarder would. */
async function publish(
  store: Store,
  total: number,
  publishedAt: number,
  more: Partial<ActivityDocument> = {},
): Promise<void> {
  const document: ActivityDocument = {
    kind: "activity",
    id: activityKey.id,
    subscriptionId: activityKey.partition,
    schemaVersion: 1,
    publishedAt,
    activity: { ...members, total },
    ...more,
  };
  const stored = await store.read("activity", activityKey);
  await store.commit(activityKey.partition, [
    stored === undefined ? { create: document } : { replace: stored, document },
  ]);
}

test("over HTTP: creates and updates wait, everything else goes on", async () => {
  const clock = new TestClock();
  await using rp = await StartedRp.start({ clock, operationsLimit: 3 });
  expect((await rp.put(clusterPath("one"), smallestBody)).status).toBe(201);
  const stored = await rp.store.read("cluster", {
    partition: "00000000-0000-4000-8000-000000000001",
    id: "group|one",
  });
  if (stored === undefined) throw new Error("gone");
  const document = {
    ...stored.document,
    provisioningState: "Succeeded" as const,
    applied: stored.document.cluster,
    unqueued: false,
  };
  await rp.store.commit(document.subscriptionId, [{ replace: stored, document }]);

  await publish(rp.store, 3, clock.now());
  clock.skip(5_000);
  for (const refused of [
    await rp.put(clusterPath("two"), smallestBody),
    await rp.patch(clusterPath("one"), {
      properties: { workerProfiles: [{ name: "worker", count: 5 }] },
    }),
    await rp.put(clusterPath("one"), {
      ...smallestBody,
      properties: { ...smallestBody.properties, workerProfiles: [{ name: "worker", count: 5 }] },
    }),
  ]) {
    expect(refused.status).toBe(503);
    expect(refused.body.error.code).toBe("TooManyOperations");
    expect(refused.headers.get("retry-after")).toBe("30");
  }
  expect((await rp.get(clusterPath("two"))).status).toBe(404);
  expect((await rp.get(clusterPath("one"))).status).toBe(200);
  expect((await rp.get(clusterPath("").slice(0, -1))).status).toBe(200);
  expect((await rp.patch(clusterPath("one"), { tags: { a: "b" } })).status).toBe(200);
  expect((await rp.patch(clusterPath("one"), {})).status).toBe(200);
  expect((await rp.put(clusterPath("bad"), { location: "eastus" })).status).toBe(400);
  expect((await rp.delete(clusterPath("one"))).status).toBe(202);

  // some have ended
  clock.skip(5_000);
  await publish(rp.store, 1, clock.now());
  const answers = await Promise.all(
    Array.from({ length: 5 }, async (_, n) => rp.put(clusterPath(`more${n}`), smallestBody)),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
  expect(answers.filter(({ status }) => status === 503)).toHaveLength(3);
});

test("what is told of the activity has the ids of the request that asked", async () => {
  const lines: LogFields[] = [];
  const isOfActivity = (given: unknown): boolean => given === "activity";
  const reads: unknown[] = [];
  await using rp = await StartedRp.start({
    operationsLimit: 3,
    log: notingLog(lines),
    store: (plain) =>
      new Proxy(plain, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return async (...given: readonly unknown[]): Promise<unknown> => {
            if (!isOfActivity(given[0])) return Reflect.apply(value, target, given);
            reads.push((given[2] as CallOptions).logIds);
            throw new StoreUnavailableError("down");
          };
        },
      }),
  });
  const answer = await rp.put(clusterPath("one"), smallestBody);
  expect(answer.status).toBe(201);
  const requestId = answer.headers.get("x-ms-request-id") ?? "";
  const ids = { requestId, correlationId: requestId, traceId: requestId.replaceAll("-", "") };
  expect(lines.filter(({ error }) => error !== undefined)).toEqual([expect.objectContaining(ids)]);
  expect(reads).toEqual([ids]);
});

function backlogOf(limit: number) {
  const clock = new TestClock();
  const store = new MemoryStore({ clock });
  const reads: string[] = [];
  let read: () => Promise<void> = async () => {};
  const watched = new Proxy<Store>(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "read") return value.bind(target) as unknown;
      return async (kind: "activity", key: typeof activityKey) => {
        reads.push(kind);
        await read();
        return target.read(kind, key);
      };
    },
  });
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => void warnings.push(message) };
  let refusals = 0;
  const backlog = new Backlog({
    store: watched,
    clock,
    limit,
    onRefused: () => (refusals += 1),
  });
  const admitted = async (): Promise<boolean> => {
    try {
      await backlog.admit({ log, logIds: {} });
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "TooManyOperations", status: 503 });
      return false;
    }
  };
  return {
    clock,
    store,
    reads,
    warnings,
    admitted,
    refused: () => refusals,
    onRead: (does: () => Promise<void>) => (read = does),
  };
}

test("the publication is read once for all who ask within five seconds", async () => {
  const { clock, store, reads, admitted } = backlogOf(100);
  await publish(store, 0, clock.now());
  const answers = await Promise.all(Array.from({ length: 50 }, admitted));
  expect(answers).not.toContain(false);
  clock.skip(4_999);
  await admitted();
  expect(reads).toHaveLength(1);
  clock.skip(1);
  await Promise.all([admitted(), admitted()]);
  expect(reads).toHaveLength(2);
  // it isn't asked for by itself
  await clock.advance(60_000);
  expect(reads).toHaveLength(2);
});

test("without a limit nothing is read", async () => {
  const { clock, store, reads, admitted } = backlogOf(0);
  await publish(store, 10_000, clock.now());
  expect(await admitted()).toBe(true);
  expect(reads).toEqual([]);
});

test("exactly so many begin between two publications, and a new one begins the count anew", async () => {
  const { clock, store, admitted, refused } = backlogOf(10);
  await publish(store, 7, clock.now());
  const ask = async (): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: 20 }, admitted));
    return answers.filter(Boolean).length;
  };
  expect(await ask()).toBe(3);
  expect(refused()).toBe(17);
  clock.skip(5_000);
  // the same publication: what was let in still counts
  expect(await ask()).toBe(0);
  clock.skip(5_000);
  await publish(store, 8, clock.now());
  expect(await ask()).toBe(2);
});

test("what a publication can't have counted stays counted here", async () => {
  const { clock, store, admitted } = backlogOf(100);
  const admittedOf = async (asked: number): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: asked }, admitted));
    return answers.filter(Boolean).length;
  };
  await publish(store, 0, clock.now());
  expect(await admittedOf(1)).toBe(1);
  clock.skip(1_000);
  await publish(store, 1, clock.now());
  clock.skip(500);
  expect(await admittedOf(200)).toBe(99);
  clock.skip(4_000);
  // the publication that is seen now was made before most of them
  expect(await admittedOf(200)).toBe(0);
  clock.skip(10_000);
  await publish(store, 30, clock.now());
  clock.skip(5_000);
  // none of them was let in since the look before, so all that has not ended is in it
  expect(await admittedOf(200)).toBe(70);
});

test("a count that took long doesn't hold what was let in meanwhile", async () => {
  const { clock, store, admitted } = backlogOf(10);
  await publish(store, 0, clock.now());
  expect(await admitted()).toBe(true);
  clock.skip(20_000);
  // a look that finds nothing new, and two that are let in
  expect([await admitted(), await admitted()]).toEqual([true, true]);
  clock.skip(10_000);
  await publish(store, 1, clock.now(), { countMs: 9_000 });
  const answers = await Promise.all(Array.from({ length: 20 }, admitted));
  expect(answers.filter(Boolean)).toHaveLength(7);
});

test("what was let in before anything was published counts as well", async () => {
  const { clock, store, admitted } = backlogOf(2);
  expect([await admitted(), await admitted()]).toEqual([true, true]);
  await publish(store, 0, clock.now());
  clock.skip(5_000);
  expect(await admitted()).toBe(false);
});

test("one frontend never lets more in than the limit, whenever the forwarder counts and publishes", async () => {
  const steps = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 9_000 }),
      does: fc.oneof(
        fc.record({ ask: fc.integer({ min: 1, max: 8 }) }),
        fc.record({ countMs: fc.integer({ min: 0, max: 30_000 }) }),
      ),
    }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const { clock, store, admitted } = backlogOf(5);
      await publish(store, 0, clock.now());
      let letIn = 0;
      for (const { waitMs, does } of taken) {
        clock.skip(waitMs);
        if ("ask" in does) {
          for (let n = 0; n < does.ask; n += 1) letIn += (await admitted()) ? 1 : 0;
        } else {
          const counted = letIn;
          const begun = clock.monotonic();
          // asked by others while it is counted
          while (clock.monotonic() - begun < does.countMs) {
            clock.skip(Math.min(3_000, does.countMs - (clock.monotonic() - begun)));
            letIn += (await admitted()) ? 1 : 0;
          }
          await publish(store, counted, clock.now(), { countMs: does.countMs });
        }
        expect(letIn).toBeLessThanOrEqual(5);
      }
    }),
    { numRuns: 200 },
  );
});

test("a count that was given up at the limit is one at the limit", async () => {
  const { clock, store, admitted } = backlogOf(10_000);
  await publish(store, 10_000, clock.now(), {
    activity: { running: [], total: 10_000, isAtLeast: true },
  });
  expect(await admitted()).toBe(false);
});

test.each([
  ["old", -1],
  ["of a clock that goes far ahead", 1],
])("a publication that is %s refuses nobody, which is said once", async (_title, direction) => {
  const { clock, store, warnings, admitted } = backlogOf(1);
  const admittedAt = async (ageMs: number): Promise<boolean> => {
    clock.skip(5_000);
    await publish(store, 5, clock.now() + direction * ageMs);
    return admitted();
  };
  expect(await admittedAt(activityStaleMs)).toBe(false);
  expect(await admittedAt(activityStaleMs + 1)).toBe(true);
  expect(await admitted()).toBe(true);
  expect(warnings).toEqual(["nobody has published the activity for minutes; it limits nobody"]);
  expect(await admittedAt(0)).toBe(false);
});

test("no publication, one too new, or one that is no number refuses nobody", async () => {
  const { clock, store, warnings, admitted } = backlogOf(1);
  expect(await admitted()).toBe(true);
  expect(warnings).toEqual([]);
  const odd: Partial<ActivityDocument>[] = [
    { minimumSchemaVersion: 99 },
    { activity: { ...members, total: "many" as never } },
    { activity: undefined as never },
  ];
  for (const more of odd) {
    await publish(store, 5, clock.now(), more);
    clock.skip(5_000);
    expect(await admitted()).toBe(true);
  }
  expect(warnings).toEqual([
    "the published activity is none that this release knows; it limits nobody",
  ]);
});

test("while the store fails or hangs the last publication counts until it is stale; nobody waits for long", async () => {
  const { clock, store, reads, onRead, admitted } = backlogOf(1);
  await publish(store, 5, clock.now());
  expect(await admitted()).toBe(false);
  onRead(async () => {
    throw new StoreUnavailableError("down");
  });
  clock.skip(5_000);
  expect(await admitted()).toBe(false);
  onRead(async () => new Promise(() => {}));
  clock.skip(5_000);
  const asked = admitted();
  const also = admitted();
  await clock.advance(2_000);
  expect(await Promise.all([asked, also])).toEqual([false, false]);
  expect(reads).toHaveLength(3);
  clock.skip(activityStaleMs);
  const later = admitted();
  await clock.advance(2_000);
  expect(await later).toBe(true);
});
