/** The command line of `npm run bench`. */
import { expect, test } from "vitest";
import { readBenchOptions, usage } from "./benchOptions.ts";
import { BenchOptionsError } from "./optionValues.ts";

const known = ["get", "list", "create"];

test("without options everything is measured at three sizes", () => {
  expect(readBenchOptions([], known)).toMatchObject({
    engines: "embedded",
    scenarios: known,
    stored: [100, 10_000, 100_000],
    backgrounds: ["without", "with"],
    quick: false,
    json: false,
  });
});

test("what is asked for, scenarios in their own order", () => {
  const args =
    "--scenarios create,get --stored 7 --background with --rounds 5 --seconds 0.5 --json";
  expect(readBenchOptions(args.split(" "), known)).toMatchObject({
    scenarios: ["get", "create"],
    stored: [7],
    backgrounds: ["with"],
    rounds: 5,
    seconds: 0.5,
    warmupSeconds: 0.25,
    json: true,
  });
});

test("on the Azure engines less is asked for by default", () => {
  const names = [...known, "operation-status"];
  const azure = readBenchOptions(["--engines", "azure"], names);
  expect(azure).toMatchObject({
    engines: "azure",
    scenarios: known,
    stored: [100],
    backgrounds: ["without"],
  });
  const asked = "--engines azure --scenarios operation-status --stored 7 --background with";
  expect(readBenchOptions(asked.split(" "), names)).toMatchObject({
    scenarios: ["operation-status"],
    stored: [7],
    backgrounds: ["with"],
  });
});

test("beside another checkout nothing runs in the background", () => {
  const read = readBenchOptions(["--before", "../earlier"], known);
  expect(read).toMatchObject({ before: "../earlier", backgrounds: ["without"] });
  expect(readBenchOptions([], known)).not.toHaveProperty("before");
});

test("a quick look is one short round, and each of its parts may be asked for otherwise", () => {
  const quick = readBenchOptions(["--quick"], known);
  expect(quick).toMatchObject({ quick: true, stored: [100], rounds: 1, warmupSeconds: 0 });
  expect(quick.requestsMax).toBeLessThan(100);
  expect(readBenchOptions(["--quick", "--stored", "5"], known).stored).toEqual([5]);
});

test.each([
  ["--scenarios get,put", "--scenarios knows no put; there are get, list, create"],
  ["--scenarios ", "--scenarios is empty; there are get, list, create"],
  ["--scenarios get,", "--scenarios knows no ''; there are get, list, create"],
  ["--background sometimes", "--background knows no sometimes"],
  ["--engines sqlite", "--engines knows no sqlite; there are embedded, azure"],
  ["--engines embedded,azure", "--engines takes one name"],
  ["--stored 100,", "--stored must be a whole number from 1, not ''"],
  ["--stored 1.5", "--stored must be a whole number from 1, not '1.5'"],
  ["--rounds 0", "--rounds must be a whole number from 1, not '0'"],
  ["--rounds 1,2", "--rounds takes one number"],
  ["--seconds soon", "--seconds must be a number from 0.05, not 'soon'"],
  ["--seconds Infinity", "--seconds must be a number from 0.05"],
  ["--before .. --engines azure", "--before is for the embedded engine alone"],
  ["--before .. --background with", "--before is for --background without alone"],
  ["--fast", "--fast"],
  ["get", "get"],
])("%s is refused with a reason", (line, reason) => {
  const read = () => readBenchOptions(line.split(" "), known);
  expect(read).toThrow(BenchOptionsError);
  expect(read).toThrow(reason);
});

test("the help tells of each option", () => {
  for (const option of [
    "engines",
    "scenarios",
    "stored",
    "background",
    "rounds",
    "seconds",
    "connections",
    "before",
  ]) {
    expect(usage).toContain(`--${option} `);
  }
});
