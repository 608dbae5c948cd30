/**
 * Keys in a file: one a line, its name and its 32 bytes as base64; the first seals, all of them open. The file is of one user
 * alone, and is refused when others may read it, save for a group where that is said. A program that is given a file must never make it: only the embedded engine
 * makes its own, beside a database that has nothing sealed yet. No error may hold a piece of a key.
 */
import { createSecretKey } from "node:crypto";
import { link, lstat, open, readdir, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { KeySource } from "./keyRing.ts";
import { keyBytes, type SealingKey } from "./sealedSecrets.ts";

/** There are no keys to be had from the file; the message says which and why, for whoever runs the program. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** Thousands of keys. */
const fileBytesMax = 256 * 1024;
const lineForm = /^([A-Za-z0-9][A-Za-z0-9._-]{0,126})[ \t]+([A-Za-z0-9+/]{43}=)$/;
/** Any right of the group or of others. */
const foreignRights = 0o077;
/** The same but for reading by the group. */
const foreignRightsBesideGroup = 0o037;
/** As `makeKeyFile` calls a file until it is whole, behind the name of the file itself. */
const temporaryForm = /^\.key-[0-9a-f]{8}$/;

/** Whose the file may be. */
export interface KeyFileRights {
  /** Whether its group may read it: so does Kubernetes mount a Secret for a Pod with an `fsGroup`. */
  readonly groupMayRead?: boolean;
}

/** Reads the file each time. */
export function keyFileSource(path: string, rights: KeyFileRights = {}): KeySource {
  return {
    load: async () => {
      const keys = await readKeyFile(path, rights);
      if (keys === undefined) throw fault(path, "it isn't there");
      return keys;
    },
  };
}

/**
 * The keys in their order, at least one; `undefined` when there is no file.
 *
 * @throws {KeyFileError}
 */
export async function readKeyFile(
  path: string,
  rights: KeyFileRights = {},
): Promise<readonly SealingKey[] | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    throw fault(path, `it can't be opened (${code})`);
  }
  try {
    return keysFrom(await textOf(file, path, rights), path);
  } finally {
    await file.close();
  }
}

/**
 * Makes the file with one key, unless there is one: of several processes that do so at once, one is first. It is whole from
 * the moment that it has its name, and stays when the machine loses power.
 *
 * @param made a name that no other key has, and 32 bytes at random.
 * @throws {KeyFileError}
 */
export async function makeKeyFile(
  path: string,
  made: { readonly id: string; readonly bytes: Uint8Array },
): Promise<void> {
  const text = `${made.id} ${Buffer.from(made.bytes).toString("base64")}\n`;
  const temporary = `${path}.${made.id}`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    try {
      await link(temporary, path);
    } catch (error) {
      // another process was faster
      if (codeOf(error) !== "EEXIST") throw error;
    } finally {
      await unlinkIfThere(temporary);
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw fault(path, `it can't be made (${codeOf(error)})`);
  }
}

/**
 * Takes away other names of the file that a process has left which was killed while it made it: whoever copies a folder would copy
 * the key with them. One that another process is just making is another file, and stays.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)];
  try {
    const made = await lstat(path);
    for (const other of await readdir(folder)) {
      if (!other.startsWith(name) || !temporaryForm.test(other.slice(name.length))) continue;
      const leftover = join(folder, other);
      const { dev, ino } = await lstat(leftover);
      if (dev === made.dev && ino === made.ino) await unlinkIfThere(leftover);
    }
  } catch {
    // gone meanwhile, or not ours to remove: the key itself is as good as before
  }
}

/** Of several who remove it one is first. */
async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

async function textOf(
  file: FileHandle,
  path: string,
  { groupMayRead = false }: KeyFileRights,
): Promise<string> {
  const { mode, size, isFile } = await statOf(file);
  if (!isFile) throw fault(path, "it is no file");
  if ((mode & (groupMayRead ? foreignRightsBesideGroup : foreignRights)) !== 0) {
    throw fault(
      path,
      `others than its owner${groupMayRead ? " and its group's readers" : ""} have rights to it (mode ${(mode & 0o777).toString(8)}); run ` +
        `"chmod 600 ${path}", and take its keys for known to whoever could read it`,
    );
  }
  if (size > fileBytesMax) throw fault(path, `it has more than ${fileBytesMax} bytes`);
  try {
    return await file.readFile("utf8");
  } catch (error) {
    throw fault(path, `it can't be read (${codeOf(error)})`);
  }
}

/** Of what was opened, not of what has its name by now. */
async function statOf(file: FileHandle) {
  const stat = await file.stat();
  return { mode: stat.mode, size: stat.size, isFile: stat.isFile() };
}

function keysFrom(text: string, path: string): readonly SealingKey[] {
  const keys = new Map<string, SealingKey & { readonly line: number }>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, id, base64] = lineForm.exec(line) ?? [];
    const bytes = base64 === undefined ? undefined : Buffer.from(base64, "base64");
    if (id === undefined || bytes?.length !== keyBytes) {
      throw fault(
        path,
        `line ${index + 1} is not the name of a key and ${keyBytes} bytes in base64`,
      );
    }
    const earlier = keys.get(id);
    if (earlier !== undefined) {
      // what is sealed names the key that sealed it, which the older one may have done
      throw fault(
        path,
        `the keys in lines ${earlier.line} and ${index + 1} have the same name; rename the newer key`,
      );
    }
    keys.set(id, { id, key: createSecretKey(bytes), line: index + 1 });
  }
  if (keys.size === 0) throw fault(path, "it is empty");
  return [...keys.values()].map(({ id, key }) => ({ id, key }));
}

/** So that the name is kept as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function fault(path: string, reason: string): KeyFileError {
  return new KeyFileError(`the key file ${path} cannot be used: ${reason}`);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "an unknown reason";
}
