/**
 * Runs `openshift-install`. What it prints may hold secrets, and what it finds in its environment it may use or hand on: so it
 * gets an environment of its own with no credential of the resource provider's, and what it prints on errors is looked through for
 * a few known faults and then forgotten. When it has to stop, everything that it has started stops. What it prints while it has a
 * secret must never reach a log or an error.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { TerminalError, TransientError } from "../../../model/rpError.ts";
import { shown } from "../../../model/shownText.ts";
import { ownFault } from "../failures/ownFault.ts";
import { AssetsDamagedError, imageUrlOf } from "./clusterAssets.ts";
import { installFault } from "./installFault.ts";
import type { PrivateFolder } from "./privateFolder.ts";

/** The credentials of a cluster's own service principal, in the form of the program's file. */
export interface ProgramCredentials {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Of the program; the newer ones are expected to work like the last that was looked at. */
export const supportedVersions = { from: "4.12.0", below: "5.0.0" } as const;

const printedLinesMax = 3;
const outputBytesMax = 16 * 1024 * 1024;
/** Where the environment's PATH has nothing to say. */
const searchPath = "/usr/local/bin:/usr/bin:/bin";
/** In the private folder. */
const places = { home: "home", assets: "assets", credentials: "osServicePrincipal.json" } as const;

/**
 * The program can't be run as it is set up. The message is for the cluster's user, who can't help it; the cause says what its
 * operator has to do.
 */
export class InstallProgramUnusableError extends TransientError {
  override readonly name = "InstallProgramUnusableError";

  constructor(reason: string, options: { readonly cause?: unknown } = {}) {
    super(`The resource provider is not set up correctly for installations; ${ownFault}`, {
      cause: new Error(`OPENSHIFT_INSTALL: ${reason}`, options),
    });
  }
}

/** The program ended otherwise than it should, for a reason that may pass. */
export class InstallProgramFailedError extends TransientError {
  override readonly name = "InstallProgramFailedError";
}

/** For one cluster, in a private folder, whose owner removes it. */
export class InstallProgram {
  readonly #path: string;
  readonly #folder: PrivateFolder;
  readonly #signal: AbortSignal;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(options: {
    readonly path: string;
    readonly folder: PrivateFolder;
    readonly home: string;
    readonly credentials: string | undefined;
    readonly signal: AbortSignal;
  }) {
    const { path, folder, home, credentials, signal } = options;
    this.#path = path;
    this.#folder = folder;
    this.#signal = signal;
    this.#environment = {
      PATH: searchPath,
      HOME: home,
      TMPDIR: home,
      ...(credentials === undefined ? {} : { AZURE_AUTH_LOCATION: credentials }),
    };
  }

  /**
   * @param options.path of the program.
   * @param options.credentials may be left out for what works without a cluster: its version and images.
   */
  static async prepare(options: {
    readonly path: string;
    readonly folder: PrivateFolder;
    readonly credentials?: ProgramCredentials;
    readonly signal: AbortSignal;
  }): Promise<InstallProgram> {
    const { path, folder, credentials, signal } = options;
    await folder.makeFolder(places.assets);
    return new InstallProgram({
      path,
      folder,
      home: await folder.makeFolder(places.home),
      credentials:
        credentials === undefined
          ? undefined
          : await folder.write(places.credentials, JSON.stringify(credentials)),
      signal,
    });
  }

  /** The part of the private folder that it reads from and writes to. */
  get assets(): string {
    return places.assets;
  }

  /**
   * Its version, such as 4.16.27, once it is one that can make the cluster.
   *
   * @param asked the version that the cluster shall have; `undefined` for whichever it is.
   * @throws {TerminalError} when it makes clusters of another version.
   * @throws {InstallProgramUnusableError} when it can't be used for any.
   */
  async checkVersion(asked: string | undefined): Promise<string> {
    const version = versionIn(await this.#runUsable(["version"]));
    if (version === undefined) {
      throw new InstallProgramUnusableError(
        "the program does not say its version; is it the right one?",
      );
    }
    const { from, below } = supportedVersions;
    if (compareVersions(version, from) < 0 || compareVersions(version, below) >= 0) {
      throw new InstallProgramUnusableError(
        `the program is of version ${version}; set one from ${from} on and below ${below}`,
      );
    }
    if (asked !== undefined && asked !== version) {
      throw new TerminalError({
        code: "OpenShiftVersionNotAvailable",
        message: `OpenShift ${asked} can't be installed here, only ${version}. Delete the cluster and create it with that version, or with none.`,
      });
    }
    return version;
  }

  /**
   * What it prints about the images that its machines boot from, once it names one for machines in Azure.
   *
   * @throws {InstallProgramUnusableError}
   */
  async imageStream(): Promise<string> {
    const stream = await this.#runUsable(["coreos", "print-stream-json"]);
    try {
      imageUrlOf(stream);
    } catch (error) {
      if (!(error instanceof AssetsDamagedError)) throw error;
      throw new InstallProgramUnusableError("the program names no image for machines in Azure", {
        cause: error,
      });
    }
    return stream;
  }

  /**
   * Reads install-config.yaml, which goes, and writes what the cluster begins with.
   *
   * @throws {TerminalError} when it refuses the file.
   * @throws {InstallProgramFailedError}
   */
  async createManifests(): Promise<void> {
    await this.#create("manifests");
  }

  /**
   * Reads the manifests, which go, and writes what the machines begin with.
   *
   * @throws {InstallProgramFailedError}
   */
  async createIgnitionConfigs(): Promise<void> {
    await this.#create("ignition-configs");
  }

  async #create(what: string): Promise<void> {
    const assets = join(this.#folder.path, places.assets);
    await this.#run(["create", what], ["--dir", assets]);
  }

  /**
   * What works everywhere, whatever the cluster: if it fails, the program is not the right one. Why is in what it printed, which the
   * log gets as long as the program was given no secret.
   */
  async #runUsable(command: readonly string[]): Promise<string> {
    try {
      return await this.#run(command);
    } catch (error) {
      if (!(error instanceof InstallProgramFailedError)) throw error;
      const reason = `the program ${this.#path} does not work: ${error.message}`;
      throw new InstallProgramUnusableError(reason, { cause: error });
    }
  }

  /** @returns what it printed. */
  async #run(words: readonly string[], parameters: readonly string[] = []): Promise<string> {
    this.#signal.throwIfAborted();
    const child = spawn(this.#path, [...words, ...parameters], {
      cwd: this.#folder.path,
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
      // a process group of its own, so that what it starts can be stopped with it
      detached: true,
    });
    const command = words.join(" ");
    const { output, errors, end } = await ended(child, this.#signal);
    this.#signal.throwIfAborted();
    if (end instanceof Error) throw unusable(end);
    if (output === undefined || errors === undefined) {
      throw new InstallProgramFailedError(`openshift-install ${command} printed too much`);
    }
    if (end === "0") return output;
    const failed = `openshift-install ${command} ended with ${end}`;
    if (this.#environment["AZURE_AUTH_LOCATION"] === undefined) {
      throw new InstallProgramFailedError(`${failed}${printedBriefly(errors)}`);
    }
    throw installFault(errors) ?? new InstallProgramFailedError(failed);
  }
}

/** The first lines, on one. */
function printedBriefly(errors: string): string {
  const lines = errors.split("\n").map((line) => line.trim());
  const first = lines.filter((line) => line !== "").slice(0, printedLinesMax);
  return first.length === 0 ? "" : `; it printed: ${shown(first.join(" | "))}`;
}

/** How a program that could be started ended: its code or signal; otherwise why it could not. */
interface Ended {
  /** `undefined` when it was too much. */
  readonly output: string | undefined;
  readonly errors: string | undefined;
  readonly end: string | Error;
}

async function ended(child: ChildProcess, signal: AbortSignal): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<string | Error>();
  const stop = (): void => {
    killGroup(child);
    // who has left the group may still hold them
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const outputs = [child.stdout, child.stderr].map((stream) => {
    const pieces: Buffer[] = [];
    let length = 0;
    stream?.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length > outputBytesMax) stop();
      else pieces.push(piece);
    });
    return () => (length > outputBytesMax ? undefined : Buffer.concat(pieces).toString("utf8"));
  });
  child.on("error", resolve);
  // what it has started and left behind would hold its output open
  child.on("exit", () => killGroup(child));
  child.on("close", (code, killedBy) => resolve(code === null ? String(killedBy) : String(code)));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const end = await promise;
    const [output, errors] = outputs.map((text) => text());
    return { output, errors, end };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // nobody is left in it
  }
}

function unusable(error: Error): InstallProgramUnusableError {
  const { code } = error as NodeJS.ErrnoException;
  const reason =
    code === "ENOENT"
      ? "there is no such file, or not the program that it is run by"
      : code === "EACCES"
        ? "the file may not be run"
        : "the file can't be run";
  return new InstallProgramUnusableError(reason, { cause: error });
}

/** `{program} v4.16.27` and more lines. */
function versionIn(output: string): string | undefined {
  const [first = ""] = output.split("\n");
  return /\sv?((?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2})([-+][-.\w]*)?\s*$/.exec(first)?.[1];
}

/** Below 0 when `one` is the older. */
function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((text) => text.split(".").map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
