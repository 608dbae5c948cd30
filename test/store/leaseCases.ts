/** Leases: what every store must grant, by its own clock. */
import { expect } from "vitest";
import type { Store } from "../../src/store/store.ts";
import type { StoreCase } from "./storeUnderTest.ts";

const name = "cluster|partition|rg|c";
const leaseMs = 10_000;
const hourMs = 3_600_000;

async function acquire(store: Store, owner: string): Promise<boolean> {
  const attempt = await store.acquireLease({ name, owner, leaseMs });
  if (attempt.acquired) expect(attempt.lease).toEqual({ name, owner });
  return attempt.acquired;
}

export function leaseCases(state: StoreCase): void {
  state("a lease has one holder", async ({ store, other }) => {
    expect(await store.leaseRemainingMs(name)).toBeUndefined();
    expect(await acquire(store, "one")).toBe(true);
    expect(await acquire(other, "two")).toBe(false);
    expect(await acquire(store, "two")).toBe(false);
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(true);
  });

  state("the holder may ask again, after an answer that was lost", async (under) => {
    const { store, advance } = under;
    expect(await acquire(store, "one")).toBe(true);
    await advance(4_000);
    expect(await acquire(store, "one")).toBe(true);
    const remainingMs = (await store.leaseRemainingMs(name)) ?? 0;
    expect(remainingMs).toBeGreaterThan(leaseMs - 2_000);
  });

  state("of 20 who ask at once one has it", async ({ store, other }) => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        acquire(index % 2 === 0 ? store : other, `owner ${index}`),
      ),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  state("whoever asks is told how long somebody holds it", async ({ store, other, advance }) => {
    await acquire(store, "one");
    await advance(3_000);
    const attempt = await other.acquireLease({ name, owner: "two", leaseMs });
    const remainingMs = (await other.leaseRemainingMs(name)) ?? 0;
    // the clock of a store elsewhere may only know seconds
    for (const told of [attempt.acquired ? 0 : attempt.remainingMs, remainingMs]) {
      expect(told).toBeGreaterThan(leaseMs - 3_000 - 2_000);
      expect(told).toBeLessThanOrEqual(leaseMs);
    }
  });

  state("a lease that ran out can be taken", async ({ store, other, advance }) => {
    await acquire(store, "one");
    await advance(leaseMs + 2_000);
    expect(await store.leaseRemainingMs(name)).toBeUndefined();
    expect(await acquire(other, "two")).toBe(true);
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(false);
    expect(await acquire(store, "one")).toBe(false);
  });

  state("a lease that ran out is not renewed, even if nobody took it", async (under) => {
    const { store, advance } = under;
    await acquire(store, "one");
    await advance(leaseMs + 2_000);
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(false);
    expect(await store.leaseRemainingMs(name)).toBeUndefined();
  });

  state("a renewal counts from now", async ({ store, other, advance }) => {
    await acquire(store, "one");
    for (let turn = 0; turn < 4; turn += 1) {
      await advance(7_000);
      expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(true);
      expect(await acquire(other, "two")).toBe(false);
    }
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs: 60_000 })).toBe(true);
    await advance(50_000);
    expect(await acquire(other, "two")).toBe(false);
    await advance(12_000);
    expect(await acquire(other, "two")).toBe(true);
  });

  state("only the holder renews and releases", async ({ store, other }) => {
    await acquire(store, "one");
    const another = { name, owner: "two" };
    expect(await other.renewLease(another, { leaseMs })).toBe(false);
    await other.releaseLease(another);
    expect(await acquire(other, "two")).toBe(false);
    await store.releaseLease({ name, owner: "one" });
    expect(await store.leaseRemainingMs(name)).toBeUndefined();
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(false);
    expect(await acquire(other, "two")).toBe(true);
    // a second release, late, is not the new holder's
    await store.releaseLease({ name, owner: "one" });
    expect(await acquire(store, "three")).toBe(false);
  });

  state("renewing or releasing what nobody holds does nothing", async ({ store }) => {
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(false);
    await store.releaseLease({ name, owner: "one" });
    expect(await store.leaseRemainingMs(name)).toBeUndefined();
  });

  state("the clock is set back: a dead holder's lease still runs out", async (under) => {
    const { store, other, advance, setBack } = under;
    await acquire(store, "one");
    setBack(hourMs);
    const attempt = await other.acquireLease({ name, owner: "two", leaseMs });
    if (attempt.acquired) throw new Error("it was taken from its holder");
    expect(attempt.remainingMs).toBeGreaterThan(leaseMs - 2_000);
    expect(attempt.remainingMs).toBeLessThanOrEqual(leaseMs);
    await advance(leaseMs + 2_000);
    expect(await acquire(other, "two")).toBe(true);
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(false);
  });

  state(
    "the clock is set back: who only asks makes a dead holder's lease run out too",
    async (under) => {
      const { store, other, advance, setBack } = under;
      await acquire(store, "one");
      setBack(hourMs);
      expect(await other.leaseRemainingMs(name)).toBeLessThanOrEqual(leaseMs);
      await advance(leaseMs + 2_000);
      expect(await other.leaseRemainingMs(name)).toBeUndefined();
    },
  );

  state("the clock is set back: a live holder keeps its lease", async (under) => {
    const { store, other, advance, setBack } = under;
    await acquire(store, "one");
    setBack(hourMs);
    for (let turn = 0; turn < 4; turn += 1) {
      expect(await acquire(other, "two")).toBe(false);
      await advance(leaseMs / 2);
      expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(true);
    }
    expect(await acquire(other, "two")).toBe(false);
  });

  state(
    "the clock is set back: a renewal that made the lease longer still counts",
    async (under) => {
      const { store, other, advance, setBack } = under;
      await acquire(store, "one");
      await store.renewLease({ name, owner: "one" }, { leaseMs: 60_000 });
      setBack(hourMs);
      expect(await acquire(other, "two")).toBe(false);
      await advance(50_000);
      expect(await acquire(other, "two")).toBe(false);
      await advance(12_000);
      expect(await acquire(other, "two")).toBe(true);
    },
  );

  state("leases of other names are others", async ({ store }) => {
    await acquire(store, "one");
    const attempt = await store.acquireLease({ name: `${name}2`, owner: "two", leaseMs });
    expect(attempt.acquired).toBe(true);
    await store.releaseLease({ name: `${name}2`, owner: "two" });
    expect(await store.renewLease({ name, owner: "one" }, { leaseMs })).toBe(true);
  });
}
