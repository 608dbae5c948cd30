/**
 * What a benchmark has found: from the loads of all rounds to medians and ratios, as JSON for machines and as a table for people.
 * It measures nothing itself. What it calls the program is the process under test; the others are there to compare it with.
 */
import type { EnginesName } from "./benchEngines.ts";
import type { Background } from "./benchOptions.ts";
import type { Load } from "./load.ts";
import { loadWarning } from "./loadWarning.ts";
import type { Scenario } from "./scenarios.ts";
import { median } from "./statistics.ts";

export const program = "program";
/** The program of another checkout, where one was given. */
export const before = "before";
/** The servers that the program is compared with. */
export const baselines = ["nodeHttp", "express", "fastify"] as const;
export type Baseline = (typeof baselines)[number];
export type Server = typeof program | typeof before | Baseline;

/** Something of each server, as far as it is there. */
export type PerServer<T> = Readonly<Record<Exclude<Server, typeof before>, T>> & {
  readonly [before]?: T;
};

/** All servers, the program first. */
export function serversOf(isBeforeThere: boolean): readonly Server[] {
  return [program, ...(isBeforeThere ? ([before] as const) : []), ...baselines];
}

/** The same of each. */
export function perServer<T>(servers: readonly Server[], of: (server: Server) => T): PerServer<T> {
  return Object.fromEntries(
    servers.map((server) => [server, of(server)]),
  ) as unknown as PerServer<T>;
}

/** A server in one scenario; figures are medians of the rounds, and no numbers if it gave no answer. */
export interface Figures {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly latencyMedianMs: number;
  readonly latencyP99Ms: number;
  /** Of the server's process, by the operating system. */
  readonly cpuMsPerRequest: number;
  readonly cpuMsPerRequestLeast: number;
  readonly cpuMsPerRequestMost: number;
  /** Of all rounds; with one, the other figures mean nothing. */
  readonly errors: number;
  readonly firstError?: string;
}

export interface ScenarioFigures {
  readonly scenario: string;
  readonly servers: PerServer<Figures>;
  /**
   * How many times the processor time of each other server the program needs: the median of the ratios of the rounds. `null` when one of
   * them took less than a tick, which no figure can be had of.
   */
  readonly cpuRatios: Readonly<Record<Baseline, number | null>> & {
    readonly [before]?: number | null;
  };
  /** Of the program, and there for writes alone: each that is answered is committed. */
  readonly durableWritesPerSecond?: number;
}

export interface ProcessFigures {
  /** From its start until it listens. */
  readonly startMs: number;
  /** Before the first request of a scenario; work in the background goes on. In hundredths of one processor. */
  readonly idleCpuPercent: number;
  /** At the same time. */
  readonly idleMemoryBytes: number;
  readonly memoryPeakBytes: number;
  /** Lines of its log that are errors, and output of its own on standard error. */
  readonly logErrors: number;
  readonly firstLogError?: string;
}

/** All that was measured with so many stored clusters, with or without work in the background. */
export interface Section {
  readonly stored: number;
  readonly background: Background;
  readonly processes: PerServer<ProcessFigures>;
  readonly scenarios: readonly ScenarioFigures[];
}

export interface Machine {
  readonly node: string;
  readonly processor: string;
  readonly processors: number;
  readonly kernel: string;
  /** Of one minute, at the beginning and at the end: others were at work if the first is far from 0. */
  readonly loadAverages: readonly [number, number];
}

export interface BenchReport {
  readonly format: 1;
  readonly machine: Machine;
  readonly engines: EnginesName;
  /** Whether it was only a look whether it works, after which no figure is to be relied on. */
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  /** Whether no answer was wrong and no process told of an error; a `quick` look may be sound. */
  readonly isSound: boolean;
  readonly sections: readonly Section[];
}

/** @param rounds each with one load per server. */
export function scenarioFigures(
  { name, writes }: Pick<Scenario, "name" | "writes">,
  rounds: readonly PerServer<Load>[],
): ScenarioFigures {
  const servers = serversOf(rounds.every((round) => before in round));
  const loadsOf = (server: Server): readonly Load[] =>
    rounds.flatMap((round) => round[server] ?? []);
  const costs = loadsOf(program).map(cpuMsPerRequest);
  const ratio = (server: Server): number | null => {
    const middle = median(
      loadsOf(server).map((load, round) => (costs[round] ?? Number.NaN) / cpuMsPerRequest(load)),
    );
    return Number.isFinite(middle) ? middle : null;
  };
  const figures = perServer(servers, (server) => figuresOf(loadsOf(server)));
  const { program: _own, ...cpuRatios } = perServer(servers, ratio);
  return {
    scenario: name,
    servers: figures,
    cpuRatios,
    ...(writes === true ? { durableWritesPerSecond: figures.program.requestsPerSecond } : {}),
  };
}

function figuresOf(loads: readonly Load[]): Figures {
  const costs = loads.map(cpuMsPerRequest);
  const firstError = loads.find((load) => load.firstError !== undefined)?.firstError;
  return {
    requests: sum(loads.map(({ requests }) => requests)),
    requestsPerSecond: median(loads.map(({ requests, seconds }) => requests / seconds)),
    latencyMedianMs: median(loads.map(({ latencyMedianMs }) => latencyMedianMs)),
    latencyP99Ms: median(loads.map(({ latencyP99Ms }) => latencyP99Ms)),
    cpuMsPerRequest: median(costs),
    cpuMsPerRequestLeast: Math.min(...costs),
    cpuMsPerRequestMost: Math.max(...costs),
    errors: sum(loads.map(({ errors }) => errors)),
    ...(firstError === undefined ? {} : { firstError }),
  };
}

function cpuMsPerRequest({ cpuMs, requests }: Load): number {
  return cpuMs / requests;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Whether its figures may be believed. */
export function isSound({ processes, scenarios }: Section): boolean {
  return (
    Object.values(processes).every(({ logErrors }) => logErrors === 0) &&
    scenarios.every(({ servers }) =>
      Object.values(servers).every(({ errors, requests }) => errors === 0 && requests > 0),
    )
  );
}

/** As text: a table for each section, and all errors below it. */
export function reportText(report: BenchReport): string {
  const { machine, engines, quick, rounds, seconds, connections } = report;
  const [loadBefore, loadAfter] = machine.loadAverages;
  const warning = loadWarning(loadBefore, machine.processors);
  const head =
    `${machine.processors} × ${machine.processor}, Linux ${machine.kernel}, Node ${machine.node}; ${engines} engines; ` +
    `rounds: ${rounds} of ${quick ? "a few requests" : `${seconds} s`} with ${connections} connections; ` +
    `load average ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after\n` +
    (quick ? "QUICK: only a look whether it works, no figures to rely on\n" : "") +
    (warning === undefined ? "" : `${warning}\n`) +
    `\n${legend}` +
    (report.sections.some(({ processes }) => before in processes) ? legendOfBefore : "");
  const sections = report.sections.map((section) => {
    const first = report.sections.find(({ background }) => background === section.background);
    return sectionText(section, first, connections);
  });
  const end = report.isSound ? "" : "\nTHERE WERE ERRORS: these figures are not to be relied on.\n";
  return [head, ...sections].join("\n") + end;
}

/** How to read a table. */
const legend =
  "node:http, Express, fastify: 0.100 (× 6.00) is 0.100 ms of CPU per request there, of which the program needs 6.00 times as much\n" +
  "first size: × 1.20 is 1.20 times the program's CPU ms/req in this scenario at the first number of stored clusters\n";
const legendOfBefore = "before: the program of the other checkout, in the same way\n";

const titles: Readonly<Record<Exclude<Server, typeof program>, string>> = {
  before: "before",
  nodeHttp: "node:http",
  express: "Express",
  fastify: "fastify",
};

function sectionText(section: Section, first: Section | undefined, connections: number): string {
  const { stored, background, processes } = section;
  const others = serversOf(before in processes).filter((server) => server !== program);
  const columns = [
    "scenario",
    "req/s",
    "p50 ms",
    "p99 ms",
    "CPU ms/req",
    "least–most",
    ...others.map((server) => titles[server]),
    "first size",
  ];
  const rows = section.scenarios.map((figures) =>
    rowOf(figures, others, grownBy(figures, section, first)),
  );
  const processLines = serversOf(before in processes).flatMap((server) => {
    const figures = processes[server];
    if (figures === undefined) return [];
    const { startMs, idleCpuPercent, idleMemoryBytes, memoryPeakBytes } = figures;
    return (
      `${server}: started in ${Math.round(startMs)} ms, idle ${idleCpuPercent.toFixed(1)} % of a processor ` +
      `and ${megabytes(idleMemoryBytes)}, at most ${megabytes(memoryPeakBytes)}`
    );
  });
  return [
    `${stored} stored clusters, ${background} work in the background`,
    "",
    ...tableLines([columns, ...rows]),
    "",
    ...durableWritesLines(section, connections),
    ...processLines,
    ...errorLines(section),
    "",
  ].join("\n");
}

function durableWritesLines({ scenarios }: Section, connections: number): readonly string[] {
  const told = scenarios.flatMap(({ scenario, durableWritesPerSecond }) =>
    durableWritesPerSecond === undefined
      ? []
      : [`${scenario} ${Math.round(durableWritesPerSecond)}`],
  );
  if (told.length === 0) return [];
  return [`durable writes a second with ${connections} connections: ${told.join(", ")}`];
}

function rowOf(
  { scenario, servers, cpuRatios }: ScenarioFigures,
  others: readonly Exclude<Server, typeof program>[],
  grown: string,
): readonly string[] {
  const own = servers.program;
  const compared = (name: Exclude<Server, typeof program>): string =>
    `${milliseconds(servers[name]?.cpuMsPerRequest ?? Number.NaN)} (× ${cpuRatios[name]?.toFixed(2) ?? "?"})`;
  return [
    scenario,
    String(Math.round(own.requestsPerSecond)),
    own.latencyMedianMs.toFixed(1),
    own.latencyP99Ms.toFixed(1),
    milliseconds(own.cpuMsPerRequest),
    `${milliseconds(own.cpuMsPerRequestLeast)}–${milliseconds(own.cpuMsPerRequestMost)}`,
    ...others.map(compared),
    grown,
  ];
}

/** How many times it costs of what it cost in the first section, which differs in its size alone. */
function grownBy(figures: ScenarioFigures, section: Section, first: Section | undefined): string {
  if (first === section) return "";
  const before = first?.scenarios.find(({ scenario }) => scenario === figures.scenario);
  if (before === undefined) return "";
  const grown = figures.servers.program.cpuMsPerRequest / before.servers.program.cpuMsPerRequest;
  return `× ${grown.toFixed(2)}`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

function milliseconds(value: number): string {
  return value.toFixed(3);
}

/** Markdown, so that it can be put into a page as it is. */
function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? "").length)),
  );
  const [head, ...rest] = rows.map(
    (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`,
  );
  const line = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [head ?? "", line, ...rest];
}

function errorLines({ processes, scenarios }: Section): readonly string[] {
  const ofAnswers = scenarios.flatMap(({ scenario, servers }) =>
    Object.entries(servers).flatMap(([server, { errors, requests, firstError = "" }]) =>
      errors === 0 && requests > 0
        ? []
        : [`ERRORS of ${server} in ${scenario}: ${errors} of ${requests}; ${firstError}`],
    ),
  );
  const ofLogs = Object.entries(processes).flatMap(([server, { logErrors, firstLogError = "" }]) =>
    logErrors === 0 ? [] : [`ERRORS in the log of ${server}: ${logErrors}; ${firstLogError}`],
  );
  return [...ofAnswers, ...ofLogs];
}
