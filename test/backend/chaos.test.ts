/**
 * Random lives of a few clusters under random faults, each from a seed: calls that fail, hang or go unanswered, processes that
 * crash, pause or stop, messages that vanish or come twice, steps that fail or wait. Whatever happens, the documents agree at
 * all times, and once the faults end every operation comes to its end and everything to rest.
 */
import { describe, expect, test } from "vitest";
import { isTerminal } from "../../src/model/provisioningState.ts";
import type { Fault } from "./faults.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing, type Asked, type SimulatedProcess } from "./simulation.ts";

const names = ["c1", "c2", "c3"];
const stepMs = 250;

/** A small generator of numbers in [0, 1), the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Chaos {
  readonly simulation: Simulation;
  readonly asked: Asked[] = [];
  readonly #random: () => number;
  readonly #pauses: boolean;
  readonly #processes: SimulatedProcess[] = [];
  #started = 0;

  constructor(
    simulation: Simulation,
    options: { readonly seed: number; readonly pauses: boolean },
  ) {
    this.simulation = simulation;
    this.#random = generator(options.seed);
    this.#pauses = options.pauses;
    for (const step of [
      ...simulation.installer.names("create"),
      ...simulation.installer.names("update"),
      ...simulation.installer.names("delete"),
    ]) {
      simulation.installer.script(step, async ({ signal }) => {
        if (this.#chance(0.3)) await simulation.clock.sleep(this.#random() * 4_000, signal);
        if (this.#chance(0.05)) throw new Error("not now");
        if (this.#chance(0.1)) return { done: false, againAfterMs: this.#random() * 5_000 };
        return done;
      });
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  #startProcess(): void {
    this.#started += 1;
    const faults: readonly Fault[] = this.#pauses
      ? ["unavailable", "unanswered", "conflict", "hangBefore", "hangAfter"]
      : ["unavailable", "unanswered", "conflict"];
    const process = this.simulation.start({
      name: `process ${this.#started}`,
      decide: ({ name }) => {
        if (!this.#chance(0.04)) return undefined;
        const fault = this.#pick(faults);
        return fault === "conflict" && !/commit|updateScheduling/.test(name) ? undefined : fault;
      },
    });
    this.#processes.push(process);
  }

  async run(turns: number): Promise<void> {
    this.#startProcess();
    this.#startProcess();
    for (let turn = 0; turn < turns; turn += 1) {
      await this.#clientActs();
      await this.#fateActs();
      await this.simulation.clock.advance(stepMs);
      await this.#agree();
    }
  }

  async #clientActs(): Promise<void> {
    const name = this.#pick(names) ?? "c1";
    const cluster = await this.simulation.cluster(name);
    if (cluster === undefined) {
      if (this.#chance(0.3)) this.asked.push(await this.simulation.create(name));
    } else if (isTerminal(cluster.provisioningState)) {
      const kind = cluster.applied === undefined ? "delete" : this.#pick(["update", "delete"]);
      if (!this.#chance(0.2)) return;
      this.asked.push(
        kind === "update" ? await this.simulation.update(name) : await this.simulation.remove(name),
      );
    } else if (cluster.provisioningState !== "Deleting" && this.#chance(0.03)) {
      this.asked.push(await this.simulation.remove(name));
    }
  }

  async #fateActs(): Promise<void> {
    const process = this.#pick(this.#processes);
    if (process === undefined) return;
    if (this.#chance(0.03)) {
      process.kill();
      this.#processes.splice(this.#processes.indexOf(process), 1);
      this.#startProcess();
    }
    if (this.#chance(0.03)) {
      void process.askToStop();
      this.#processes.splice(this.#processes.indexOf(process), 1);
      this.#startProcess();
    }
    if (this.#pauses && this.#chance(0.05)) process.clock.pause();
    if (this.#pauses && this.#chance(0.1)) process.clock.resume();
    if (this.#chance(0.02)) await this.simulation.loseMessages();
    const asked = this.#pick(this.asked);
    if (asked !== undefined && this.#chance(0.05)) await this.simulation.duplicate(asked);
  }

  /** A record runs if and only if its cluster is in no terminal state with that very operation. */
  async #agree(): Promise<void> {
    const clusters = await Promise.all(names.map(async (name) => this.simulation.cluster(name)));
    for (const asked of this.asked) {
      const record = await this.simulation.record(asked);
      const cluster = clusters.find((one) => one?.operation.id === asked.operationId);
      const runs = cluster !== undefined && !isTerminal(cluster.provisioningState);
      expect({ id: asked.operationId, runs: record.status === "InProgress" }).toEqual({
        id: asked.operationId,
        runs,
      });
    }
  }

  async endFaults(): Promise<void> {
    for (const process of this.simulation.processes) {
      process.faults.decide = () => undefined;
      process.clock.resume();
    }
    await this.simulation.clock.advanceUntil(
      async () => {
        const records = await Promise.all(
          this.asked.map(async (asked) => this.simulation.record(asked)),
        );
        return (
          records.every(({ status }) => status !== "InProgress") && this.simulation.messages === 0
        );
      },
      { limitMs: 1_200_000, stepMs: 2_000 },
    );
    // whatever was still on its way has arrived
    await this.simulation.clock.advance(2 * timing.visibilityMs);
    await this.#agree();
  }

  /** Within an operation no step is begun after a later one. */
  expectOrder(): void {
    const { installer } = this.simulation;
    for (const { operationId } of this.asked) {
      const begun = installer.begun(operationId);
      for (const kind of ["create", "update", "delete"] as const) {
        const places = begun
          .map((step) => installer.names(kind).indexOf(step))
          .filter((place) => place >= 0);
        expect(places).toEqual(places.toSorted((one, other) => one - other));
      }
    }
  }

  /** A cluster of this name that was created later is the only one that is still acted on. */
  expectIncarnations(): void {
    for (const name of names) {
      const seen: string[] = [];
      for (const { resourceId, incarnationId } of this.simulation.installer.begins) {
        if (!resourceId.endsWith(`/${name}`)) continue;
        if (seen.at(-1) !== incarnationId) seen.push(incarnationId);
      }
      expect(new Set(seen).size).toBe(seen.length);
    }
  }
}

const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

describe("without a pause past a lease", () => {
  test.each(seeds)(
    "everything comes to its end and no step is begun out of turn (seed %i)",
    async (seed) => {
      await using simulation = await Simulation.open();
      const chaos = new Chaos(simulation, { seed, pauses: false });
      await chaos.run(120);
      await chaos.endFaults();
      chaos.expectOrder();
      chaos.expectIncarnations();
      expect(chaos.asked.length).toBeGreaterThan(3);
    },
  );
});

describe("with pauses and calls that hang", () => {
  test.each(seeds)(
    "the documents agree and everything comes to its end (seed %i)",
    async (seed) => {
      await using simulation = await Simulation.open();
      const chaos = new Chaos(simulation, { seed: 1_000 + seed, pauses: true });
      await chaos.run(120);
      await chaos.endFaults();
      expect(chaos.asked.length).toBeGreaterThan(3);
    },
  );
});
