/** What forwarder and workers tell for metrics is what happened, each thing once. */
import { expect, test } from "vitest";
import { TerminalError } from "../../src/model/rpError.ts";
import { Simulation, type SimulatedProcess } from "./simulation.ts";

function toldOf({ told }: SimulatedProcess, what: string): readonly unknown[] {
  return told.flatMap(([kind, value]) => (kind === what ? [value] : []));
}

test("an operation that goes well is sent, claimed and ended", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start();
  await simulation.untilEnded(await simulation.create());
  await simulation.clock.advance(1_000);
  expect(toldOf(process, "sent")).toEqual([1]);
  expect(toldOf(process, "claim")).toEqual([1]);
  expect(toldOf(process, "ended")).toEqual([{ kind: "create", outcome: "succeeded" }]);
  expect(toldOf(process, "lost")).toEqual([]);
});

test("one that can't go well is ended with its code", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async () => {
    throw new TerminalError({ code: "InstallationFailed", message: "no quota" });
  });
  const process = simulation.start();
  await simulation.untilEnded(await simulation.create());
  await simulation.clock.advance(1_000);
  expect(toldOf(process, "ended")).toEqual([
    { kind: "create", outcome: "failed", code: "InstallationFailed" },
  ]);
});

test("a worker that takes over from one that died makes a further attempt", async () => {
  await using simulation = await Simulation.open();
  const held = Promise.withResolvers<void>();
  simulation.installer.script("network", async (_context, run) => {
    if (run === 1) await held.promise;
    return { done: true };
  });
  const first = simulation.start({ name: "first" });
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  const second = simulation.start({ name: "second" });
  first.kill();
  await simulation.untilEnded(asked);
  await simulation.clock.advance(1_000);
  expect(toldOf(first, "claim")).toEqual([1]);
  expect(toldOf(second, "claim")).toEqual([2]);
  expect(toldOf(second, "ended")).toHaveLength(1);
  expect(toldOf(first, "ended")).toEqual([]);
});

test("a worker whose operation is cut short has lost its claim", async () => {
  await using simulation = await Simulation.open();
  simulation.installer.script("network", async ({ signal }) => {
    await simulation.clock.sleep(3_600_000, signal);
    return { done: true };
  });
  const process = simulation.start();
  const asked = await simulation.create();
  await simulation.untilBegun(asked, "network");
  const removal = await simulation.remove();
  await simulation.untilEnded(removal);
  await simulation.clock.advance(1_000);
  expect(toldOf(process, "lost")).toEqual(["superseded"]);
  expect(toldOf(process, "ended")).toEqual([{ kind: "delete", outcome: "succeeded" }]);
});

test("what nobody looks after is flagged, and told as such", async () => {
  await using simulation = await Simulation.open();
  const process = simulation.start({ backend: false });
  await simulation.create();
  await simulation.clock.settle();
  await simulation.loseMessages();
  await simulation.clock.advance(30_000);
  expect(toldOf(process, "flagged").filter((count) => count !== 0)).toEqual([1]);
  expect(toldOf(process, "sent")).toEqual([1, 1]);
});
