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
import { resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../runtime/clock.ts";
import {
  isBusy,
  isOfAccess,
  isOfDamage,
  isOfDisk,
  isOfMachine,
  messageOf,
  SqliteFileLostError,
  SqliteOpenError,
  SqliteOutcomeUnknownError,
  SqliteUnavailableError,
} from "./sqliteFailure.ts";
import {
  damagedFile,
  makeDatabaseFile,
  restoringAdvice,
  SqliteFiles,
  type OpenedFile,
} from "./sqliteFiles.ts";
import { assertSqliteVersion, migrate, setUp } from "./sqliteFormat.ts";
import { migrations, type Migration } from "./sqliteSchema.ts";

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
  /** Whether there was nothing in the file when this process opened it. */
  readonly isNew: boolean;
  /** How many migrations this release knows. */
  readonly #version: number;
  /** None in memory. */
  readonly #files: SqliteFiles | undefined;
  readonly #statements = new Map<string, StatementSync>();
  /** Waiting for the next group, in the order of arrival. */
  readonly #waiting = new Set<Job>();
  readonly #whenLost = new AbortController();
  #lost: SqliteFileLostError | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: {
    readonly connection: DatabaseSync;
    readonly path: string;
    readonly busyLimitMs: number;
    readonly version: number;
    readonly file: OpenedFile | undefined;
    readonly isNew: boolean;
  }) {
    this.#connection = options.connection;
    this.#path = options.path;
    this.#busyLimitMs = options.busyLimitMs;
    this.#version = options.version;
    const { file } = options;
    this.#files = file && new SqliteFiles(file, (sql) => this.statement(sql));
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
      const main = file === ":memory:" ? undefined : makeDatabaseFile(file);
      const opened = new DatabaseSync(file, { timeout: busyBlockMs });
      connection = opened;
      await untilNotBusy(busyLimitMs, () => assertSqliteVersion(opened));
      await untilNotBusy(busyLimitMs, () => setUp(opened, known));
      const isNew = await untilNotBusy(busyLimitMs, () => migrate(opened, known));
      // Else each job's savepoint copies the pages that it changes into a file. Only now, as a migration may sort much.
      opened.exec("PRAGMA temp_store = MEMORY");
      const version = known.length;
      const database = new SqliteDatabase({
        connection: opened,
        path: file,
        busyLimitMs,
        version,
        file: main,
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
        if (isOfDamage(error)) this.#loseDamaged(error);
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
      if (isOfDamage(error)) this.#loseDamaged(error);
    }
    if (this.#lost === undefined) this.#connection.close();
    else leftOpen.add(this.#connection);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new SqliteUnavailableError("the database is closed");
    if (this.#lost !== undefined) throw this.#lost;
  }

  /**
   * @throws as `SqliteFiles.assertInPlace`; what is lost stays so.
   */
  #assertInPlace(): void {
    if (this.#lost !== undefined) throw this.#lost;
    try {
      this.#files?.assertInPlace();
    } catch (error) {
      throw error instanceof SqliteFileLostError ? this.#lose(error) : error;
    }
  }

  /** @throws {SqliteFileLostError} when a newer release has changed the tables in a way that this one can't cope with. */
  #assertUsable(): void {
    if (this.#pragma("user_version") <= this.#version) return;
    throw this.#lose(
      new SqliteFileLostError(
        `A newer release has changed the database file ${this.#path} so that this one can't use it; start the newer one.`,
      ),
    );
  }

  #pragma(name: string): number {
    return Number(this.statement(`PRAGMA ${name}`).get()?.[name]);
  }

  /** From now on nothing is read or written. */
  #lose(reason: SqliteFileLostError): SqliteFileLostError {
    this.#lost ??= reason;
    this.#whenLost.abort();
    return this.#lost;
  }

  /** @param error what SQLite says of the damage. */
  #loseDamaged(error: unknown): SqliteFileLostError {
    return this.#lose(damagedFile(this.#path, messageOf(error), error));
  }

  /** Failures of the machine or the file become `SqliteUnavailableError`; what a caller threw stays what it is. */
  #asUnavailable(error: unknown): unknown {
    if (!isOfMachine(error)) return error;
    if (isOfDamage(error)) return this.#loseDamaged(error);
    return new SqliteUnavailableError(`the database cannot serve: ${messageOf(error)}`, {
      cause: error,
    });
  }

  /**
   * A full disk or a lock stops a commit before its last page is written. A failing disk may do so after: then a crash
   * before the next commit could still bring the transaction to light.
   */
  #afterFailedCommit(error: unknown): unknown {
    if (!isOfDisk(error)) return this.#asUnavailable(error);
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

/** Tries until no other process holds the lock, up to a limit. */
async function untilNotBusy<T>(limitMs: number, attempt: () => T): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += busyBlockMs + busyPauseMs) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || waitedMs >= limitMs) throw error;
    }
    await sleep(busyPauseMs);
  }
}

async function nextTurn(): Promise<void> {
  await new Promise((resume) => setImmediate(resume));
}

/** What to do about a failure of SQLite at the start, where that isn't plain. */
function openingAdvice(error: unknown, path: string): string {
  if (isOfDamage(error)) return `. If it was one of ours it is damaged. ${restoringAdvice(path)}`;
  if (isOfAccess(error)) return ". It and its folder must be such that this user may write them.";
  if (isOfDisk(error)) return ". Its disk may be full or failing.";
  return "";
}
