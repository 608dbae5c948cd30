/** From loads to figures: medians, ratios, and errors that nobody overlooks. */
import { expect, test } from "vitest";
import {
  isSound,
  reportText,
  scenarioFigures,
  type BenchReport,
  type ProcessFigures,
  type Section,
  type PerServer,
} from "./benchReport.ts";
import type { Load } from "./load.ts";

function load(cpuMs: number, members: Partial<Load> = {}): Load {
  return {
    requests: 100,
    seconds: 0.5,
    cpuMs,
    latencyMedianMs: 2,
    latencyP99Ms: 9,
    errors: 0,
    ...members,
  };
}

function round(program: Load, others: number): PerServer<Load> {
  return { program, nodeHttp: load(others), express: load(2 * others), fastify: load(others) };
}

const quiet: ProcessFigures = {
  startMs: 500,
  idleCpuPercent: 0.5,
  idleMemoryBytes: 120 * 2 ** 20,
  memoryPeakBytes: 150 * 2 ** 20,
  logErrors: 0,
};

function section(members: Partial<Section> = {}): Section {
  return {
    stored: 100,
    background: "without",
    processes: { program: quiet, nodeHttp: quiet, express: quiet, fastify: quiet },
    scenarios: [scenarioFigures({ name: "get" }, [round(load(40), 10)])],
    ...members,
  };
}

function report(...sections: readonly Section[]): BenchReport {
  return {
    format: 1,
    engines: "embedded",
    quick: false,
    machine: {
      node: "v24.0.0",
      processor: "a processor",
      processors: 2,
      kernel: "6.0",
      loadAverages: [0.1, 2.2],
    },
    rounds: 3,
    seconds: 1,
    connections: 10,
    isSound: sections.every(isSound),
    sections,
  };
}

test("figures are medians of the rounds, and ratios are taken in each round", () => {
  // the machine was three times slower in the second round, for everybody
  const rounds = [round(load(40), 10), round(load(120), 30), round(load(44), 10)];
  const { servers, cpuRatios } = scenarioFigures({ name: "get" }, rounds);
  expect(servers.program).toMatchObject({
    requests: 300,
    requestsPerSecond: 200,
    cpuMsPerRequest: 0.44,
    cpuMsPerRequestLeast: 0.4,
    cpuMsPerRequestMost: 1.2,
  });
  expect(cpuRatios).toEqual({ nodeHttp: 4, express: 2, fastify: 4 });
});

test("another checkout's program has a column of its own where it was measured", () => {
  const rounds = [
    { ...round(load(40), 10), before: load(80) },
    { ...round(load(120), 30), before: load(200) },
    { ...round(load(40), 10), before: load(80) },
  ];
  const figures = scenarioFigures({ name: "get" }, rounds);
  expect(figures.servers.before).toMatchObject({ requests: 300, cpuMsPerRequest: 0.8 });
  expect(figures.cpuRatios.before).toBe(0.5);
  const processes = { ...section().processes, before: { ...quiet, startMs: 1_234 } };
  const text = reportText(report(section({ processes, scenarios: [figures] })));
  expect(text).toMatch(/least–most +\| before +\| node:http/);
  expect(text).toContain("0.800 (× 0.50)");
  expect(text).toContain("before: started in 1234 ms");
  expect(reportText(report(section()))).not.toMatch(/\| before|before: started/);
});

test("there is no ratio to what took less than a tick", () => {
  const figures = scenarioFigures({ name: "get" }, [round(load(10), 0)]);
  expect(figures.cpuRatios.nodeHttp).toBeNull();
  expect(reportText(report(section({ scenarios: [figures] })))).toContain("(× ?)");
});

test("errors of a round are summed, the first is kept, and the report says that they were", () => {
  const wrong = load(40, { errors: 2, firstError: "200 was expected: 409" });
  const figures = scenarioFigures({ name: "replace" }, [round(load(40), 10), round(wrong, 10)]);
  expect(figures.servers.program).toMatchObject({ errors: 2, firstError: "200 was expected: 409" });
  const bad = section({ scenarios: [figures] });
  expect(isSound(bad)).toBe(false);
  const text = reportText(report(section(), bad));
  expect(text).toContain("ERRORS of program in replace: 2 of 200; 200 was expected: 409");
  expect(text).toContain("THERE WERE ERRORS");
});

test("a process that told of an error, or a server that never answered, is an error too", () => {
  const told = { ...quiet, logErrors: 1, firstLogError: "the disk is full" };
  const processes = { ...section().processes, program: told };
  expect(isSound(section({ processes }))).toBe(false);
  expect(reportText(report(section({ processes })))).toContain("the disk is full");
  const silent = scenarioFigures({ name: "get" }, [round(load(0, { requests: 0 }), 10)]);
  expect(isSound(section({ scenarios: [silent] }))).toBe(false);
});

test("the table compares each size with the first of the same kind", () => {
  const larger = {
    stored: 10_000,
    scenarios: [scenarioFigures({ name: "get" }, [round(load(50), 10)])],
  };
  const text = reportText(
    report(
      section(),
      section({
        background: "with",
        scenarios: [scenarioFigures({ name: "get" }, [round(load(80), 10)])],
      }),
      section(larger),
      section({ ...larger, background: "with" }),
    ),
  );
  const rows = text.split("\n").filter((line) => line.startsWith("| get "));
  expect(rows.map((row) => row.split("|").at(-2)?.trim())).toEqual(["", "", "× 1.25", "× 0.63"]);
  expect(text).not.toContain("ERRORS");
  expect(text).toContain("100 stored clusters, with work in the background");
});

test("how the columns are to be read stands above the first table, and once", () => {
  const text = reportText(report(section(), section({ stored: 200 })));
  const [legend = "", ...more] = text.split("100 stored clusters");
  expect(legend).toMatch(/^node:http, Express, fastify: .* the program needs 6\.00 times/m);
  expect(legend).toMatch(/^first size: .* at the first number of stored clusters$/m);
  expect(more.join()).not.toMatch(/^first size:/m);
});

test("a quick look is marked, and says nothing of seconds", () => {
  const text = reportText({ ...report(section()), quick: true });
  expect(text).toContain("QUICK: only a look whether it works, no figures to rely on\n");
  expect(text).not.toContain("rounds: 3 of 1 s");
  const real = reportText(report(section()));
  expect(real).toContain("rounds: 3 of 1 s");
  expect(real).not.toContain("QUICK");
});

test("durable writes a second are told of the scenarios that write", () => {
  const writes = [
    scenarioFigures({ name: "get" }, [round(load(40), 10)]),
    scenarioFigures({ name: "replace", writes: true }, [round(load(40), 10)]),
    scenarioFigures({ name: "create", writes: true }, [round(load(40, { seconds: 0.25 }), 10)]),
  ];
  expect(writes.map(({ durableWritesPerSecond }) => durableWritesPerSecond)).toEqual([
    undefined,
    200,
    400,
  ]);
  expect(reportText(report(section({ scenarios: writes })))).toContain(
    "\ndurable writes a second with 10 connections: replace 200, create 400\n",
  );
  expect(reportText(report(section()))).not.toContain("durable");
});

test("the head warns when others were at work before, and not of the bench's own load", () => {
  const at = (loadBefore: number): string => {
    const { machine, ...rest } = report(section());
    return reportText({ ...rest, machine: { ...machine, loadAverages: [loadBefore, 9] } });
  };
  expect(at(2)).not.toContain("WARNING");
  expect(at(2.1)).toContain(
    "WARNING: the load average was 2.10 before, more than the processors, 2",
  );
});
