/**
 * A server as a process of its own: the real program, or one to compare it with. Its log is read as it comes, as a supervisor
 * would, and looked through for errors only.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ServedProcessOptions {
  /** The file that is run. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Its environment, and nothing else but `PATH`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told of each whole line of its standard output. */
  readonly onLine?: (line: string) => void;
}

/** All that run: none of them must outlive this process. */
const running = new Set<ChildProcess>();

/** Has the operating system end all that run; nothing can be waited for at the end of a process. */
function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

function endsWithThis(child: ChildProcess): void {
  // before anything else that is done at the end, such as to remove what they write to
  if (running.size === 0) process.prependListener("exit", endAll);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", endAll);
  });
}

const errorMark = '"level":"error"';

export class ServedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #errors = "";
  #errorLines = 0;

  /** Where it listens. */
  readonly url: string;
  /** From its start until it said so, in milliseconds. */
  readonly startMs: number;

  private constructor(child: ChildProcess, started: { url: string; startMs: number }) {
    this.#child = child;
    this.url = started.url;
    this.startMs = started.startMs;
    this.#ended = once(child, "exit");
    child.stdout?.on("data", (chunk: Buffer) => this.#look(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errorLines += 1;
      if (this.#errors === "") this.#errors = chunk.toString().slice(0, 2_000);
    });
  }

  /**
   * Starts it and waits for a line, as JSON, that tells its `url`.
   *
   * @throws {Error} when it ends before.
   */
  static async start(options: ServedProcessOptions): Promise<ServedProcess> {
    const { program, args = [], settings = {}, onLine } = options;
    const begun = performance.now();
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env["PATH"], ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    endsWithThis(child);
    if (onLine !== undefined) createInterface({ input: child.stdout }).on("line", onLine);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let told = "";
    const read = (chunk: Buffer): void => {
      told += chunk.toString();
      const url = /"url":"([^"]+)"/.exec(told)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}: ${told}`)));
    const url = await promise;
    const startMs = performance.now() - begun;
    for (const stream of [child.stdout, child.stderr]) stream.off("data", read);
    return new ServedProcess(child, { url, startMs });
  }

  /** @throws {Error} when it has ended, with what it said. */
  get pid(): number {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) return pid;
    throw new Error(
      `the server at ${this.url} has ended (${exitCode ?? signalCode}): ${this.#errors}`,
    );
  }

  /** How many errors it has told of, about, and the first. */
  get told(): { readonly errors: number; readonly first: string } {
    return { errors: this.#errorLines, first: this.#errors };
  }

  /** Asks it to end, or ends it, and waits until it has. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
  }

  #look(chunk: Buffer): void {
    const at = chunk.indexOf(errorMark);
    if (at < 0) return;
    this.#errorLines += 1;
    if (this.#errors !== "") return;
    const [line = ""] = chunk
      .subarray(chunk.lastIndexOf("\n", at) + 1)
      .toString()
      .split("\n");
    this.#errors = line.slice(0, 2_000);
  }
}
