/**
 * Measures everything for one number of stored clusters, with or without work in the background: starts the program on a seeded
 * folder and the servers beside it, and asks them in turn, round after round, so that whatever else the machine does meets all of
 * them.
 *
 * Without work in the background the program is a frontend alone: what writes begin is begun by nobody, and their cost is that of
 * the request. With it the program has all roles, so what writes begin is part of their cost.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BackgroundCreates, installingAtOnce } from "./backgroundCreates.ts";
import type { BenchEngines } from "./benchEngines.ts";
import type { Background, BenchOptions } from "./benchOptions.ts";
import {
  program,
  scenarioFigures,
  servers as allServers,
  type ProcessFigures,
  type Section,
  type Server,
} from "./benchReport.ts";
import { measureLoad, type Load } from "./load.ts";
import { cpuMsOf, memoryBytesOf, memoryPeakBytesOf } from "./processFigures.ts";
import { askOnce, writeReadyAnswers } from "./readyAnswers.ts";
import { answerFault, scenarios, type BenchRequest, type Scenario } from "./scenarios.ts";
import { countRunning } from "./seededFolder.ts";
import { ServedProcess } from "./servedProcess.ts";

/** The program of this checkout. */
export const ownProgram = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** That of `npm start`. */
export const compileCache = fileURLToPath(
  new URL("../../node_modules/.cache/node", import.meta.url),
);

export interface SectionOptions extends BenchOptions {
  readonly storedCount: number;
  /** How many clusters there are that a replace may take. */
  readonly replaceable: number;
  readonly background: Background;
  /** Seeded; nothing runs on them. */
  readonly on: BenchEngines;
  /** For files of the measurement's own. */
  readonly folder: string;
  /** Told what is done. */
  readonly onProgress: (text: string) => void;
}

/** What begins with a round's writes in the background: enough to be measured, and soon over. */
const begunPerRound = 100;
/** How long what a round has begun may take to end. */
const settleMaxMs = 120_000;

type Servers = Readonly<Record<Server, ServedProcess>>;

/** One scenario of this section, with what of it was asked so far. */
interface Asked {
  readonly scenario: Scenario;
  readonly rounds: Record<Server, Load>[];
  /** The program's and the others' next request. */
  readonly next: (server: Server) => BenchRequest;
}

export async function measureSection(options: SectionOptions): Promise<Section> {
  const { storedCount, background, onProgress } = options;
  const asked = scenarios
    .filter(({ name }) => options.scenarios.includes(name))
    .map((scenario) => askedOf(scenario, storedCount));
  await using stack = new AsyncDisposableStack();
  const own = stack.use(
    await ServedProcess.start({ program: ownProgram, settings: settingsOf(options) }),
  );
  const answers = await answersOf(own.url, asked, options);
  const servers: Servers = {
    program: own,
    nodeHttp: stack.use(await startBaseline("nodeHttp", answers)),
    express: stack.use(await startBaseline("express", answers)),
    fastify: stack.use(await startBaseline("fastify", answers)),
  };
  const creates =
    background === "with" ? stack.use(new BackgroundCreates(servers.program.url)) : undefined;
  await creates?.untilSteady();
  const idle = await idleFigures(servers, options.idleSeconds);

  if (options.warmupSeconds > 0) {
    onProgress("warming up");
    await measureRound(servers, asked, { ...options, seconds: options.warmupSeconds, round: 0 });
    for (const { rounds } of asked) rounds.length = 0;
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    onProgress(`round ${round} of ${options.rounds}`);
    await measureRound(servers, asked, { ...options, round });
  }
  const refused = creates?.refused ?? 0;
  const processes = Object.fromEntries(
    allServers.map((server) => [
      server,
      processFigures(servers[server], idle[server], server === program ? refused : 0),
    ]),
  ) as Record<Server, ProcessFigures>;
  return {
    stored: storedCount,
    background,
    processes,
    scenarios: asked.map(({ scenario, rounds }) => scenarioFigures(scenario, rounds)),
  };
}

function askedOf(scenario: Scenario, stored: number): Asked {
  const counts: Record<Server, number> = { program: 0, nodeHttp: 0, express: 0, fastify: 0 };
  return {
    scenario,
    rounds: [],
    next: (server) => {
      const number = counts[server];
      counts[server] += 1;
      return scenario.request(number, stored);
    },
  };
}

function settingsOf(options: SectionOptions): Readonly<Record<string, string>> {
  const common = { PORT: "0", NODE_COMPILE_CACHE: compileCache, ...options.on.settings };
  return options.background === "with"
    ? { ...common, LOCAL_INSTALL_SECONDS: String(options.installSeconds) }
    : { ...common, ROLES: "frontend" };
}

/** @returns the file with the program's own answers, one for each scenario. */
async function answersOf(
  url: string,
  asked: readonly Asked[],
  { storedCount, folder }: SectionOptions,
): Promise<string> {
  const answers = new Map<string, Awaited<ReturnType<typeof askOnce>>["ready"]>();
  for (const { scenario, next } of asked) {
    const request = next("program");
    const { operationId, name } = scenario;
    const { ready, text } = await askOnce(url, request, { scenario: name, operationId });
    const answer = { status: ready.status, body: text };
    const fault = answerFault(answer, scenario.expected(storedCount), request.echo);
    if (fault !== undefined) throw new Error(`the program answers ${name} wrongly: ${fault}`);
    answers.set(name, ready);
  }
  const file = join(folder, "answers.json");
  writeReadyAnswers(file, Object.fromEntries(answers));
  return file;
}

async function startBaseline(
  name: Exclude<Server, typeof program>,
  answers: string,
): Promise<ServedProcess> {
  const file = fileURLToPath(new URL(`processes/${name}.ts`, import.meta.url));
  return ServedProcess.start({ program: file, args: [answers] });
}

type IdleFigures = Pick<ProcessFigures, "idleCpuPercent" | "idleMemoryBytes">;

/** All at the same time: nobody is asked anything. */
async function idleFigures(
  servers: Servers,
  seconds: number,
): Promise<Readonly<Record<Server, IdleFigures>>> {
  const used = (): ReadonlyMap<Server, number> =>
    new Map(allServers.map((server) => [server, cpuMsOf(servers[server].pid)]));
  const before = used();
  const begun = performance.now();
  await sleep(seconds * 1_000);
  const tookMs = performance.now() - begun;
  const after = used();
  const figures = (server: Server): IdleFigures => ({
    idleCpuPercent: (100 * ((after.get(server) ?? NaN) - (before.get(server) ?? NaN))) / tookMs,
    idleMemoryBytes: memoryBytesOf(servers[server].pid),
  });
  return {
    program: figures("program"),
    nodeHttp: figures("nodeHttp"),
    express: figures("express"),
    fastify: figures("fastify"),
  };
}

async function measureRound(
  servers: Servers,
  asked: readonly Asked[],
  options: SectionOptions & { readonly round: number },
): Promise<void> {
  const { storedCount, background, round } = options;
  for (const { scenario, rounds, next } of asked) {
    const loads = new Map<Server, Load>();
    for (const server of inTurn(allServers, round)) {
      const load = await measureLoad({
        server: servers[server],
        scenario: scenario.name,
        next: () => next(server),
        expected: scenario.expected(storedCount),
        echoes: server === program,
        connections: options.connections,
        seconds: options.seconds,
        requestsMax: requestsMaxOf(scenario, server, options),
      });
      loads.set(server, load);
    }
    rounds.push(Object.fromEntries(loads) as Record<Server, Load>);
    if (scenario.beginsWork === true && background === "with") await settle(options);
  }
}

/** Another one first in each round, so that none always has the cooler machine. */
function inTurn(servers: readonly Server[], round: number): readonly Server[] {
  const first = round % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

/** `Infinity`: it ends by its time. */
function requestsMaxOf(scenario: Scenario, server: Server, options: SectionOptions): number {
  const { requestsMax = Infinity, replaceable, rounds, warmupSeconds, background } = options;
  if (server !== program) return requestsMax;
  const { usesUp, beginsWork } = scenario;
  const begun = beginsWork === true && background === "with" ? begunPerRound : Infinity;
  const shares = rounds + (warmupSeconds > 0 ? 1 : 0);
  // one is gone for the ready answer
  const share = usesUp === undefined ? Infinity : Math.floor((replaceable - 1) / shares);
  return Math.min(requestsMax, begun, share);
}

/** What a scenario has begun must not weigh on the next: waits until no more is done than the work in the background. */
async function settle({ on, installSeconds }: SectionOptions): Promise<void> {
  const most = 2 * installingAtOnce(installSeconds);
  await using open = await on.openStore();
  const begun = performance.now();
  while ((await countRunning(open.store, most)) >= most) {
    if (performance.now() - begun > settleMaxMs) {
      throw new Error(`more than ${most} operations still run after ${settleMaxMs / 1_000} s`);
    }
    await sleep(200);
  }
}

function processFigures(server: ServedProcess, idle: IdleFigures, refused: number): ProcessFigures {
  const { errors, first } = server.told;
  const firstLogError = first === "" && refused > 0 ? "creates in the background failed" : first;
  return {
    startMs: server.startMs,
    ...idle,
    memoryPeakBytes: memoryPeakBytesOf(server.pid),
    logErrors: errors + refused,
    ...(firstLogError === "" ? {} : { firstLogError }),
  };
}
