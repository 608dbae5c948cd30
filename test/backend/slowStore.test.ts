/**
 * A worker counts its lease from before the call that brought it: the store may have granted it at the call's first moment. So
 * the longer a call took, the less of the lease is left.
 */
import { expect, test } from "vitest";
import { clusterLeaseName } from "../../src/model/leaseNames.ts";
import type { Call, Fault } from "./faults.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing } from "./simulation.ts";

/** As much of a lease as a worker uses. */
const usableMs = (timing.leaseMs * 5) / 6;
const slowMs = 1_500;

/** One worker whose step waits until it is told to stop, and the lease that it works under. */
class SlowStore {
  readonly #simulation: Simulation;
  /** When each call to the store for this lease left. */
  readonly acquiredAt: number[] = [];
  readonly renewedAt: number[] = [];
  /** When the step was told to stop. */
  lostAt = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    simulation.installer.script("machines", async ({ signal }, run) => {
      if (run > 1) return done;
      try {
        await simulation.clock.sleep(600_000, signal);
      } finally {
        this.lostAt = simulation.clock.now();
      }
      return done;
    });
  }

  /** For a call that takes long. */
  slow(): Fault {
    return { holdUntil: this.#simulation.clock.sleep(slowMs) };
  }

  async run(decide: (call: Call) => Fault | undefined): Promise<void> {
    const { clock } = this.#simulation;
    const asked = await this.#simulation.create();
    const leaseName = clusterLeaseName(asked.key);
    this.#simulation.start({
      workers: 1,
      decide: (call) => {
        const { name } = { name: undefined, ...(call.about as { readonly name?: string }) };
        if (name === leaseName) {
          if (call.name === "store.acquireLease") this.acquiredAt.push(clock.now());
          if (call.name === "store.renewLease") this.renewedAt.push(clock.now());
        }
        return decide(call);
      },
    });
    await clock.advanceUntil(() => this.lostAt > 0, { limitMs: 60_000, stepMs: 10 });
  }
}

test("from before the call that acquired it", async () => {
  await using simulation = await Simulation.open();
  const store = new SlowStore(simulation);
  await store.run(({ name, about }) => {
    if (name === "store.renewLease") return "hangBefore";
    const isCluster = name === "store.acquireLease" && isOfCluster(about);
    return isCluster ? store.slow() : undefined;
  });
  expect(store.lostAt - (store.acquiredAt[0] ?? 0)).toBe(usableMs);
});

test("from before the call that renewed it last", async () => {
  await using simulation = await Simulation.open();
  const store = new SlowStore(simulation);
  await store.run(({ name, about }) => {
    if (name !== "store.renewLease" || !isOfCluster(about)) return undefined;
    return store.renewedAt.length === 1 ? store.slow() : "hangBefore";
  });
  expect(store.renewedAt.length).toBeGreaterThan(1);
  expect(store.lostAt - (store.renewedAt[0] ?? 0)).toBe(usableMs);
});

test("from before the call that acquired it, also when the answer to the claim was lost", async () => {
  await using simulation = await Simulation.open();
  const store = new SlowStore(simulation);
  let isUnanswered = false;
  let isReread = false;
  await store.run(({ name }) => {
    if (name === "store.renewLease") return "hangBefore";
    if (store.acquiredAt.length === 0) return undefined;
    if (name === "store.commit" && !isUnanswered) {
      isUnanswered = true;
      return "unanswered";
    }
    if (name === "store.read" && isUnanswered && !isReread) {
      isReread = true;
      return store.slow();
    }
    return undefined;
  });
  expect(isReread).toBe(true);
  expect((await simulation.cluster())?.work.epoch).toBe(1);
  expect(store.lostAt - (store.acquiredAt[0] ?? 0)).toBe(usableMs);
});

function isOfCluster(about: unknown): boolean {
  return (about as { readonly name: string }).name.startsWith("cluster|");
}
