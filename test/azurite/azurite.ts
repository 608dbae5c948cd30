/**
 * Azurite, Microsoft's emulator of Azure Storage, as a process of its own: on a free port, in memory, without telemetry, with
 * a clock that the test turns or lets run. It is in this folder's own package, which `npm run test:tools` installs. No user's program
 * must ever run on it: what it has acknowledged it forgets when it dies.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { temporaryFolder } from "../process/rpProcess.ts";

const program = join(import.meta.dirname, "node_modules/azurite/dist/src/queue/main.js");
const turnedClock = join(import.meta.dirname, "processes/turnedClock.ts");

/** Of the emulator's only account, the same everywhere. */
export const azuriteAccount = {
  name: "devstoreaccount1",
  key: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
};

export class Azurite implements AsyncDisposable {
  /** Of its queues. */
  readonly endpoint: string;
  readonly #child: ChildProcess;
  readonly #folder: Disposable;

  private constructor(child: ChildProcess, folder: Disposable, address: string) {
    this.#child = child;
    this.#folder = folder;
    this.endpoint = `${address}/${azuriteAccount.name}`;
  }

  /** @throws {Error} with what it has said, when it doesn't come up. */
  static async start(): Promise<Azurite> {
    if (!existsSync(program)) {
      throw new Error("Azurite is not installed: run `npm run test:tools` first");
    }
    const folder = temporaryFolder();
    const options = ["--queueHost", "127.0.0.1", "--queuePort", "0"];
    const flags = ["--inMemoryPersistence", "--disableTelemetry", "--silent"];
    const child = spawn(
      process.execPath,
      ["--import", turnedClock, program, ...options, ...flags],
      { cwd: folder.path, stdio: ["ignore", "pipe", "pipe", "ipc"] },
    );
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("no output");
    let said = "";
    let address: string | undefined;
    stderr.on("data", (chunk) => (said += String(chunk)));
    for await (const line of createInterface({ input: stdout })) {
      said += `${line}\n`;
      address = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) break;
    }
    if (address === undefined) {
      folder[Symbol.dispose]();
      throw new Error(`Azurite did not start: ${said}`);
    }
    // what it says from now on is nobody's, and must not fill the pipe
    stdout.resume();
    return new Azurite(child, folder, address);
  }

  /** Lets time pass for it. */
  async advance(durationMs: number): Promise<void> {
    await this.#tell({ advanceMs: durationMs });
  }

  /** Lets its time pass with the machine's from now on, for processes that have no other clock. */
  async run(): Promise<void> {
    await this.#tell({ runs: true });
  }

  async #tell(message: object): Promise<void> {
    const turned = once(this.#child, "message");
    this.#child.send(message);
    await turned;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await ended;
    this.#folder[Symbol.dispose]();
  }
}
