/** Keys that were exchanged or lost are noticed at the start, and while a process runs, though nobody asks for what they sealed. */
import { expect, test } from "vitest";
import { KeyRing, refreshMs } from "../../src/store/keyRing.ts";
import { isAnythingOpened, missingKeys } from "../../src/store/missingKeys.ts";
import { TestClock } from "../runtime/testClock.ts";
import { clusterDocument, partition } from "./documents.ts";
import { MemoryStore } from "./memoryStore.ts";
import { newKey, sealedStore, TestKeys } from "./sealedStoreFixture.ts";

const [first, second, lost] = [newKey("first"), newKey("second"), newKey("lost")];

async function storeSealedBy(...keys: readonly (typeof first | undefined)[]) {
  const clock = new TestClock();
  const behind = new MemoryStore({ clock });
  for (const [index, key] of keys.entries()) {
    const store = key === undefined ? behind : await sealedStore(behind, new TestKeys(key), clock);
    await store.commit(partition, [{ create: clusterDocument(`c${index}`) }]);
  }
  return { clock, behind };
}

test("a key that is missing is named, with how much it has sealed; what is clear, old or new is none", async () => {
  const { clock, behind } = await storeSealedBy(first, second, lost, lost, undefined);
  const keys = await KeyRing.open({ source: new TestKeys(second, first), clock });
  expect(await missingKeys(behind, keys)).toEqual(new Map([["lost", 2]]));
  expect(await isAnythingOpened(behind, keys)).toBe(true);
  const others = await KeyRing.open({ source: new TestKeys(newKey("other")), clock });
  expect([...(await missingKeys(behind, others)).keys()].toSorted()).toEqual([
    "first",
    "lost",
    "second",
  ]);
  expect(await isAnythingOpened(behind, others)).toBe(false);
});

test("one that was added meanwhile is not missing", async () => {
  const { clock, behind } = await storeSealedBy(second);
  const source = new TestKeys(first);
  const keys = await KeyRing.open({ source, clock });
  await clock.advance(60_000);
  source.keys = [second, first];
  expect(await missingKeys(behind, keys)).toEqual(new Map());
});

test("keys are read again though nobody uses them: what has changed is told, and at once that they can't be read", async () => {
  const clock = new TestClock();
  const source = new TestKeys(first);
  const told: unknown[] = [];
  const keys = await KeyRing.open({
    source,
    clock,
    onChanged: (changed) => told.push(changed),
    onReloadFailed: (error) => told.push((error as Error).message),
  });
  expect(told.splice(0)).toEqual([{ keyId: "first", count: 1 }]);
  const stop = new AbortController();
  const watching = keys.watch(clock, stop.signal);
  await clock.advance(refreshMs);
  expect([source.loads, told, keys.ageMs]).toEqual([2, [], 0]);
  source.keys = [second, first];
  await clock.advance(refreshMs);
  expect(told.splice(0)).toEqual([{ keyId: "second", count: 2 }]);
  source.failure = new Error("gone");
  await clock.advance(2 * refreshMs);
  expect(told.splice(0)).toEqual(["gone", "gone"]);
  expect(keys.ageMs).toBe(2 * refreshMs);
  expect((await keys.current()).id).toBe("second");
  source.failure = undefined;
  await clock.advance(refreshMs);
  expect([told, keys.ageMs]).toEqual([[], 0]);
  stop.abort();
  await watching;
  const { loads } = source;
  await clock.advance(3 * refreshMs);
  expect(source.loads).toBe(loads);
});
