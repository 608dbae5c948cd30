/** What is remembered of names is bounded, whatever names come, and judges the same with and without it. */
import { expect, test } from "vitest";
import { nameJudge } from "../../src/model/maskedNames.ts";

const secret = ["clientSecret", "Client-Secret", "kubeadminPassword", "systemData"];
const open = ["name", "location", "secre", "operationId"];

function expectJudged(isMasked: (name: string) => boolean): void {
  expect(secret.filter((name) => !isMasked(name))).toEqual([]);
  expect(open.filter((name) => isMasked(name))).toEqual([]);
}

test("names are judged alike when they are new and when they are known", () => {
  const known = new Map<string, boolean>();
  const isMasked = nameJudge(known);
  expectJudged(isMasked);
  expect([...known.keys()].toSorted()).toEqual([...secret, ...open].toSorted());
  expectJudged(isMasked);
});

test("many names, as of foreign documents, don't fill the memory, and are still judged", () => {
  const known = new Map<string, boolean>();
  const isMasked = nameJudge(known);
  for (let at = 0; at < 5000; at += 1) isMasked(`member${at}`);
  expect(known.size).toBeLessThanOrEqual(1000);
  expect(isMasked("passwordOf5001")).toBe(true);
  expectJudged(isMasked);
  expect(known.size).toBeLessThanOrEqual(1000);
});

test("a long name is judged, but not kept", () => {
  const known = new Map<string, boolean>();
  const isMasked = nameJudge(known);
  const long = "x".repeat(100_000);
  expect([isMasked(`${long}Password`), isMasked(long)]).toEqual([true, false]);
  expect([...known.keys()].join("").length).toBeLessThan(1000);
});
