/**
 * A folder for what a program reads and writes with secrets in it: nobody else may look into it, and it goes with everything in it
 * as soon as it isn't used any more. What a process that died has left is removed by the next one. It must never remove a folder
 * that a living process may still use.
 */
import { createHash } from "node:crypto";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import type { Clock } from "../../../runtime/clock.ts";
import type { AssetFiles } from "./assetArchive.ts";

const prefix = "openshift-rp-";
/** No program runs longer; what is older is nobody's, wherever its process was. */
export const usedMsMax = 2 * 60 * 60_000;

const filesMax = 500;
const fileBytesMax = 32 * 1024 * 1024;

export class PrivateFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param parent of all such folders. */
  static async make(parent: string): Promise<PrivateFolder> {
    const { place, pid, start } = await ownProcess();
    // only its owner may enter
    return new PrivateFolder(await mkdtemp(join(parent, `${prefix}${place}-${pid}-${start}-`)));
  }

  /** Writes a file that only its owner may read, and the folders above it. @returns its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }

  /** Makes a folder in it. @returns its path. */
  async makeFolder(name: string): Promise<string> {
    const path = join(this.path, name);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /**
   * Every file below a folder in it; a link is none.
   *
   * @throws {RangeError} when they are too many or too large.
   */
  async filesIn(name: string): Promise<AssetFiles> {
    const top = join(this.path, name);
    const files = new Map<string, Uint8Array>();
    let bytes = 0;
    for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      bytes += (await lstat(path)).size;
      if (bytes > fileBytesMax)
        throw new RangeError(`the files have more than ${fileBytesMax} bytes`);
      if (files.size >= filesMax) throw new RangeError(`there are more than ${filesMax} files`);
      files.set(relative(top, path).split(sep).join("/"), await readFile(path));
    }
    return files;
  }

  /** Removes it with everything in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removed(this.path);
  }
}

/**
 * Removes what processes that are gone have left.
 *
 * @returns how many.
 */
export async function sweepPrivateFolders(
  parent: string,
  clock: Pick<Clock, "now">,
): Promise<number> {
  const { place } = await ownProcess();
  let count = 0;
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    const owner = ownerOf(entry.name);
    if (owner === undefined || !entry.isDirectory()) continue;
    const path = join(parent, entry.name);
    const isLeft =
      owner.place === place
        ? (await processStart(owner.pid)) !== owner.start
        : await isOld(path, clock.now());
    if (!isLeft) continue;
    try {
      await removed(path);
      count += 1;
    } catch {
      // somebody else's
    }
  }
  return count;
}

interface OwnerProcess {
  /** Where its number means it: the same number elsewhere is another process. */
  readonly place: string;
  readonly pid: string;
  /** A number may be used again, and then has another start. */
  readonly start: string;
}

function ownerOf(name: string): OwnerProcess | undefined {
  const found = new RegExp(`^${prefix}([0-9a-f]{12})-(\\d+)-(\\d+)-`).exec(name);
  const [, place, pid, start] = found ?? [];
  if (place === undefined || pid === undefined || start === undefined) return undefined;
  return { place, pid, start };
}

async function ownProcess(): Promise<OwnerProcess> {
  const pid = String(process.pid);
  // containers number their processes each for itself, and may share a folder
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  const place = createHash("sha256").update(`${hostname()}\n${namespace}`).digest("hex");
  return { place: place.slice(0, 12), pid, start: (await processStart(pid)) ?? "0" };
}

/** `undefined` when there is no such process. Systems that don't tell the start say 0 for one that lives. */
async function processStart(pid: string): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // behind the name, which may hold anything, in ticks since the system's start
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return lives(Number(pid)) ? "0" : undefined;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function isOld(path: string, now: number): Promise<boolean> {
  try {
    return (await lstat(path)).mtimeMs < now - usedMsMax;
  } catch {
    return false;
  }
}

async function removed(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
