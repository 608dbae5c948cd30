/** The record of an operation grows by what happened and never goes back. */
import { expect, test } from "vitest";
import { operationEnded, stepBegun, stepEnded } from "../../src/model/operationRecord.ts";
import { sweepMarginMs } from "../../src/model/timing.ts";
import { operationDocument } from "../store/documents.ts";
import { timing } from "./simulation.ts";

const place = { name: "one", phase: "p", index: 1, total: 4 };

test("a step that is begun again counts, and one that ended is not ended twice", () => {
  let record = stepBegun(operationDocument("o"), place, 10);
  record = stepBegun(record, place, 20);
  expect(record.steps).toEqual([{ name: "one", phase: "p", attempts: 2, startedAt: 10 }]);
  record = stepEnded(stepEnded(record, 30), 40);
  expect(record.steps[0]?.endedAt).toBe(30);
  expect(stepEnded(operationDocument("o"), 1).steps).toEqual([]);
});

test("percentComplete never goes back, even if another release counts other steps", () => {
  const record = stepBegun(operationDocument("o"), { ...place, index: 3 }, 10);
  expect(record.percentComplete).toBe(75);
  expect(stepBegun(record, { ...place, name: "two", total: 10 }, 20).percentComplete).toBe(75);
  expect(operationEnded(record, { status: "Failed", now: 1 }).percentComplete).toBe(75);
  expect(operationEnded(record, { status: "Succeeded", now: 1 }).percentComplete).toBe(100);
});

test("members that a newer release wrote stay", () => {
  const newer = { ...operationDocument("o"), future: { kept: true } };
  expect(
    operationEnded(stepEnded(stepBegun(newer, place, 1), 2), { status: "Succeeded", now: 3 }),
  ).toMatchObject({ future: { kept: true } });
});

test("the sweep's margin is longer than a message stays hidden, and grows up to a bound", () => {
  const margins = Array.from({ length: 20 }, (_, sweeps) => sweepMarginMs(timing, sweeps));
  expect(margins[0]).toBeGreaterThan(timing.visibilityMs);
  expect(margins[1]).toBe(2 * (margins[0] ?? 0));
  expect(margins.at(-1)).toBe(margins.at(-2));
});
