/** `npm run bench:operations` works: a few operations, each way once. No figure is held to anything: other tests run beside it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("operationsBench.ts", import.meta.url));

test("tells how soon work begins, how many operations end, and how soon another process goes on", async () => {
  const args = [program, ..."--operations 20 --rounds 1 --beginnings 2".split(" ")];
  args.push(..."--stored 20,40 --idleSeconds 1".split(" "));
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.replaceAll(/\d+(\.\d+)?/g, "#"))).toEqual([
    "load average before: #",
    "a PUT is sent → its first step runs: # ms (# to #, # times)",
    "a PUT is sent → Succeeded, asked every # ms: # ms (# to #, # times)",
    "# creates by # callers: # answered and # ended a second, all after # s, # ms CPU each, at most # MB",
    "SIGKILL of a worker → another runs the step: # ms (# to #, # times)",
    "SIGTERM of a worker → another runs the step: # ms (# to #, # times)",
    expect.stringMatching(/^idle with # stored: # % of a processor, # MB, started in # ms; looks /),
    expect.stringMatching(/^idle with # stored: # % of a processor, # MB, started in # ms; looks /),
  ]);
});

test("for machines, of what an idle process does", async () => {
  const args = "--operations 1 --rounds 0 --beginnings 1 --stored 20 --idleSeconds 3 --json";
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args.split(" ")]);
  const { idle, throughput } = JSON.parse(stdout);
  expect(throughput.operations).toBe(1);
  expect(idle).toHaveLength(1);
  expect(idle[0].stored).toBe(20);
  expect(idle[0].memoryBytes).toBeGreaterThan(20_000_000);
  // twice a second, and a sweep each heartbeat
  expect(idle[0].looks.listUnqueued.count).toBeGreaterThan(2);
  expect(idle[0].looks.listUnattended.count).toBeGreaterThan(0);
});

test("on the Azure engines, without a worker's end", async () => {
  const args = "--engines azure --operations 20 --beginnings 2".split(" ");
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/: .*/, "")),
  ).toEqual([
    "load average before",
    "a PUT is sent → its first step runs",
    "a PUT is sent → Succeeded, asked every 10 ms",
    "20 creates by 20 callers",
  ]);
});
