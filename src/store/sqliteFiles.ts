/**
 * The files of an embedded database, from outside of SQLite: made for one user alone, and looked at again and again whether they
 * are still those that were opened, and whole. SQLite itself goes on with a file that has lost its name, and begins a file anew that
 * was emptied.
 *
 * Nothing here writes to a file that there was before, nor opens the main file of an open database: to close it would give up the
 * locks that this process has on it.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  statSync,
  type BigIntStats,
} from "node:fs";
import { dirname } from "node:path";
import type { StatementSync } from "node:sqlite";
import { messageOf, SqliteFileLostError, SqliteUnavailableError } from "./sqliteFailure.ts";
import { logBytesOf, logOf, pagesInLog } from "./sqliteLog.ts";

/** Beside a file that isn't longer SQLite takes the log for a leftover, and removes it with all that it holds. */
const emptyBytesMax = 1n;
/** How often a log that seems cut is looked at, should others write each time. */
const logLooksMax = 20;

/** A file as it was when it was opened. */
export interface OpenedFile {
  readonly path: string;
  readonly identity: string;
}

export class SqliteFiles {
  readonly #path: string;
  readonly #files: readonly OpenedFile[];
  readonly #statement: (sql: string) => StatementSync;
  /** Of the main file, when it was looked at last. */
  #sizeBytes = 0n;

  /**
   * @param main as `makeDatabaseFile` found or made it.
   * @param statement prepares one for the connection that has the files open, and that has had a transaction: the first one
   * makes the others, which are there for as long as anybody has the database open.
   */
  constructor(main: OpenedFile, statement: (sql: string) => StatementSync) {
    this.#path = main.path;
    this.#files = [main, fileAt(logOf(main.path)), fileAt(`${main.path}-shm`)];
    this.#statement = statement;
  }

  /**
   * @throws {SqliteFileLostError} when what is written would belong to no name any more, or the files were cut.
   * @throws {SqliteUnavailableError} when nobody can tell.
   * @throws what SQLite says when it can't tell.
   */
  assertInPlace(): void {
    // before the log is looked at, since others may append to it in between
    const committedBytes = this.#committedLogBytes();
    for (const file of this.#files) {
      const sizeBytes = this.#sizeInPlace(file);
      if (file.path === this.#path) this.#assertWhole(sizeBytes);
      else if (file.path === logOf(this.#path) && sizeBytes < committedBytes) {
        this.#assertLogWhole(file);
      }
    }
  }

  /**
   * @returns how many bytes the file has.
   * @throws as `assertInPlace`.
   */
  #sizeInPlace({ path, identity }: OpenedFile): bigint {
    let found: BigIntStats | undefined;
    let cause: unknown;
    try {
      found = statSync(path, { bigint: true });
    } catch (error) {
      if (!isAbsence(error)) throw cannotBeLookedAt(path, error);
      cause = error;
    }
    if (found !== undefined && identityOf(found) === identity) return found.size;
    throw new SqliteFileLostError(
      `The database file ${path} was removed or replaced while the process ran; start it again, and should ` +
        "clusters be missing then, restore a backup.",
      { cause },
    );
  }

  /**
   * How many bytes the log has at the least: SQLite's processes tell each other how many frames are committed. Nothing is
   * read or written for it but memory that they share.
   */
  #committedLogBytes(): bigint {
    const frames = Number(this.#statement("PRAGMA wal_checkpoint(NOOP)").get()?.["log"]);
    // less while somebody else recovers it: then nobody can tell
    if (frames <= 0) return 0n;
    return logBytesOf(frames, this.#pragma("page_size"));
  }

  /**
   * For a log that seemed to lack frames. SQLite itself shortens one only after it was begun anew, which those who share it
   * are told before: by a checkpoint that truncates it, or after the next commit by the limit to its size. So if nobody has
   * committed or begun it anew while it was looked at, somebody else has cut it.
   *
   * @throws as `assertInPlace`.
   */
  #assertLogWhole(log: OpenedFile): void {
    for (let look = 0; look < logLooksMax; look += 1) {
      const version = this.#pragma("data_version");
      const committedBytes = this.#committedLogBytes();
      if (this.#sizeInPlace(log) >= committedBytes) return;
      if (this.#pragma("data_version") === version) {
        throw damagedFile(this.#path, "its log became shorter");
      }
    }
    throw cannotBeLookedAt(log.path, new Error("others write to it all the time"));
  }

  /**
   * A shorter file that was copied into this one, or one that was cut, lacks pages that are known to be there. One that isn't
   * shorter can't be told from what another process has written. Nor must a file be taken for damaged that somebody has
   * shortened by a VACUUM, and written to since: then pages stand in the log alone.
   *
   * @throws {SqliteFileLostError}
   * @throws what SQLite says when it can't tell.
   */
  #assertWhole(sizeBytes: bigint): void {
    if (sizeBytes <= emptyBytesMax) {
      const advice = emptyAdvice(this.#path);
      throw new SqliteFileLostError(`The database file ${this.#path} was emptied. ${advice}`);
    }
    // others may write between two looks at the same thing: what is missing is missing twice
    if (sizeBytes < this.#sizeBytes && this.#lacksPages() && this.#lacksPages()) {
      throw damagedFile(this.#path, "it became shorter");
    }
    this.#sizeBytes = sizeBytes;
  }

  /** Whether there is a page that stands neither in the file nor in its log. */
  #lacksPages(): boolean {
    const count = this.#pragma("page_count");
    const inLog = pagesInLog(logOf(this.#path)).pages;
    // looked at last: what a checkpoint takes from the log is in the file before
    const inFile = Math.floor(statSync(this.#path).size / this.#pragma("page_size"));
    for (let page = inFile + 1; page <= count; page += 1) if (!inLog.has(page)) return true;
    return false;
  }

  #pragma(name: string): number {
    return Number(this.#statement(`PRAGMA ${name}`).get()?.[name]);
  }
}

/**
 * Finds the file, or makes it with its folder.
 *
 * @param path absolute.
 * @throws {Error} when SQLite would remove a log that holds something; the message says what to do.
 */
export function makeDatabaseFile(path: string): OpenedFile {
  // before there is a file, if there was none
  assertLogBelongs(path);
  return makePrivateFile(path);
}

/** It is lost to this process. */
export function damagedFile(path: string, reason: string, cause?: unknown): SqliteFileLostError {
  return new SqliteFileLostError(
    `The database file ${path} is damaged (${reason}). ${restoringAdvice(path)}`,
    { cause },
  );
}

/** The file and folder hold what users entrust to us: nobody else on the machine may read them. */
function makePrivateFile(path: string): OpenedFile {
  makePrivateFolder(dirname(path));
  // SQLite gives its companion files the mode of this one
  const descriptor = openSync(path, "a", 0o600);
  try {
    return { path, identity: identityOf(fstatSync(descriptor, { bigint: true })) };
  } finally {
    closeSync(descriptor);
  }
}

/** Level by level: Node's own way never ends where a file system lets nobody make a folder, such as in /proc. */
function makePrivateFolder(path: string): void {
  if (existsSync(path)) return;
  makePrivateFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // another process was faster
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/**
 * SQLite flushes the first page of a new file before it writes to the log, and never empties the file again. So whenever
 * its maker was killed, a log that holds something beside a file that doesn't is what is left of a database whose file
 * somebody has emptied or removed.
 *
 * @throws {Error} when SQLite would remove a log that holds something.
 */
function assertLogBelongs(path: string): void {
  // in this order, as another process may just be making both
  if (sizeAt(logOf(path)) === 0n) return;
  const sizeBytes = sizeAt(path);
  if (sizeBytes > emptyBytesMax) return;
  throw new Error(`it is empty or gone, beside its log. ${emptyAdvice(path)}`);
}

/** In bytes; none where there is no file. */
function sizeAt(path: string): bigint {
  try {
    return statSync(path, { bigint: true }).size;
  } catch (error) {
    if (isAbsence(error)) return 0n;
    throw error;
  }
}

function fileAt(path: string): OpenedFile {
  return { path, identity: identityOf(statSync(path, { bigint: true })) };
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Such as a folder that this user may not enter for now: no reason to give the database up. */
function cannotBeLookedAt(path: string, cause: unknown): SqliteUnavailableError {
  const reason = `${path} cannot be looked at: ${messageOf(cause)}`;
  return new SqliteUnavailableError(`the database cannot serve: ${reason}`, { cause });
}

/** Of two files that exist at the same time no two have the same. */
function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** What remains of a log would be taken for the backup's. */
export function restoringAdvice(path: string): string {
  return `While nothing runs, restore a backup in its place, remove ${path}-wal and ${path}-shm, and start again.`;
}

/**
 * What to do about a file that is empty or gone beside its log. SQLite reads every page from a log that has them all, but
 * removes it beside an empty file: so the file is given a length.
 */
function emptyAdvice(path: string): string {
  const log = logOf(path);
  const backup = restoringAdvice(path);
  let isWhole = false;
  try {
    ({ isWhole } = pagesInLog(log));
  } catch {
    // gone as well, or nobody can tell
  }
  if (!isWhole) return `Its log doesn't hold all of it. ${backup}`;
  const command = `(umask 077; truncate -s 8192 ${path})`;
  return `Its log still holds all of it: while nothing runs, copy ${log} elsewhere, run "${command}", and start again.`;
}
