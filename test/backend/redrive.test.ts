/** An operator makes an operation due (`redriven`): whoever works on it is not disturbed, and whoever waits need not. */
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../src/model/document.ts";
import { redriven } from "../../src/model/redrive.ts";
import { TerminalError } from "../../src/model/rpError.ts";
import { partition } from "../store/documents.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing, type Asked } from "./simulation.ts";

/** The commit of an operator, whatever the lease says: as one that read just before the worker took it. */
async function redrive(simulation: Simulation): Promise<ClusterDocument> {
  const stored = await simulation.stored();
  if (stored === undefined) throw new Error("no cluster");
  const now = simulation.clock.now();
  const document = redriven(stored.document, { now, writeId: simulation.id() });
  await simulation.store.commit(partition, [{ replace: stored, document }]);
  return document;
}

/** A worker in its second step, which goes on when the test says so. */
async function inMidStep(simulation: Simulation): Promise<{ asked: Asked; goOn: () => void }> {
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  simulation.installer.script("machines", async () => {
    await promise;
    return done;
  });
  simulation.start({ name: "A" });
  simulation.start({ name: "B" });
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "machines");
  return { asked, goOn };
}

describe("under a live worker", () => {
  test("it goes on along its own chain: no step twice, no other claim", async () => {
    await using simulation = await Simulation.open();
    const { asked, goOn } = await inMidStep(simulation);
    const before = await simulation.cluster();
    for (let time = 0; time < 3; time += 1) {
      await redrive(simulation);
      // several heartbeats, looks of the forwarder, and deliveries
      await simulation.clock.advance(2 * timing.visibilityMs);
    }
    expect(await simulation.cluster()).toMatchObject({
      work: { epoch: before?.work.epoch, owner: before?.work.owner },
    });
    goOn();
    await simulation.clock.advance(timing.visibilityMs);
    expect((await simulation.record(asked)).status).toBe("Succeeded");
    expect(simulation.installer.begun(asked.operationId)).toEqual(
      simulation.installer.names("create"),
    );
    expect((await simulation.cluster())?.work.epoch).toBe(before?.work.epoch);
    // the messages that were too many have come to their end
    await simulation.clock.advance(10 * timing.visibilityMs);
    expect(simulation.messages).toBe(0);
    const warnings = simulation.processes.flatMap((process) => process.lines("error"));
    expect(warnings).toEqual([]);
  });

  test("an end that was reached at the same moment stays", async () => {
    await using simulation = await Simulation.open();
    const { asked, goOn } = await inMidStep(simulation);
    simulation.installer.script("bootstrap", async () => {
      // the worker's next write is the end, on a document that is another by then
      await redrive(simulation);
      throw new TerminalError({ code: "InstallationFailed", message: "for good" });
    });
    goOn();
    await simulation.clock.advance(10 * timing.visibilityMs);
    expect((await simulation.record(asked)).status).toBe("Failed");
    expect(await simulation.cluster()).toMatchObject({
      provisioningState: "Failed",
      unqueued: false,
    });
    expect(simulation.messages).toBe(0);
  });
});

test("one that nobody looks after is taken up at once, long before the sweep would find it", async () => {
  await using simulation = await Simulation.open();
  const nextAttemptAt = simulation.clock.now() + 500_000;
  simulation.start({ name: "A" });
  const asked = await simulation.create("c1", {
    unqueued: false,
    nextAttemptAt,
    sweepAfter: nextAttemptAt,
    sweeps: 6,
    work: { epoch: 9, attempts: 5, owner: "dead" },
  });
  await simulation.clock.advance(60_000);
  expect(simulation.installer.begun(asked.operationId)).toEqual([]);
  await redrive(simulation);
  await simulation.clock.advance(2 * timing.heartbeatMs);
  // with its attempts used up, it would have failed instead
  expect((await simulation.record(asked)).status).toBe("Succeeded");
  expect((await simulation.cluster())?.work.epoch).toBe(10);
});

test("a message that was put back for long ends as a duplicate when it comes", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("machines", async (_context, run) =>
    run === 1 ? { done: false, againAfterMs: 500_000 } : done,
  );
  simulation.start({ name: "A" });
  const asked = await simulation.create();
  await simulation.clock.advance(60_000);
  expect(simulation.messages).toBe(1);
  await redrive(simulation);
  await simulation.clock.advance(2 * timing.heartbeatMs);
  expect((await simulation.record(asked)).status).toBe("Succeeded");
  expect(simulation.messages).toBe(1);
  await simulation.clock.advance(600_000);
  expect(simulation.messages).toBe(0);
});
