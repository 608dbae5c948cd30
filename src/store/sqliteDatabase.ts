/**
 * The embedded engine's file: opens it, keeps its tables up to date, and runs the writes of the store and the queue in
 * groups. What is handed in during one turn of the event loop is committed, and so flushed to the disk, together; each
 * caller's part stands in a savepoint of its own, and nobody is told of success before the commit.
 *
 * A database whose files were removed, replaced or damaged is lost to this process: what it wrote would go with it, and what
 * it read nobody else would know. The same holds once a newer release has changed the tables so that this one can't use them.
 * Once noticed that is final, and whoever runs the database is told by `untilLost`. What is lost is never written to again,
 * not even to close it.
 *
 * SQLite runs on the thread of the event loop. So a group is small, and a lock that another process holds is waited for
 * in short naps between which the loop turns. Nothing here knows what a document or a message is.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  statSync,
  type BigIntStats,
  existsSync,
  readFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../runtime/clock.ts";
import { applicationId, minimumVersion, migrations, type Migration } from "./sqliteSchema.ts";

/** Versions before it can corrupt a file that several connections write. */
const sqliteVersionMin = "3.51.3";
/** The most that SQLite itself waits for a lock, with the event loop standing still. */
const busyBlockMs = 25;
/** The pause after that, in which the event loop turns. */
const busyPauseMs = 25;
/** What one commit may hold: it bounds how long the event loop stands still. */
const groupJobsMax = 100;
const groupBytesMax = 1024 * 1024;
/** How often it is looked whether the files are in place while nothing is written. */
const placeCheckMs = 1_000;
/** More than fits into a page. */
const probeBytes = 32 * 1024;
/** Beside a file that isn't longer SQLite takes the log for a leftover, and removes it with all that it holds. */
const emptyBytesMax = 1n;
/** How often a log that seems cut is looked at, should others write each time. */
const logLooksMax = 20;

export interface SqliteDatabaseOptions {
  /** The file, made with its folder if there is none; `:memory:` for a database that ends with the process. */
  readonly path: string;
  /** How long a lock held by another process is waited for. */
  readonly busyLimitMs?: number;
  /** Those that this release knows. */
  readonly migrations?: readonly Migration[];
}

/** What a write may use besides its statements. */
export interface SqliteTransaction {
  /** A number, as text, that no other call on this file was or will be given. */
  nextUnique(): string;
}

/** The file cannot be opened; the message says which and why, for whoever runs the program. */
export class SqliteOpenError extends Error {
  override readonly name = "SqliteOpenError";
}

/** The database cannot serve now. Nothing was written. */
export class SqliteUnavailableError extends Error {
  override readonly name: string = "SqliteUnavailableError";
}

/**
 * Its files were removed, replaced or damaged, or belong to a newer release now: this process can't serve any more. The
 * message says which, and what to do. Nothing was written.
 */
export class SqliteFileLostError extends SqliteUnavailableError {
  override readonly name = "SqliteFileLostError";
}

/** Whether an error, or what caused it, is that the database was lost: whoever runs it tells of that. */
export function isOfLostFile(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof SqliteFileLostError || isOfLostFile(error.cause);
}

/** The disk failed during the commit: what it holds will be known after the next start. */
export class SqliteOutcomeUnknownError extends Error {
  override readonly name = "SqliteOutcomeUnknownError";
}

/** A file as it was when it was opened. */
interface OpenedFile {
  readonly path: string;
  readonly identity: string;
}

/**
 * What was lost is left open until the process has ended. To close it would be to write: SQLite would bring what it knows of
 * the write-ahead log into the file and remove the log by its name, with what others have written there since.
 */
const leftOpen = new Set<DatabaseSync>();

interface Job {
  readonly bytes: number;
  /** Runs it in the open transaction; what it gives back tells the caller of success. */
  readonly run: (transaction: SqliteTransaction) => () => void;
  readonly reject: (reason: unknown) => void;
}

export class SqliteDatabase implements AsyncDisposable {
  readonly #connection: DatabaseSync;
  readonly #path: string;
  readonly #busyLimitMs: number;
  /** How many migrations this release knows. */
  /** Whether there was nothing in the file when this process opened it. */
  readonly isNew: boolean;
  readonly #version: number;
  readonly #files: readonly OpenedFile[];
  readonly #statements = new Map<string, StatementSync>();
  /** Waiting for the next group, in the order of arrival. */
  readonly #waiting = new Set<Job>();
  readonly #whenLost = new AbortController();
  /** Of the main file, when it was looked at last. */
  #sizeBytes = 0n;
  #lost: SqliteFileLostError | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: {
    readonly connection: DatabaseSync;
    readonly path: string;
    readonly busyLimitMs: number;
    readonly version: number;
    readonly files: readonly OpenedFile[];
    readonly isNew: boolean;
  }) {
    this.#connection = options.connection;
    this.#path = options.path;
    this.#busyLimitMs = options.busyLimitMs;
    this.#version = options.version;
    this.#files = options.files;
    this.isNew = options.isNew;
  }

  /**
   * Opens the file, making or updating its tables. Any number of processes may do so at the same moment.
   *
   * @throws {SqliteOpenError}
   */
  static async open(options: SqliteDatabaseOptions): Promise<SqliteDatabase> {
    const { path, busyLimitMs = 5_000, migrations: known = migrations } = options;
    // absolute, because SQLite takes what begins with `file:` for a URI
    const file = path === ":memory:" ? path : resolve(path);
    let connection: DatabaseSync | undefined;
    try {
      // before there is a file, if there was none
      if (file !== ":memory:") assertLogBelongs(file);
      const files = file === ":memory:" ? [] : [makePrivateFile(file)];
      const opened = new DatabaseSync(file, { timeout: busyBlockMs });
      connection = opened;
      await untilNotBusy(busyLimitMs, () => assertSqliteVersion(opened));
      await untilNotBusy(busyLimitMs, () => setUp(opened, known));
      const isNew = await untilNotBusy(busyLimitMs, () => migrate(opened, known));
      // Else each job's savepoint copies the pages that it changes into a file. Only now, as a migration may sort much.
      opened.exec("PRAGMA temp_store = MEMORY");
      // made by the first transaction, and there for as long as anybody has the database open
      if (files.length > 0) files.push(fileAt(logOf(file)), fileAt(`${file}-shm`));
      const version = known.length;
      const database = new SqliteDatabase({
        connection: opened,
        path: file,
        busyLimitMs,
        version,
        files,
        isNew,
      });
      // somebody may have been at the files meanwhile
      database.#assertInPlace();
      return database;
    } catch (error) {
      // to close it would write the rest of its log into it, as with one that is lost later
      const isLost = error instanceof SqliteFileLostError || isOfDamage(error);
      if (connection !== undefined && isLost) leftOpen.add(connection);
      else connection?.close();
      const reason = `${messageOf(error)}${openingAdvice(error, file)}`;
      throw new SqliteOpenError(`the database ${file} cannot be opened: ${reason}`, {
        cause: error,
      });
    }
  }

  /** A prepared statement; the same text is prepared once. Those that write belong into `write`. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /**
   * Reads at once, without waiting for writes that are handed in but not committed.
   *
   * @param read may run more than once.
   * @throws {SqliteUnavailableError}
   * @throws the signal's reason, when it is aborted before the read.
   */
  async read<T>(read: () => T, signal?: AbortSignal): Promise<T> {
    const attempt = (): T => {
      signal?.throwIfAborted();
      this.#assertOpen();
      return read();
    };
    try {
      return await untilNotBusy(this.#busyLimitMs, attempt);
    } catch (error) {
      throw this.#asUnavailable(error);
    }
  }

  /**
   * Runs a write in the next group's transaction. If it throws, its own part is undone and nobody else's.
   *
   * @param write synchronous; runs once at most.
   * @param options.bytes about how much it writes; a group isn't filled beyond a limit.
   * @throws {SqliteUnavailableError} nothing was written.
   * @throws {SqliteOutcomeUnknownError}
   * @throws the signal's reason, when it is aborted before the write runs: nothing was written.
   */
  async write<T>(
    write: (transaction: SqliteTransaction) => T,
    options: { readonly bytes?: number; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const { bytes = 0, signal } = options;
    signal?.throwIfAborted();
    this.#assertOpen();
    const { promise, resolve: settle, reject } = Promise.withResolvers<T>();
    const job: Job = {
      bytes,
      run: (transaction) => {
        const result = write(transaction);
        return () => settle(result);
      },
      reject,
    };
    const abandon = (): void => {
      if (this.#waiting.delete(job)) reject(signal?.reason);
    };
    signal?.addEventListener("abort", abandon, { once: true });
    this.#waiting.add(job);
    this.#draining ??= this.#drain();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abandon);
    }
  }

  /**
   * Whether a write would be kept: commits one, and makes sure that the file can grow.
   *
   * @throws as `write`.
   */
  async probe(signal?: AbortSignal): Promise<void> {
    await this.write(
      (transaction) => {
        transaction.nextUnique();
        this.statement("SAVEPOINT probe").run();
        this.statement(`INSERT INTO probe (body) VALUES (zeroblob(${probeBytes}))`).run();
        this.statement("ROLLBACK TO probe").run();
        this.statement("RELEASE probe").run();
      },
      { signal },
    );
  }

  /**
   * Looks again and again whether the files are in their place and this release may use them, which a process that writes
   * nothing would never find out.
   *
   * @returns why no more is read or written, as soon as that is so; `undefined` when the signal is aborted before.
   */
  async untilLost(clock: Clock, signal: AbortSignal): Promise<SqliteFileLostError | undefined> {
    const over = AbortSignal.any([signal, this.#whenLost.signal]);
    for (;;) {
      try {
        this.#assertInPlace();
        this.#assertUsable();
      } catch (error) {
        // else it is lost, or will be looked at once more
        if (isOfDamage(error)) this.#loseDamaged(messageOf(error), error);
      }
      if (over.aborted) return this.#lost;
      try {
        await clock.sleep(placeCheckMs, over);
      } catch {
        // over
      }
    }
  }

  /** Commits what was handed in, refuses more, and closes the file. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#draining;
    try {
      this.#assertInPlace();
    } catch (error) {
      // else it is lost, or nobody can tell
      if (isOfDamage(error)) this.#loseDamaged(messageOf(error), error);
    }
    if (this.#lost === undefined) this.#connection.close();
    else leftOpen.add(this.#connection);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new SqliteUnavailableError("the database is closed");
    if (this.#lost !== undefined) throw this.#lost;
  }

  /**
   * @throws {SqliteUnavailableError} when what is written would belong to no name any more, or nobody can tell.
   * @throws what SQLite says, as `#assertWhole` and `#assertLogWhole`.
   */
  #assertInPlace(): void {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#files.length === 0) return;
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
   * @throws as `#assertInPlace`.
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
    throw this.#lose(
      `The database file ${path} was removed or replaced while the process ran; start it again, and should ` +
        "clusters be missing then, restore a backup.",
      cause,
    );
  }

  /**
   * How many bytes the log has at the least: SQLite's processes tell each other how many frames are committed. Nothing is
   * read or written for it but memory that they share.
   */
  #committedLogBytes(): bigint {
    const frames = Number(this.statement("PRAGMA wal_checkpoint(NOOP)").get()?.["log"]);
    // less while somebody else recovers it: then nobody can tell
    if (frames <= 0) return 0n;
    return BigInt(logHeaderBytes + frames * (frameHeaderBytes + this.#pragma("page_size")));
  }

  /**
   * For a log that seemed to lack frames. SQLite itself shortens one only after it was begun anew, which those who share it
   * are told before: by a checkpoint that truncates it, or after the next commit by the limit to its size. So if nobody has
   * committed or begun it anew while it was looked at, somebody else has cut it.
   *
   * @throws as `#assertInPlace`.
   */
  #assertLogWhole(log: OpenedFile): void {
    for (let look = 0; look < logLooksMax; look += 1) {
      const version = this.#pragma("data_version");
      const committedBytes = this.#committedLogBytes();
      if (this.#sizeInPlace(log) >= committedBytes) return;
      if (this.#pragma("data_version") === version) {
        throw this.#loseDamaged("its log became shorter", undefined);
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
      throw this.#lose(`The database file ${this.#path} was emptied. ${advice}`, undefined);
    }
    // others may write between two looks at the same thing: what is missing is missing twice
    if (sizeBytes < this.#sizeBytes && this.#lacksPages() && this.#lacksPages()) {
      throw this.#loseDamaged("it became shorter", undefined);
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

  /** @throws {SqliteFileLostError} when a newer release has changed the tables in a way that this one can't cope with. */
  #assertUsable(): void {
    if (this.#pragma("user_version") <= this.#version) return;
    throw this.#lose(
      `A newer release has changed the database file ${this.#path} so that this one can't use it; start the newer one.`,
      undefined,
    );
  }

  #pragma(name: string): number {
    return Number(this.statement(`PRAGMA ${name}`).get()?.[name]);
  }

  /** From now on nothing is read or written. */
  #lose(message: string, cause: unknown): SqliteFileLostError {
    this.#lost ??= new SqliteFileLostError(message, { cause });
    this.#whenLost.abort();
    return this.#lost;
  }

  #loseDamaged(reason: string, cause: unknown): SqliteFileLostError {
    const advice = restoringAdvice(this.#path);
    return this.#lose(`The database file ${this.#path} is damaged (${reason}). ${advice}`, cause);
  }

  /** Failures of the machine or the file become `SqliteUnavailableError`; what a caller threw stays what it is. */
  #asUnavailable(error: unknown): unknown {
    const code = resultCode(error);
    if (code === undefined || !unavailableCodes.includes(code)) return error;
    if (isOfDamage(error)) return this.#loseDamaged(messageOf(error), error);
    return new SqliteUnavailableError(`the database cannot serve: ${messageOf(error)}`, {
      cause: error,
    });
  }

  /**
   * A full disk or a lock stops a commit before its last page is written. A failing disk may do so after: then a crash
   * before the next commit could still bring the transaction to light.
   */
  #afterFailedCommit(error: unknown): unknown {
    if (resultCode(error) !== sqliteIoError) return this.#asUnavailable(error);
    return new SqliteOutcomeUnknownError(`the commit failed: ${messageOf(error)}`, {
      cause: error,
    });
  }

  /** Commits group after group, one per turn of the event loop. Never rejects. */
  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      await nextTurn();
      try {
        await untilNotBusy(this.#busyLimitMs, () => {
          this.#assertInPlace();
          this.statement("BEGIN IMMEDIATE").run();
          this.#runGroup(this.#takeGroup());
        });
      } catch (error) {
        for (const job of this.#takeGroup()) job.reject(this.#asUnavailable(error));
      }
    }
    this.#draining = undefined;
  }

  #takeGroup(): readonly Job[] {
    const group: Job[] = [];
    let bytes = 0;
    for (const job of this.#waiting) {
      bytes += job.bytes;
      if (group.length > 0 && (group.length >= groupJobsMax || bytes > groupBytesMax)) break;
      group.push(job);
      this.#waiting.delete(job);
    }
    return group;
  }

  /** Runs and commits in the transaction that was begun, then tells every caller. Never throws. */
  #runGroup(group: readonly Job[]): void {
    const settlements: (() => void)[] = [];
    let failure: unknown;
    try {
      this.#assertUsable();
      const unique = new UniqueNumbers(this);
      for (const job of group) settlements.push(this.#runJob(job, unique));
      unique.save();
    } catch (error) {
      failure = this.#asUnavailable(error);
    }
    if (failure === undefined) {
      try {
        this.statement("COMMIT").run();
      } catch (error) {
        failure = this.#afterFailedCommit(error);
      }
    }
    if (failure === undefined) {
      for (const settle of settlements) settle();
      return;
    }
    this.#rollBack();
    for (const job of group) job.reject(failure);
  }

  /** @throws when the whole transaction is lost, not this job alone. */
  #runJob(job: Job, transaction: SqliteTransaction): () => void {
    this.statement("SAVEPOINT job").run();
    try {
      const succeed = job.run(transaction);
      this.statement("RELEASE job").run();
      return succeed;
    } catch (error) {
      // after some failures of the disk SQLite rolls the transaction back by itself
      if (!this.#connection.isTransaction || isOfDamage(error)) throw error;
      this.statement("ROLLBACK TO job").run();
      this.statement("RELEASE job").run();
      return () => job.reject(this.#asUnavailable(error));
    }
  }

  #rollBack(): void {
    try {
      if (this.#connection.isTransaction) this.statement("ROLLBACK").run();
    } catch {
      // the next BEGIN will say what is wrong
    }
  }
}

/** Numbers that are never given twice on this file: read once and written once for a group. */
class UniqueNumbers implements SqliteTransaction {
  readonly #database: SqliteDatabase;
  #last: number | undefined;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  nextUnique(): string {
    this.#last ??= Number(this.#database.statement("SELECT last FROM sequence").get()?.["last"]);
    this.#last += 1;
    return String(this.#last);
  }

  save(): void {
    if (this.#last === undefined) return;
    this.#database.statement("UPDATE sequence SET last = ?").run(this.#last);
  }
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

/** SQLite's name for the write-ahead log of a file. */
function logOf(path: string): string {
  return `${path}-wal`;
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

function assertSqliteVersion(connection: DatabaseSync): void {
  const version = String(
    connection.prepare("SELECT sqlite_version() AS version").get()?.["version"],
  );
  if (version.localeCompare(sqliteVersionMin, "en", { numeric: true }) < 0) {
    throw new Error(`SQLite ${version} may corrupt it; ${sqliteVersionMin} is the least`);
  }
}

function setUp(connection: DatabaseSync, known: readonly Migration[]): void {
  // before anything that writes: a file that isn't ours must be left as it is
  inTransaction(connection, "BEGIN", () => fileVersion(connection, known));
  connection.exec("PRAGMA page_size = 8192");
  const mode = connection.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal" && mode !== "memory") {
    throw new Error("its file system has no shared memory, which a write-ahead log needs");
  }
  connection.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -65536;
    PRAGMA mmap_size = 0;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
  `);
}

/** @returns whether there was nothing in the file before. */
function migrate(connection: DatabaseSync, known: readonly Migration[]): boolean {
  const version = inTransaction(connection, "BEGIN", () => fileVersion(connection, known));
  if (version >= known.length) return false;
  return inTransaction(connection, "BEGIN IMMEDIATE", () => {
    // again, now that nobody else can be at it
    const present = fileVersion(connection, known);
    if (present >= known.length) return false;
    for (const { sql } of known.slice(present)) connection.exec(sql);
    connection.exec(`
      CREATE TABLE IF NOT EXISTS format (version INTEGER NOT NULL) STRICT;
      DELETE FROM format;
      INSERT INTO format VALUES (${known.length});
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${minimumVersion(known)};
    `);
    return present === 0;
  });
}

function inTransaction<T>(
  connection: DatabaseSync,
  begin: "BEGIN" | "BEGIN IMMEDIATE",
  run: () => T,
): T {
  connection.exec(begin);
  try {
    const result = run();
    connection.exec("COMMIT");
    return result;
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

/**
 * To be called in a transaction, since others may be making the file.
 *
 * @returns how many migrations the file has behind it, which may be more than are known.
 * @throws {Error} when it isn't ours, or a newer release has changed it in a way that needs knowing.
 */
function fileVersion(connection: DatabaseSync, known: readonly Migration[]): number {
  const numberOf = (sql: string): number =>
    Number(Object.values(connection.prepare(sql).get() ?? {})[0]);
  const hasTable = (condition: string): boolean =>
    connection.prepare(`SELECT 1 FROM sqlite_schema WHERE ${condition}`).get() !== undefined;
  const minimum = numberOf("PRAGMA user_version");
  const isOurs = numberOf("PRAGMA application_id") === applicationId;
  if (!isOurs && (minimum !== 0 || hasTable("true"))) {
    throw new Error("it is a database of another program");
  }
  if (minimum > known.length) {
    throw new Error(
      `a newer release wrote it (it takes format ${minimum}, this release knows ${known.length})`,
    );
  }
  // before there was that table both numbers were the same
  return hasTable("name = 'format'") ? numberOf("SELECT version FROM format") : minimum;
}

/** Tries until no other process holds the lock, up to a limit. */
async function untilNotBusy<T>(limitMs: number, attempt: () => T): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += busyBlockMs + busyPauseMs) {
    try {
      return attempt();
    } catch (error) {
      if (resultCode(error) !== sqliteBusy || waitedMs >= limitMs) throw error;
    }
    await sleep(busyPauseMs);
  }
}

interface LogContent {
  /** Their numbers, whether committed or not. */
  readonly pages: ReadonlySet<number>;
  /** Whether it holds a whole database: every page that it had at the last commit. */
  readonly isWhole: boolean;
}

/**
 * What stands in a write-ahead log (https://sqlite.org/fileformat2.html, section 4.1). Frames whose salts aren't the log's
 * are left over from before it began anew. No lock lies on a log, so it may be opened and closed beside SQLite, unlike the
 * main file.
 */
function pagesInLog(path: string): LogContent {
  const pages = new Set<number>();
  let isWhole = false;
  const log = readFileSync(path);
  if (log.length < logHeaderBytes) return { pages, isWhole };
  const pageSize = log.readUInt32BE(8);
  const salts = log.subarray(16, 24);
  const frameBytes = frameHeaderBytes + pageSize;
  for (let at = logHeaderBytes; at + frameBytes <= log.length; at += frameBytes) {
    if (!log.subarray(at + 8, at + 16).equals(salts)) break;
    pages.add(log.readUInt32BE(at));
    // only the last frame of a transaction says how many pages there are
    const count = log.readUInt32BE(at + 4);
    if (count > 0) isWhole = pages.size >= count && hasAllTo(count, pages);
  }
  return { pages, isWhole };
}

function hasAllTo(count: number, pages: ReadonlySet<number>): boolean {
  for (let page = 1; page <= count; page += 1) if (!pages.has(page)) return false;
  return true;
}

const logHeaderBytes = 32;
const frameHeaderBytes = 24;

async function nextTurn(): Promise<void> {
  await new Promise((resume) => setImmediate(resume));
}

const sqliteBusy = 5;
const sqliteReadOnly = 8;
const sqliteIoError = 10;
const sqliteCannotOpen = 14;
/** Result codes of a damaged file: corrupt, not a database. */
const damageCodes: readonly number[] = [11, 26];
/** Result codes that speak of the machine or the file, not of a defect of the program. */
const unavailableCodes: readonly number[] = [
  sqliteBusy,
  6, // locked
  7, // out of memory
  sqliteReadOnly,
  9, // interrupted
  sqliteIoError,
  13, // full
  sqliteCannotOpen,
  15, // locking protocol
  ...damageCodes,
];

/** SQLite's primary result code; `undefined` for any other error. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** Whether SQLite found the file itself damaged, not just one document in it. */
function isOfDamage(error: unknown): boolean {
  return damageCodes.includes(resultCode(error) ?? 0);
}

/** What remains of a log would be taken for the backup's. */
function restoringAdvice(path: string): string {
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

/** What to do about a failure of SQLite at the start, where that isn't plain. */
function openingAdvice(error: unknown, path: string): string {
  const code = resultCode(error);
  if (isOfDamage(error)) return `. If it was one of ours it is damaged. ${restoringAdvice(path)}`;
  if (code === sqliteReadOnly || code === sqliteCannotOpen) {
    return ". It and its folder must be such that this user may write them.";
  }
  if (code === sqliteIoError) return ". Its disk may be full or failing.";
  return "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
