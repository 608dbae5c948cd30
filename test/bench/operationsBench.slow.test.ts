/** `npm run bench:operations` works: a few operations, each way once. No figure is held to anything: other tests run beside it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { operationsUsage } from "./operationsOptions.ts";

const program = fileURLToPath(new URL("operationsBench.ts", import.meta.url));

test("tells how soon work begins, how many operations end, and how soon another process goes on", async () => {
  const args = [program, ..."--operations 20 --inFlight 150 --rounds 1 --beginnings 2".split(" ")];
  args.push(..."--stored 20,40 --idleSeconds 1".split(" "));
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("WARNING: the load average"));
  expect(lines.map((line) => line.replaceAll(/\d+(\.\d+)?/g, "#"))).toEqual([
    "load average before: #",
    "a PUT is sent → its first step runs: # ms (# to #, # times)",
    "a PUT is sent → Succeeded, asked every # ms: # ms (# to #, # times)",
    "# creates by # callers: # answered and # ended a second, all after # s, # ms CPU each, at most # MB",
    "# operations under way at once, # of them in a step: # MB then, all ended # s after they were let go, at most # MB",
    "SIGKILL of a worker → another runs the step: # ms (# to #, # times)",
    "SIGTERM of a worker → another runs the step: # ms (# to #, # times)",
    expect.stringMatching(/^idle with # stored: # % of a processor, # MB, started in # ms; looks /),
    expect.stringMatching(/^idle with # stored: # % of a processor, # MB, started in # ms; looks /),
  ]);
});

test("for machines, of what an idle process does and what operations under way take", async () => {
  const args =
    "--operations 1 --inFlight 150 --rounds 0 --beginnings 1 --stored 20 --idleSeconds 6 --json";
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args.split(" ")]);
  const { idle, throughput, inFlight } = JSON.parse(stdout);
  expect(throughput.operations).toBe(1);
  // more than workers hold at once, so some wait for one
  expect(inFlight).toMatchObject({ operations: 150, held: 100 });
  expect(inFlight.memoryBytes).toBeGreaterThan(20_000_000);
  expect(inFlight.memoryPeakBytes).toBeGreaterThanOrEqual(inFlight.memoryBytes);
  expect(idle).toHaveLength(1);
  expect(idle[0].stored).toBe(20);
  expect(idle[0].memoryBytes).toBeGreaterThan(20_000_000);
  // twice a second, and a sweep each heartbeat
  expect(idle[0].looks.listUnqueued.count).toBeGreaterThan(2);
  expect(idle[0].looks.listUnattended.count).toBeGreaterThan(0);
});

test("on the Azure engines, without a worker's end", async () => {
  const args = "--engines azure --operations 20 --inFlight 20 --beginnings 2".split(" ");
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/: .*/, ""))
      .filter((line) => line !== "WARNING"),
  ).toEqual([
    "load average before",
    "a PUT is sent → its first step runs",
    "a PUT is sent → Succeeded, asked every 10 ms",
    "20 creates by 20 callers",
    expect.stringMatching(/^20 operations under way at once, \d+ of them in a step$/),
  ]);
});

test("the help ends at once", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, "--help"]);
  expect([stdout, stderr]).toEqual([operationsUsage, ""]);
});

test("what can't be understood ends at once, with the reason and the help", async () => {
  const ended = promisify(execFile)(process.execPath, [program, "--operations", "abc"]);
  await expect(ended).rejects.toMatchObject({
    code: 2,
    stdout: "",
    stderr: `--operations must be a whole number from 1, not 'abc'\n\n${operationsUsage}`,
  });
});
