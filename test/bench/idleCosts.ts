/**
 * What the program costs while nobody asks anything, by how many clusters at rest are stored: all roles in one process, one process
 * for each size, side by side for the same time, so that whatever else the machine does meets all of them. What single looks at the
 * store take is told by the processes' own metrics. Embedded engine only: stand-ins look through all that they hold.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compileCache, ownProgram } from "./measureSection.ts";
import { cpuMsOf, memoryBytesOf } from "./processFigures.ts";
import { installOne, seedFolder } from "./seededFolder.ts";
import { ServedProcess } from "./servedProcess.ts";

/** What is asked of the store again and again, by the port's method. */
export const regularLooks = {
  listUnqueued: "for what is to be sent",
  listUnattended: "for what nobody looks after",
  listPurges: "for deleted subscriptions",
  listRunning: "for how much is under way",
  renewLease: "to keep the lease",
} as const;
export type RegularLook = keyof typeof regularLooks;

export interface IdleCosts {
  readonly stored: number;
  readonly startMs: number;
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly looks: Readonly<Record<RegularLook, LookFigures>>;
}

/** Of the time measured. */
export interface LookFigures {
  readonly count: number;
  /** `NaN` of none. */
  readonly meanMs: number;
}

/** What a start has left to do, and a first look of each kind. */
const settleMs = 5_000;

/**
 * @param folder an empty one, with room for all that is stored.
 * @param options.stored how many clusters, for each process.
 */
export async function measureIdle(
  folder: string,
  options: { readonly stored: readonly number[]; readonly seconds: number },
): Promise<readonly IdleCosts[]> {
  const folderOf = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  };
  const installed = await installOne(ownProgram, folderOf("installed"));
  await using stack = new AsyncDisposableStack();
  const processes: IdleProcess[] = [];
  for (const [index, stored] of options.stored.entries()) {
    // two of the same size tell how far figures lie apart by chance
    const seeded = folderOf(`process-${index}`);
    await seedFolder(seeded, installed, { stored });
    processes.push(stack.use(await IdleProcess.start(seeded, stored)));
  }
  await sleep(settleMs);
  const before = await Promise.all(processes.map(async (each) => each.now()));
  await sleep(options.seconds * 1_000);
  const after = await Promise.all(processes.map(async (each) => each.now()));
  return processes.map(({ stored, served }, index) => {
    const [begun, ended] = [before[index], after[index]];
    if (begun === undefined || ended === undefined) throw new Error("a process was not looked at");
    const { errors, first } = served.told;
    if (errors > 0) throw new Error(`the log has errors: ${first}`);
    return {
      stored,
      startMs: served.startMs,
      cpuPercent: (100 * (ended.cpuMs - begun.cpuMs)) / (ended.atMs - begun.atMs),
      memoryBytes: ended.memoryBytes,
      looks: looksBetween(begun.metrics, ended.metrics),
    };
  });
}

class IdleProcess implements AsyncDisposable {
  readonly stored: number;
  readonly served: ServedProcess;
  readonly #metricsUrl: string;

  private constructor(stored: number, served: ServedProcess, metricsUrl: string) {
    this.stored = stored;
    this.served = served;
    this.#metricsUrl = metricsUrl;
  }

  static async start(folder: string, stored: number): Promise<IdleProcess> {
    const { promise: admin, resolve } = Promise.withResolvers<string>();
    const served = await ServedProcess.start({
      program: ownProgram,
      settings: {
        PORT: "0",
        ADMIN_PORT: "0",
        DATA_DIR: folder,
        NODE_COMPILE_CACHE: compileCache,
      },
      onLine: (line) => {
        const { adminUrl } = JSON.parse(line) as { readonly adminUrl?: string };
        if (adminUrl !== undefined) resolve(adminUrl);
      },
    });
    return new IdleProcess(stored, served, `${await admin}/metrics`);
  }

  async now() {
    const metrics = await (await fetch(this.#metricsUrl)).text();
    const { pid } = this.served;
    const [cpuMs, memoryBytes] = [cpuMsOf(pid), memoryBytesOf(pid)];
    return { atMs: performance.now(), cpuMs, memoryBytes, metrics };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.served[Symbol.asyncDispose]();
  }
}

/** @param before and @param after as Prometheus reads them. */
export function looksBetween(before: string, after: string): IdleCosts["looks"] {
  const figures = (method: RegularLook): LookFigures => {
    const grown = (what: "count" | "sum"): number =>
      totalOf(after, method, what) - totalOf(before, method, what);
    const count = grown("count");
    return { count, meanMs: count === 0 ? Number.NaN : (1_000 * grown("sum")) / count };
  };
  return {
    listUnqueued: figures("listUnqueued"),
    listUnattended: figures("listUnattended"),
    listPurges: figures("listPurges"),
    listRunning: figures("listRunning"),
    renewLease: figures("renewLease"),
  };
}

/** Of all outcomes together; 0 while there is none. */
function totalOf(metrics: string, method: RegularLook, what: "count" | "sum"): number {
  let total = 0;
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`rp_store_call_duration_seconds_${what}{`)) continue;
    if (line.includes(`method="${method}"`)) total += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return total;
}

/** One line of the report for each size. */
export function idleLines(costs: readonly IdleCosts[]): readonly string[] {
  return costs.map(({ stored, startMs, cpuPercent, memoryBytes, looks }) => {
    const told = Object.entries(regularLooks).map(([method, why]) => {
      const { count, meanMs } = looks[method as RegularLook];
      return `${why} ${Number.isNaN(meanMs) ? "none" : `${meanMs.toFixed(2)} ms`} (${count} times)`;
    });
    return (
      `idle with ${stored} stored: ${cpuPercent.toFixed(2)} % of a processor, ${Math.round(memoryBytes / 2 ** 20)} MB, ` +
      `started in ${Math.round(startMs)} ms; looks ${told.join(", ")}`
    );
  });
}
