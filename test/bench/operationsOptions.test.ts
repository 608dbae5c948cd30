/** The command line of `npm run bench:operations`. */
import { expect, test } from "vitest";
import { operationsUsage, readOperationsOptions } from "./operationsOptions.ts";
import { BenchOptionsError } from "./optionValues.ts";

test("without options all is measured, on the embedded engine", () => {
  expect(readOperationsOptions([])).toEqual({
    engines: "embedded",
    operations: 10_000,
    inFlight: 10_000,
    rounds: 5,
    beginnings: 50,
    stored: [100, 10_000, 100_000],
    idleSeconds: 65,
    json: false,
    help: false,
  });
});

test("on the Azure engines less is asked for by default, and no idle process", () => {
  expect(readOperationsOptions(["--engines", "azure"])).toMatchObject({
    operations: 200,
    inFlight: 200,
    rounds: 0,
    stored: [],
  });
});

test("what may be left out is left out", () => {
  const args = "--inFlight 0 --rounds 0 --stored none".split(" ");
  expect(readOperationsOptions(args)).toMatchObject({ inFlight: 0, rounds: 0, stored: [] });
});

test.each([
  ["--operations abc", "--operations must be a whole number from 1, not 'abc'"],
  ["--operations 0", "--operations must be a whole number from 1, not '0'"],
  ["--beginnings 0", "--beginnings must be a whole number from 1, not '0'"],
  ["--inFlight -1", "--inFlight"],
  ["--inFlight=-1", "--inFlight must be a whole number from 0, not '-1'"],
  ["--rounds 1.5", "--rounds must be a whole number from 0, not '1.5'"],
  ["--stored ", "--stored must be a whole number from 0, not ''"],
  ["--idleSeconds 0", "--idleSeconds must be a number from 0.05, not '0'"],
  ["--engines sqlite", "--engines knows no sqlite; there are embedded, azure"],
  ["--engines azure --stored 100", "--stored is for the embedded engine alone"],
  ["--quick", "--quick"],
])("%s is refused with a reason", (line, reason) => {
  const read = () => readOperationsOptions(line.split(" "));
  expect(read).toThrow(BenchOptionsError);
  expect(read).toThrow(reason);
});

test("the help tells of each option", () => {
  for (const option of Object.keys(readOperationsOptions([]))) {
    expect(operationsUsage).toMatch(new RegExp(`^  --${option} `, "m"));
  }
});
