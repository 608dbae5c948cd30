/** A message is a hint: it may come twice, late, for something that is over, or never. */
import { expect, test } from "vitest";
import { encodeWorkMessage } from "../../src/model/workMessage.ts";
import { partition } from "../store/documents.ts";
import { done } from "./scriptedInstaller.ts";
import { Simulation, timing } from "./simulation.ts";

test("seed 1: a duplicate message for a healthy cluster is completed quietly", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilEnded(asked);
  const before = await simulation.stored();
  for (let n = 0; n < 6; n += 1) await simulation.duplicate(asked);
  await simulation.clock.advance(5 * timing.visibilityMs);
  expect(simulation.messages).toBe(0);
  expect(await simulation.stored()).toEqual(before);
  expect(process.lines("warn")).toEqual([]);
  expect(process.lines("error")).toEqual([]);
});

test("B4: a message that is delivered again and again never changes a cluster at rest", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start({
    decide: ({ name }) => (name === "queue.complete" ? "unavailable" : undefined),
  });
  const asked = await simulation.create();
  await simulation.untilEnded(asked);
  const before = await simulation.stored();
  await simulation.clock.advance(10 * timing.visibilityMs);
  expect(process.faults.count("queue.complete")).toBeGreaterThan(8);
  expect(await simulation.stored()).toEqual(before);
  process.faults.decide = () => undefined;
  await simulation.clock.advance(2 * timing.visibilityMs);
  expect(simulation.messages).toBe(0);
});

test("seed 2, B5: a message for a deleted cluster is completed quietly, however often it comes", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilEnded(asked);
  const removal = await simulation.remove();
  await simulation.untilEnded(removal);
  for (let n = 0; n < 6; n += 1) {
    await simulation.duplicate(asked);
    await simulation.duplicate(removal);
  }
  await simulation.clock.advance(timing.visibilityMs);
  expect(simulation.messages).toBe(0);
  expect(process.lines("error")).toEqual([]);
});

test("seed 7: a stale message doesn't act on a cluster that was created again", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async () => {
    await simulation.clock.sleep(3_000);
    return done;
  });
  simulation.start();
  const first = await simulation.create();
  await simulation.untilEnded(first);
  const removal = await simulation.remove();
  await simulation.untilEnded(removal);
  const second = await simulation.create();
  await simulation.duplicate(first);
  await simulation.duplicate(removal);
  const record = await simulation.untilEnded(second);
  expect(record.status).toBe("Succeeded");
  expect(simulation.installer.begun(second.operationId)).toEqual(
    simulation.installer.names("create"),
  );
  expect(simulation.installer.begun(first.operationId)).toHaveLength(4);
  expect(await simulation.cluster()).toMatchObject({ provisioningState: "Succeeded" });
});

test("ARM-88: a duplicate that comes before, and many that come during the work, do no step twice", async () => {
  await using simulation = await Simulation.open();
  for (const step of ["network", "machines"]) {
    simulation.installer.script(step, async () => {
      await simulation.clock.sleep(7_000);
      return done;
    });
  }
  const asked = await simulation.create();
  await simulation.duplicate(asked);
  const processes = ["A", "B"].map((name) => simulation.start({ name }));
  for (let n = 0; n < 10; n += 1) {
    await simulation.clock.advance(1_000);
    await simulation.duplicate(asked);
  }
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  expect(simulation.installer.begun(asked.operationId)).toEqual(
    simulation.installer.names("create"),
  );
  await simulation.clock.advance(2 * timing.visibilityMs);
  expect(simulation.messages).toBe(0);
  expect((await simulation.cluster())?.work.epoch).toBe(1);
  for (const process of processes) expect(process.lines("error")).toEqual([]);
});

test("a duplicate of a running operation is put back until the holder's lease would end", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async () => {
    await simulation.clock.sleep(60_000);
    return done;
  });
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  await simulation.duplicate(asked);
  await simulation.clock.advance(24_000);
  const refused = process.log.filter(({ message }) => message.includes("has the lease"));
  expect(refused.length).toBeGreaterThanOrEqual(3);
  expect(refused.length).toBeLessThanOrEqual(7);
});

test("a message that isn't ours is dropped and reported", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  for (const body of [
    "",
    "no JSON",
    "null",
    "[]",
    '{"format":1}',
    '{"partition":1,"documentId":2}',
  ]) {
    await simulation.queue.send(body);
  }
  await simulation.clock.advance(2 * timing.visibilityMs);
  expect(simulation.messages).toBe(0);
  expect(process.lines("error")).toHaveLength(6);
});

test("a message of a later format with the members we know is handled", async () => {
  await using simulation = await Simulation.open();
  simulation.start({ forwarder: false });
  const asked = await simulation.create();
  const message = encodeWorkMessage({
    partition,
    documentId: asked.key.id,
    operationId: asked.operationId,
  });
  await simulation.queue.send(JSON.stringify({ ...JSON.parse(message), format: 2, trace: "t" }));
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
});

test("ARM-88: a lost message is replaced by the sweep", async () => {
  await using simulation = await Simulation.open();
  const asked = await simulation.create();
  const forwarder = simulation.start({ name: "forwarder", backend: false });
  await simulation.clock.settle();
  expect(simulation.messages).toBe(1);
  await simulation.loseMessages();
  simulation.start({ name: "backend", forwarder: false });
  const record = await simulation.untilEnded(asked, 60_000);
  expect(record.status).toBe("Succeeded");
  expect(forwarder.lines("warn")).toContain("nobody looked after this operation; flagged again");
});

test("the message of a waiting step is lost: the sweep brings it back after the wait, not before", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async (_context, run) =>
    run === 1 ? { done: false, againAfterMs: 40_000 } : done,
  );
  simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  await simulation.clock.advance(500);
  await simulation.loseMessages();
  const begunAt = simulation.clock.now();
  await simulation.clock.advance(38_000);
  expect(simulation.installer.begun(asked.operationId)).toEqual(["network"]);
  await simulation.untilEnded(asked, 60_000);
  expect(simulation.clock.now() - begunAt).toBeGreaterThan(39_000);
});

test("a worker whose message was lost goes on, and what it postpones is queued anew at once", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async (_context, run) => {
    if (run > 1) return done;
    await simulation.clock.sleep(5_000);
    return { done: false, againAfterMs: 1_000 };
  });
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  await simulation.loseMessages();
  const begunAt = simulation.clock.now();
  expect(await simulation.untilEnded(asked)).toMatchObject({ status: "Succeeded" });
  // long before a sweep
  expect(simulation.clock.now() - begunAt).toBeLessThan(8_000);
  expect(simulation.installer.begun(asked.operationId)).toEqual([
    "network",
    ...simulation.installer.names("create"),
  ]);
  expect(process.lines("info")).toContain("the message was lost; the lease decides");
});

test("an early message is put back for the rest of the wait", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async (_context, run) =>
    run === 1 ? { done: false, againAfterMs: 20_000 } : done,
  );
  simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  await simulation.duplicate(asked);
  await simulation.clock.advance(19_000);
  expect(simulation.installer.begun(asked.operationId)).toEqual(["network"]);
  await simulation.clock.advance(2_000);
  expect((await simulation.record(asked)).status).toBe("Succeeded");
  // claimed twice: the wait itself took no claim
  expect((await simulation.cluster())?.work.epoch).toBe(2);
});
