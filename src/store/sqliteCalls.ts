/**
 * The calls of the store to the embedded database, whose failures become the store's own. It must not call twice: what failed may
 * have been written.
 */
import type { StatementSync } from "node:sqlite";
import type { SqliteDatabase, SqliteTransaction } from "./sqliteDatabase.ts";
import { SqliteOutcomeUnknownError, SqliteUnavailableError } from "./sqliteFailure.ts";
import { StoreOutcomeUnknownError, StoreUnavailableError, type CallOptions } from "./store.ts";

export class SqliteCalls {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** As `SqliteDatabase.statement`. */
  statement(sql: string): StatementSync {
    return this.#database.statement(sql);
  }

  /**
   * As `SqliteDatabase.read`.
   *
   * @throws {StoreUnavailableError}
   */
  async read<T>(read: () => T, { signal }: CallOptions): Promise<T> {
    try {
      return await this.#database.read(read, signal);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  /**
   * As `SqliteDatabase.write`.
   *
   * @throws {StoreUnavailableError}
   * @throws {StoreOutcomeUnknownError}
   */
  async write<T>(
    write: (transaction: SqliteTransaction) => T,
    { signal }: CallOptions,
    bytes = 0,
  ): Promise<T> {
    try {
      return await this.#database.write(write, { bytes, signal });
    } catch (error) {
      throw asStoreError(error);
    }
  }

  /** As `SqliteDatabase.probe`, with the errors of `write`. */
  async probe({ signal }: CallOptions): Promise<void> {
    try {
      await this.#database.probe(signal);
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

function asStoreError(error: unknown): unknown {
  if (error instanceof SqliteUnavailableError) {
    return new StoreUnavailableError(error.message, { cause: error });
  }
  if (error instanceof SqliteOutcomeUnknownError) {
    return new StoreOutcomeUnknownError(error.message, { cause: error });
  }
  return error;
}
