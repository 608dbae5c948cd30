/**
 * The options of `npm run fleet`, and the text that tells them. What would run for ever, or begin less than was asked for, is
 * refused. It must never run anything.
 */
import { parseArgs } from "node:util";
import type { FleetOptions } from "./fleetRun.ts";

/** What a number may be, and how that is told. */
const kinds = {
  count: [(value) => Number.isSafeInteger(value) && value >= 1, "a whole number from 1 on"],
  times: [(value) => Number.isSafeInteger(value) && value >= 0, "a whole number from 0 on"],
  amount: [(value) => Number.isFinite(value) && value >= 0, "a number from 0 on"],
  percent: [(value) => value >= 0 && value <= 100, "a number from 0 to 100"],
  limit: [(value) => value > 0, "a number above 0, or Infinity"],
} as const satisfies Readonly<
  Record<string, readonly [mayBe: (value: number) => boolean, told: string]>
>;

/** What is supposed where nothing else is said, what may be said, and what it means. */
const numbers = {
  instances: [50, "count", "processes"],
  clusters: [100_000, "count", "clusters at rest"],
  subscriptions: [1_000, "count", "subscriptions that they are divided among"],
  busyPercent: [0, "percent", "percent of the clusters that lie in one of these, the busy one"],
  rate: [50, "amount", "operations that begin in a second"],
  seconds: [120, "count", "for how long they do"],
  workers: [100, "count", "WORKERS of each process"],
  steps: [4, "times", "steps of an operation, besides the one that waits"],
  stepMs: [200, "amount", "what each holds its worker for"],
  waits: [3, "times", "how often the step that waits is begun again"],
  waitMs: [10_000, "amount", "after how long, AZURE_POLL_SECONDS"],
  storeMs: [6, "amount", "the median of a call of the store"],
  queueMs: [10, "amount", "the median of a call of the queue"],
  units: [Infinity, "limit", "request units a second of both containers"],
  messages: [2_000, "limit", "messages a second of the queue"],
  crashSeconds: [Infinity, "limit", "between two deaths of processes, in turn"],
  seed: [1, "count", "of everything that chance decides"],
} as const satisfies Readonly<
  Record<string, readonly [byDefault: number, kind: keyof typeof kinds, meaning: string]>
>;

type NumberName = keyof typeof numbers;
const names = Object.keys(numbers) as readonly NumberName[];

/** All options, with what each is by default. */
export function usage(): string {
  const lines = names.map((name) => {
    const [byDefault, , meaning] = numbers[name];
    return `  --${name.padEnd(14)} ${meaning} (${byDefault === Infinity ? "no limit" : byDefault})\n`;
  });
  return (
    `npm run fleet -- [options]\n${lines.join("")}` +
    "  --split          two processes forward, a fifth are frontends, the others backends\n" +
    "  --help           this text\n"
  );
}

/** As many as arrive at the most, however chance has it: six standard deviations above what is expected. */
function arrivalsMost(rate: number, seconds: number): number {
  const expected = rate * seconds;
  return Math.ceil(expected + 6 * Math.sqrt(expected));
}

/**
 * @returns "help" where that is asked for.
 * @throws {TypeError} of an option that is none; {RangeError} of a value that is none.
 */
export function fleetOptionsOf(args: readonly string[]): FleetOptions | "help" {
  const options: Record<string, { readonly type: "string" | "boolean" }> = {
    split: { type: "boolean" },
    help: { type: "boolean" },
  };
  for (const name of names) options[name] = { type: "string" };
  const { values: given } = parseArgs({ args: [...args], options });
  if (given["help"] === true) return "help";
  const of = (name: NumberName): number => {
    const [byDefault, kind] = numbers[name];
    const text = given[name];
    if (typeof text !== "string") return byDefault;
    const [mayBe, told] = kinds[kind];
    // of an empty text the number would be 0
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!mayBe(value)) throw new RangeError(`--${name} must be ${told}, not '${text}'`);
    return value;
  };
  const isSplit = given["split"] === true;
  const instances = of("instances");
  if (isSplit && instances < 4) throw new RangeError("--split needs 4 instances or more");
  const [clusters, rate, seconds] = [of("clusters"), of("rate"), of("seconds")];
  const most = arrivalsMost(rate, seconds);
  if (clusters < most) {
    throw new RangeError(
      `--clusters ${clusters} are too few: each operation needs a cluster of its own, and --rate ${rate} ` +
        `for --seconds ${seconds} may begin ${most}; raise --clusters to that, or lower one of the others`,
    );
  }
  return {
    seed: of("seed"),
    instances,
    clusters,
    subscriptions: of("subscriptions"),
    workers: of("workers"),
    seconds,
    busyPercent: of("busyPercent"),
    rate,
    steps: of("steps"),
    stepMs: of("stepMs"),
    waits: of("waits"),
    waitMs: of("waitMs"),
    storeMs: of("storeMs"),
    queueMs: of("queueMs"),
    unitsPerSecond: of("units"),
    messagesPerSecond: of("messages"),
    crashSeconds: of("crashSeconds"),
    split: isSplit,
  };
}
