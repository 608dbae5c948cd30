/** What `npm run bench:operations` is asked for on its command line, checked. */
import { enginesNames, type EnginesName } from "./benchEngines.ts";
import { BenchOptionsError, names, numbers, one, only, optionsIn } from "./optionValues.ts";

export interface OperationsOptions {
  readonly engines: EnginesName;
  /** How many are begun as fast as can be. */
  readonly operations: number;
  /** How many are under way at once while none may end; 0 leaves that out. */
  readonly inFlight: number;
  /** How often a worker is ended in the middle of a step, by each signal; 0 leaves that out. */
  readonly rounds: number;
  /** How many are begun one after the other, each on an idle process. */
  readonly beginnings: number;
  /** Numbers of stored clusters, one idle process for each; none leaves them out. */
  readonly stored: readonly number[];
  /** How long those are looked at. */
  readonly idleSeconds: number;
  readonly json: boolean;
  readonly help: boolean;
}

export const operationsUsage = `npm run bench:operations -- [options]
  --engines E         embedded (default), or azure: on stand-ins in memory, Cosmos DB over https
  --beginnings N      operations one after the other on an idle process (default 50)
  --operations N      operations by twenty callers at once (default 10000; on azure 200)
  --inFlight N        operations under way at once while none may end, 0 for none (default 10000; on azure 200)
  --rounds N          how often a worker is ended in the middle of a step, 0 for never (default 5; on azure 0)
  --stored N,M        idle processes, by stored clusters, or none (default 100,10000,100000; on azure none)
  --idleSeconds S     how long those are looked at (default 65)
  --json              for machines; with npm's --silent nothing else is on standard output
  --help              shows this
`;

/** The stand-ins look through all that they hold, and a worker that was killed is missed for a minute. */
const defaultsOf = {
  embedded: {
    operations: "10000",
    inFlight: "10000",
    rounds: "5",
    stored: "100,10000,100000",
  },
  azure: { operations: "200", inFlight: "200", rounds: "0", stored: "none" },
} as const;

const countOrNone = { whole: true, least: 0 } as const;

/** @throws {BenchOptionsError} */
export function readOperationsOptions(args: readonly string[]): OperationsOptions {
  const values = optionsIn({
    args: [...args],
    options: {
      engines: { type: "string", default: "embedded" },
      operations: { type: "string" },
      inFlight: { type: "string" },
      rounds: { type: "string" },
      beginnings: { type: "string", default: "50" },
      stored: { type: "string" },
      idleSeconds: { type: "string", default: "65" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const engines = only("engines", names("engines", values.engines, enginesNames));
  const defaults = defaultsOf[engines];
  const stored = values.stored ?? defaults.stored;
  if (engines === "azure" && stored !== "none") {
    throw new BenchOptionsError("--stored is for the embedded engine alone; on azure it is none");
  }
  return {
    engines,
    operations: one("operations", values.operations ?? defaults.operations, { whole: true }),
    inFlight: one("inFlight", values.inFlight ?? defaults.inFlight, countOrNone),
    rounds: one("rounds", values.rounds ?? defaults.rounds, countOrNone),
    beginnings: one("beginnings", values.beginnings, { whole: true }),
    stored: stored === "none" ? [] : numbers("stored", stored, countOrNone),
    idleSeconds: one("idleSeconds", values.idleSeconds, { least: 0.05 }),
    json: values.json,
    help: values.help,
  };
}
