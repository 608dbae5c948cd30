/**
 * `npm run bench` works: a quick look at everything ends without an error, and what it gives to machines has the form that is
 * promised. No figure is held to anything: other tests run beside it.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { enginesNames } from "./benchEngines.ts";
import { serversOf } from "./benchReport.ts";
import { scenarios } from "./scenarios.ts";

const bench = fileURLToPath(new URL("bench.ts", import.meta.url));

const figure = z.number().nonnegative();
const figures = z.strictObject({
  requests: z.int().positive(),
  requestsPerSecond: figure,
  latencyMedianMs: figure,
  latencyP99Ms: figure,
  cpuMsPerRequest: figure,
  cpuMsPerRequestLeast: figure,
  cpuMsPerRequestMost: figure,
  errors: z.literal(0),
});
const processFigures = z.strictObject({
  startMs: figure,
  idleCpuPercent: figure,
  idleMemoryBytes: z.int().positive(),
  memoryPeakBytes: z.int().positive(),
  logErrors: z.literal(0),
});
/** Of another checkout's program where there is one. */
function ofEach<T extends z.ZodType>(form: T) {
  const [program, before, ...baselines] = serversOf(true);
  const always = Object.fromEntries([program, ...baselines].map((server) => [server, form]));
  return z.strictObject({ ...always, [before as string]: form.optional() });
}

const reportForm = z.strictObject({
  format: z.literal(1),
  machine: z.strictObject({
    node: z.string(),
    processor: z.string(),
    processors: z.int().positive(),
    kernel: z.string(),
    loadAverages: z.tuple([figure, figure]),
  }),
  engines: z.enum(enginesNames),
  quick: z.literal(true),
  rounds: z.int().positive(),
  seconds: figure,
  connections: z.int().positive(),
  isSound: z.literal(true),
  sections: z.array(
    z.strictObject({
      stored: z.int().positive(),
      background: z.enum(["without", "with"]),
      processes: ofEach(processFigures),
      scenarios: z.array(
        z.strictObject({
          scenario: z.string(),
          servers: ofEach(figures),
          cpuRatios: ofEach(figure.nullable()).omit({ program: true }),
          durableWritesPerSecond: figure.optional(),
        }),
      ),
    }),
  ),
});

/** Runs it with a folder for temporary files of its own. */
async function run(...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "rp-"));
  try {
    const ended = await new Promise<{ code: unknown; stdout: string; stderr: string }>(
      (resolve) => {
        const env = { PATH: process.env["PATH"], TMPDIR: folder };
        execFile(process.execPath, [bench, ...args], { env }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
        );
      },
    );
    return { ...ended, left: readdirSync(folder).filter((name) => name.startsWith("rp-bench-")) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a quick look at everything, for machines", async () => {
  const { code, stdout, stderr, left } = await run("--quick", "--json");
  expect([code, stdout === ""], stderr + stdout).toEqual([0, false]);
  const report = reportForm.parse(JSON.parse(stdout));
  expect(report.sections.map(({ stored, background }) => [stored, background])).toEqual([
    [100, "without"],
    [100, "with"],
  ]);
  for (const section of report.sections) {
    expect(section.scenarios.map(({ scenario }) => scenario)).toEqual(
      scenarios.map(({ name }) => name),
    );
  }
  expect(left).toEqual([]);
});

test("for people, only what was asked for", async () => {
  const asked = "--quick --stored 3 --scenarios list,replace --background without";
  const { code, stdout, stderr } = await run(...asked.split(" "));
  expect(code, stderr + stdout).toBe(0);
  const rows = stdout.match(/^\| [a-z-]+ +\|/gm) ?? [];
  expect(rows.map((row) => row.replaceAll(/[| ]/g, ""))).toEqual(["scenario", "list", "replace"]);
});

test("on the Azure engines, the scenarios of the comparison", async () => {
  const { code, stdout, stderr, left } = await run(..."--engines azure --quick --json".split(" "));
  expect(code, stderr + stdout).toBe(0);
  const { engines, sections } = reportForm.parse(JSON.parse(stdout));
  expect([engines, sections.map(({ stored, background }) => [stored, background])]).toEqual([
    "azure",
    [[100, "without"]],
  ]);
  expect(sections[0]?.scenarios.map(({ scenario }) => scenario)).toEqual(
    "get list patch-tags create".split(" "),
  );
  expect(left).toEqual([]);
});

test("beside another checkout, whose program is measured too; one that isn't there is refused before anything is done", async () => {
  const own = fileURLToPath(new URL("../..", import.meta.url));
  const asked = ["--quick", "--stored", "3", "--scenarios", "get,replace", "--json"];
  const { code, stdout, stderr, left } = await run(...asked, "--before", own);
  expect(code, stderr + stdout).toBe(0);
  const { sections } = reportForm.parse(JSON.parse(stdout));
  expect(sections.map(({ background }) => background)).toEqual(["without"]);
  expect(sections[0]?.processes).toHaveProperty("before");
  for (const { servers, cpuRatios } of sections[0]?.scenarios ?? []) {
    expect(servers).toHaveProperty("before");
    expect(cpuRatios).toHaveProperty("before");
  }
  expect(left).toEqual([]);
  const refused = await run(...asked, "--before", join(own, "nowhere"));
  expect([refused.code, refused.left]).toEqual([2, []]);
  expect(refused.stderr).toMatch(/^--before: there is no .*nowhere/);
});

test("what can't be understood ends at once, with the reason and the help", async () => {
  const { code, stderr, left } = await run("--rounds", "many");
  expect(code).toBe(2);
  expect(stderr).toContain("--rounds must be a whole number from 1");
  expect(stderr).toContain("--quick");
  expect(left).toEqual([]);
});
