/** What `npm run bench` is asked for on its command line, checked. */
import { enginesNames, type EnginesName } from "./benchEngines.ts";
import { BenchOptionsError, names, numbers, one, only, optionsIn } from "./optionValues.ts";

/** Whether operations run while the requests are answered. */
export type Background = (typeof backgrounds)[number];
const backgrounds = ["without", "with"] as const;

export interface BenchOptions {
  readonly engines: EnginesName;
  /** Names of scenarios, at least one. */
  readonly scenarios: readonly string[];
  /** Numbers of stored clusters, at least one. */
  readonly stored: readonly number[];
  readonly backgrounds: readonly Background[];
  /** How often everything is measured; the medians are shown. */
  readonly rounds: number;
  /** How long each server is asked in each round and scenario. */
  readonly seconds: number;
  /** Each of these ends after so many requests, if not by its time. */
  readonly requestsMax?: number;
  /** A look whether it works: no figure is to be relied on. */
  readonly quick: boolean;
  /** How long before the first round, not measured. */
  readonly warmupSeconds: number;
  /** How long nobody is asked anything, to see what a process uses then. */
  readonly idleSeconds: number;
  /** How long an installation takes beside a measurement. */
  readonly installSeconds: number;
  readonly connections: number;
  /** Another checkout, whose program is measured too. */
  readonly before?: string;
  readonly json: boolean;
  readonly help: boolean;
}

/** The stand-ins look through all that they hold for each list, so they are asked less. */
const azureScenarios: readonly string[] = ["get", "list", "patch-tags", "create"];

export const usage = `npm run bench -- [options]
  --engines E         embedded (default), or azure: on stand-ins in memory, Cosmos DB over https
  --scenarios A,B     only these (all by default; on azure ${azureScenarios.join(",")})
  --stored N,M        numbers of stored clusters (default 100,10000,100000; on azure 100)
  --background B      without, with, or both as "without,with" (default; on azure without)
  --rounds N          how often everything is measured; medians are shown (default 3)
  --seconds S         of each scenario, server and round (default 2)
  --connections C     callers at once (default 10); with 50, writes share more of their commits
  --before FOLDER     another checkout with its libraries: its program is measured too, in the same rounds, on the same clusters;
                      on the embedded engine, without work in the background
  --quick             a look whether it works: 100 clusters, one round of twenty requests, no figures to rely on
  --json              for machines; with npm's --silent nothing else is on standard output
  --help              shows this
`;

/** As many as there are connections by default, twice. */
const quickRequests = 20;

/**
 * @param known the names of all scenarios.
 * @throws {BenchOptionsError}
 */
export function readBenchOptions(args: readonly string[], known: readonly string[]): BenchOptions {
  const values = parsed(args);
  const { quick } = values;
  const engines = only("engines", names("engines", values.engines ?? "embedded", enginesNames));
  const isAzure = engines === "azure";
  if (values.before !== undefined && isAzure) {
    throw new BenchOptionsError("--before is for the embedded engine alone");
  }
  const seconds = numbers("seconds", values.seconds ?? (quick ? "30" : "2"), { least: 0.05 });
  const defaults = {
    scenarios: isAzure ? known.filter((name) => azureScenarios.includes(name)) : known,
    stored: quick || isAzure ? "100" : "100,10000,100000",
    background: isAzure || values.before !== undefined ? "without" : "without,with",
  };
  const asked = names("background", values.background ?? defaults.background, backgrounds);
  if (values.before !== undefined && asked.includes("with")) {
    throw new BenchOptionsError("--before is for --background without alone");
  }
  return {
    engines,
    scenarios:
      values.scenarios === undefined
        ? defaults.scenarios
        : names("scenarios", values.scenarios, known),
    stored: numbers("stored", values.stored ?? defaults.stored, { whole: true }),
    backgrounds: asked,
    rounds: one("rounds", values.rounds ?? (quick ? "1" : "3"), { whole: true }),
    seconds: only("seconds", seconds),
    ...(quick ? { requestsMax: quickRequests } : {}),
    quick,
    warmupSeconds: quick ? 0 : only("seconds", seconds) / 2,
    idleSeconds: quick ? 0.2 : 5,
    installSeconds: quick ? 0.5 : 5,
    connections: one("connections", values.connections ?? "10", { whole: true }),
    ...(values.before === undefined ? {} : { before: values.before }),
    json: values.json,
    help: values.help,
  };
}

function parsed(args: readonly string[]) {
  return optionsIn({
    args: [...args],
    options: {
      engines: { type: "string" },
      scenarios: { type: "string" },
      stored: { type: "string" },
      background: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      connections: { type: "string" },
      before: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
}
