/** However long something fails, messages do not heap up, and what comes new is sent: over an hour of the simulated clock. */
import { describe, expect, test } from "vitest";
import { attemptWaitMaxMs } from "../../src/model/timing.ts";
import { Simulation } from "../backend/simulation.ts";
import { forwarderOf, queued } from "./forwarderOf.ts";

describe("the number of messages stays bounded", () => {
  const hourMs = 3_600_000;

  test.each(["unavailable", "unanswered", "hangBefore"] as const)(
    "when a flag can't be cleared for an hour (%s): one message, and ever rarer tries",
    async (fault) => {
      await using simulation = await Simulation.open();
      const asked = await simulation.create();
      const forwarder = forwarderOf(simulation, "forwarder", ({ name }) =>
        name === "store.updateScheduling" ? fault : undefined,
      );
      await simulation.clock.advance(hourMs);
      // an unanswered clear has happened, so the sweep comes into play
      if (fault !== "unanswered") expect(await queued(simulation)).toEqual([asked.operationId]);
      else expect(simulation.messages).toBeLessThan(10);
      expect(forwarder.faults.count("store.updateScheduling")).toBeLessThan(25);
      forwarder.faults.decide = () => undefined;
      await simulation.clock.advance(attemptWaitMaxMs);
      expect((await simulation.cluster())?.unqueued).toBe(false);
    },
  );

  test("when no flag at all can be cleared: new requests still go out at once", async () => {
    await using simulation = await Simulation.open();
    await Promise.all(Array.from({ length: 120 }, async (_, n) => simulation.create(`c${n}`)));
    forwarderOf(simulation, "forwarder", ({ name }) =>
      name === "store.updateScheduling" ? "unavailable" : undefined,
    );
    await simulation.clock.advance(60_000);
    const removal = await simulation.remove("c7");
    const other = await simulation.create("new");
    await simulation.clock.advance(2_000);
    const sent = await queued(simulation);
    expect(sent).toContain(removal.operationId);
    expect(sent).toContain(other.operationId);
    expect(sent).toHaveLength(122);
  });

  test("when a document is damaged: the sweep alone sends it again, and no longer lists it in between", async () => {
    await using simulation = await Simulation.open();
    await simulation.create("c1");
    await simulation.damage("c1");
    const forwarder = forwarderOf(simulation);
    await simulation.clock.advance(hourMs);
    expect(forwarder.faults.count("queue.send")).toBeGreaterThan(0);
    expect(forwarder.faults.count("queue.send")).toBeLessThan(10);
    expect((await simulation.store.listUnqueued({ limit: 5 })).items).toEqual([]);
  });
});
