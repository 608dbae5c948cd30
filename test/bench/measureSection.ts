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
  before,
  perServer,
  program,
  scenarioFigures,
  serversOf,
  type Baseline,
  type PerServer,
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

/** The program of another checkout, on a copy of the same folder. */
export interface EarlierProgram {
  readonly file: string;
  readonly compileCache: string;
  readonly folder: string;
}

export interface SectionOptions extends BenchOptions {
  readonly storedCount: number;
  /** How many clusters there are that a replace may take. */
  readonly replaceable: number;
  readonly background: Background;
  /** Seeded; nothing runs on them. */
  readonly on: BenchEngines;
  /** Measured too. */
  readonly earlier?: EarlierProgram;
  /** For files of the measurement's own. */
  readonly folder: string;
  /** Told what is done. */
  readonly onProgress: (text: string) => void;
}

/** What begins with a round's writes in the background: enough to be measured, and soon over. */
const begunPerRound = 100;
/** How long what a round has begun may take to end. */
const settleMaxMs = 120_000;

type Servers = PerServer<ServedProcess>;

/** One scenario of this section, with what of it was asked so far. */
interface Asked {
  readonly scenario: Scenario;
  readonly rounds: PerServer<Load>[];
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
  const earlier = await startEarlier(options);
  if (earlier !== undefined) stack.use(earlier);
  const answers = await answersOf(own.url, asked, options);
  const servers: Servers = {
    program: own,
    ...(earlier === undefined ? {} : { before: earlier }),
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
  const processes = perServer(namesOf(servers), (server) =>
    processFigures(at(servers, server), at(idle, server), server === program ? refused : 0),
  );
  return {
    stored: storedCount,
    background,
    processes,
    scenarios: asked.map(({ scenario, rounds }) => scenarioFigures(scenario, rounds)),
  };
}

/** Those that are there, the program first. */
function namesOf(servers: Servers): readonly Server[] {
  return serversOf(before in servers);
}

/** @throws {TypeError} when it isn't there. */
function at<T>(of: PerServer<T>, server: Server): T {
  const found = of[server];
  if (found === undefined) throw new TypeError(`there is no ${server}`);
  return found;
}

async function startEarlier({ earlier }: SectionOptions): Promise<ServedProcess | undefined> {
  if (earlier === undefined) return undefined;
  const { file, compileCache: cache, folder } = earlier;
  return ServedProcess.start({
    program: file,
    settings: { PORT: "0", NODE_COMPILE_CACHE: cache, DATA_DIR: folder, ROLES: "frontend" },
  });
}

function askedOf(scenario: Scenario, stored: number): Asked {
  const counts = new Map<Server, number>();
  return {
    scenario,
    rounds: [],
    next: (server) => {
      const number = counts.get(server) ?? 0;
      counts.set(server, number + 1);
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

async function startBaseline(name: Baseline, answers: string): Promise<ServedProcess> {
  const file = fileURLToPath(new URL(`processes/${name}.ts`, import.meta.url));
  return ServedProcess.start({ program: file, args: [answers] });
}

type IdleFigures = Pick<ProcessFigures, "idleCpuPercent" | "idleMemoryBytes">;

/** All at the same time: nobody is asked anything. */
async function idleFigures(servers: Servers, seconds: number): Promise<PerServer<IdleFigures>> {
  const names = namesOf(servers);
  const used = (): PerServer<number> =>
    perServer(names, (server) => cpuMsOf(at(servers, server).pid));
  const usedBefore = used();
  const begun = performance.now();
  await sleep(seconds * 1_000);
  const tookMs = performance.now() - begun;
  const usedAfter = used();
  return perServer(names, (server) => ({
    idleCpuPercent: (100 * (at(usedAfter, server) - at(usedBefore, server))) / tookMs,
    idleMemoryBytes: memoryBytesOf(at(servers, server).pid),
  }));
}

async function measureRound(
  servers: Servers,
  asked: readonly Asked[],
  options: SectionOptions & { readonly round: number },
): Promise<void> {
  const { storedCount, background, round } = options;
  for (const { scenario, rounds, next } of asked) {
    const loads = new Map<Server, Load>();
    const names = namesOf(servers);
    for (const server of inTurn(names, round)) {
      const load = await measureLoad({
        server: at(servers, server),
        scenario: scenario.name,
        next: () => next(server),
        expected: scenario.expected(storedCount),
        echoes: isProgram(server),
        connections: options.connections,
        seconds: options.seconds,
        requestsMax: requestsMaxOf(scenario, server, options),
      });
      loads.set(server, load);
    }
    rounds.push(Object.fromEntries(loads) as unknown as PerServer<Load>);
    if (scenario.beginsWork === true && background === "with") await settle(options);
  }
}

/** Whether it does what it answers. */
function isProgram(server: Server): boolean {
  return server === program || server === before;
}

/** Another one first in each round, so that none always has the cooler machine. */
function inTurn(servers: readonly Server[], round: number): readonly Server[] {
  const first = round % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

/** `Infinity`: it ends by its time. */
function requestsMaxOf(scenario: Scenario, server: Server, options: SectionOptions): number {
  const { requestsMax = Infinity, replaceable, rounds, warmupSeconds, background } = options;
  if (!isProgram(server)) return requestsMax;
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
