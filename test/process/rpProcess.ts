/**
 * The real program as a process of its own, on a free port and a folder of its own, to be asked over HTTP, stopped by
 * signals, killed and started again.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { watch, watchDatabase } from "../leaks/leakWatch.ts";

/** The program of this checkout. */
export const ownProgram = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** Variables of the environment by name: the settings of a process. */
export type Environment = Readonly<Record<string, string>>;

/**
 * A folder that goes away with `using`. If it is a data folder, no secret may stand in its database.
 *
 * @param options.holdsSecrets as a release of before would leave it.
 */
export function temporaryFolder({ holdsSecrets = false } = {}): Disposable & {
  readonly path: string;
} {
  const path = mkdtempSync(join(tmpdir(), "rp-"));
  return {
    path,
    [Symbol.dispose]: () => {
      if (!holdsSecrets) watchDatabase(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/**
 * Settings under which a start takes half the time, for tests with many of them: Node keeps in this folder what it has
 * compiled, which it writes at a clean end.
 *
 * @param options.engines the variables that select those whose libraries are to be among it.
 */
export async function compiledIn(
  folder: string,
  options: { readonly program?: string; readonly engines?: Environment } = {},
): Promise<Environment> {
  const { program, engines = { DATA_DIR: join(folder, "none") } } = options;
  const settings = { NODE_COMPILE_CACHE: join(folder, "compiled") };
  const first = await RpProcess.start({ ...settings, ...engines }, program);
  first.kill("SIGTERM");
  await first.exit();
  return settings;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class RpProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<Exit>;
  readonly #ended: Promise<Exit>;
  readonly #lines: string[] = [];
  #errors = "";
  #watchers: (() => void)[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        resolve({ code, signal });
        this.#changed();
      });
    });
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        watch("a line of the log", line);
        this.#lines.push(line);
        this.#changed();
      });
    }
    child.stderr?.on("data", (chunk) => {
      this.#errors += String(chunk);
      watch("standard error", this.#errors);
    });
    killAfterTest(child);
  }

  /** Starts it, or the `main.ts` of another release, with these settings and no others. */
  static spawn(settings: Environment, program = ownProgram): RpProcess {
    return new RpProcess(
      spawn(process.execPath, [program], {
        env: { PATH: process.env["PATH"], ...settings },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  }

  /** Starts it and waits until it says that it runs. */
  static async start(settings: Environment, program?: string): Promise<RpProcess> {
    const started = RpProcess.spawn({ PORT: "0", ...settings }, program);
    await started.logged((record) => record["version"] !== undefined);
    return started;
  }

  /** The records of its log so far. */
  get log(): readonly Record<string, unknown>[] {
    return this.#lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** What it wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Where it listens. */
  get url(): string {
    return String(this.log.find((record) => record["url"] !== undefined)?.["url"]);
  }

  /** @throws {Error} when the process ends without such a record. */
  async logged(wanted: (record: Record<string, unknown>) => boolean): Promise<void> {
    let ended: Exit | undefined;
    void this.#exit.then((exit) => (ended = exit));
    while (!this.log.some(wanted)) {
      if (ended !== undefined) {
        throw new Error(
          `ended with ${JSON.stringify(ended)}: ${this.#errors}${this.#lines.join("\n")}`,
        );
      }
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Leaves its standard output unread from now on. */
  stopReading(): void {
    this.#child.stdout?.pause();
  }

  /** Reads on. */
  readOn(): void {
    this.#child.stdout?.resume();
  }

  /** Resolves when it has ended, whether or not its output was read. */
  async ended(): Promise<Exit> {
    return this.#ended;
  }

  /** Resolves when it has ended and all of its output was read. */
  async exit(): Promise<Exit> {
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    this.readOn();
    await this.#exit;
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}

/** A test that runs into its time limit never gets to the end of its scope; its process must not outlive it. */
function killAfterTest(child: ChildProcess): void {
  try {
    onTestFinished(() => void child.kill("SIGKILL"));
  } catch {
    // started for many tests, by a hook that ends it itself
  }
}
