/** A document that nobody can read, over hours: what takes too long for every run. */
import { expect, test } from "vitest";
import { Simulation } from "../backend/simulation.ts";

const hourMs = 3_600_000;

test("when a document is damaged and somebody works: its messages are ended, others are handled", async () => {
  await using simulation = await Simulation.open();
  await simulation.create("a-bad-one");
  await simulation.damage("a-bad-one");
  const process = simulation.start();
  const other = await simulation.create("c1");
  expect(await simulation.untilEnded(other, 10_000)).toMatchObject({ status: "Succeeded" });
  for (let hour = 0; hour < 4; hour += 1) {
    await simulation.clock.advance(hourMs);
    expect(simulation.messages).toBeLessThanOrEqual(1);
  }
  expect(process.lines("error").length).toBeLessThan(50);
});
