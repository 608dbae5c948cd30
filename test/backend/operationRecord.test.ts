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

test("members that a newer release wrote into steps stay", () => {
  const one = { name: "zero", phase: "p", attempts: 1, startedAt: 1, endedAt: 2, future: "zero" };
  const two = { name: "one", phase: "p", attempts: 1, startedAt: 3, future: "one" };
  const newer = operationDocument("o", { steps: [one, two] });
  const begunAgain = stepBegun(newer, place, 4);
  expect(begunAgain.steps).toEqual([one, { ...two, attempts: 2 }]);
  const ended = stepEnded(begunAgain, 5);
  expect(ended.steps).toEqual([one, { ...two, attempts: 2, endedAt: 5 }]);
  const next = stepBegun(ended, { ...place, name: "two" }, 6);
  expect(next.steps.slice(0, 2)).toEqual(ended.steps);
  expect(operationEnded(next, { status: "Failed", now: 7 }).steps).toEqual(next.steps);
});

test("the sweep's margin is longer than a message stays hidden, and grows up to a bound", () => {
  const margins = Array.from({ length: 20 }, (_, sweeps) => sweepMarginMs(timing, sweeps));
  expect(margins[0]).toBeGreaterThan(timing.visibilityMs);
  expect(margins[1]).toBe(2 * (margins[0] ?? 0));
  expect(margins.at(-1)).toBe(margins.at(-2));
});
