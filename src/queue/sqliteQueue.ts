/**
 * The queue on the embedded database, in the same file as the documents. It behaves as Azure Storage Queue does, so a
 * receipt stays good after its visibility has run out until somebody else receives the message. Never deletes a message
 * that was not completed.
 */
import {
  MessageLostError,
  messageBytesMax,
  QueueUnavailableError,
  receiveMax,
  type Queue,
  type QueueCallOptions,
  type ReceivedMessage,
} from "./queue.ts";
import type { Clock } from "../runtime/clock.ts";
import type { SqliteDatabase, SqliteTransaction } from "../store/sqliteDatabase.ts";
import { SqliteOutcomeUnknownError, SqliteUnavailableError } from "../store/sqliteFailure.ts";

/** How many messages one `receive` hides anew after the clock was set back. */
const hiddenAnewMax = 1_000;
/** Further than that nobody counts. */
const depthMax = 100_000;

export interface SqliteQueueOptions {
  readonly database: SqliteDatabase;
  /** Visibility goes by it. All processes on the file share the machine's. */
  readonly clock: Clock;
}

export class SqliteQueue implements Queue {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;

  constructor({ database, clock }: SqliteQueueOptions) {
    this.#database = database;
    this.#clock = clock;
  }

  async send(
    body: string,
    request: { readonly delayMs?: number } = {},
    options: QueueCallOptions = {},
  ): Promise<void> {
    const bytes = Buffer.byteLength(body);
    if (bytes > messageBytesMax) {
      throw new RangeError(`a message of ${bytes} bytes; ${messageBytesMax} is the most`);
    }
    await this.#write((transaction) => {
      const now = this.#clock.now();
      this.#database
        .statement(
          `INSERT INTO messages (id, visible_at, hidden_since, pop_receipt, deliveries, body)
           VALUES (?, ?, ?, ?, 0, ?)`,
        )
        .run(
          Number(transaction.nextUnique()),
          now + (request.delayMs ?? 0),
          now,
          Number(transaction.nextUnique()),
          body,
        );
    }, options);
  }

  async receive(
    request: { readonly max: number; readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<readonly ReceivedMessage[]> {
    const { max, visibilityMs } = request;
    if (!Number.isSafeInteger(max) || max < 1 || max > receiveMax) {
      throw new RangeError(`${max} messages at once; from 1 to ${receiveMax} may be asked for`);
    }
    // an empty queue is the common case, and must not cost a write
    const isWorthIt = await this.#read(
      () => this.#visible(1).length > 0 || this.#isAnyHiddenLater(),
      options,
    );
    if (!isWorthIt) return [];
    return this.#write((transaction) => {
      this.#hideAnew();
      return this.#visible(max).map((row) => this.#hide(row, visibilityMs, transaction));
    }, options);
  }

  async extend(
    message: ReceivedMessage,
    request: { readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<ReceivedMessage> {
    return this.#write((transaction) => {
      const popReceipt = transaction.nextUnique();
      const now = this.#clock.now();
      const { changes } = this.#database
        .statement(
          `UPDATE messages SET visible_at = ?, hidden_since = ?, pop_receipt = ?
           WHERE id = ? AND pop_receipt = ?`,
        )
        .run(now + request.visibilityMs, now, Number(popReceipt), message.id, message.popReceipt);
      if (changes !== 1) throw new MessageLostError(`message ${message.id} was lost`);
      return { ...message, popReceipt };
    }, options);
  }

  async complete(message: ReceivedMessage, options: QueueCallOptions = {}): Promise<void> {
    await this.#write(() => {
      const { changes } = this.#database
        .statement("DELETE FROM messages WHERE id = ? AND pop_receipt = ?")
        .run(message.id, message.popReceipt);
      if (changes !== 1) throw new MessageLostError(`message ${message.id} was lost`);
    }, options);
  }

  async depth(options: QueueCallOptions = {}): Promise<number> {
    const row = await this.#read(
      () =>
        this.#database
          .statement(`SELECT count(*) AS depth FROM (SELECT 1 FROM messages LIMIT ${depthMax})`)
          .get(),
      options,
    );
    return Number(row?.["depth"]);
  }

  async ping(options: QueueCallOptions = {}): Promise<void> {
    await this.#read(() => this.#visible(1), options);
  }

  /** Receipts grow, so that of those visible at the same time the one put back last comes last. */
  #visible(limit: number): readonly MessageRow[] {
    return this.#database
      .statement(
        `SELECT id, deliveries, body FROM messages WHERE visible_at <= ?
         ORDER BY visible_at, pop_receipt LIMIT ?`,
      )
      .all(this.#clock.now(), limit) as unknown as MessageRow[];
  }

  #hide(row: MessageRow, visibilityMs: number, transaction: SqliteTransaction): ReceivedMessage {
    const now = this.#clock.now();
    const popReceipt = transaction.nextUnique();
    const deliveries = row.deliveries + 1;
    this.#database
      .statement(
        `UPDATE messages SET visible_at = ?, hidden_since = ?, pop_receipt = ?, deliveries = ?
         WHERE id = ?`,
      )
      .run(now + visibilityMs, now, Number(popReceipt), deliveries, row.id);
    return { id: String(row.id), body: row.body, popReceipt, deliveries };
  }

  /** Whether a message was hidden at a time that is yet to come: then the clock was set back since. */
  #isAnyHiddenLater(): boolean {
    const later = this.#database.statement("SELECT 1 FROM messages WHERE hidden_since > ? LIMIT 1");
    return later.get(this.#clock.now()) !== undefined;
  }

  /** What was hidden before the clock was set back is hidden from now on, for as long as it was meant to be. */
  #hideAnew(): void {
    this.#database
      .statement(
        `UPDATE messages SET visible_at = ?1 + (visible_at - hidden_since), hidden_since = ?1
         WHERE id IN (SELECT id FROM messages WHERE hidden_since > ?1 LIMIT ${hiddenAnewMax})`,
      )
      .run(this.#clock.now());
  }

  async #read<T>(read: () => T, { signal }: QueueCallOptions): Promise<T> {
    try {
      return await this.#database.read(read, signal);
    } catch (error) {
      throw asQueueError(error);
    }
  }

  async #write<T>(
    write: (transaction: SqliteTransaction) => T,
    { signal }: QueueCallOptions,
  ): Promise<T> {
    try {
      return await this.#database.write(write, { signal });
    } catch (error) {
      throw asQueueError(error);
    }
  }
}

interface MessageRow {
  readonly id: number;
  readonly deliveries: number;
  readonly body: string;
}

function asQueueError(error: unknown): unknown {
  if (error instanceof SqliteUnavailableError || error instanceof SqliteOutcomeUnknownError) {
    return new QueueUnavailableError(error.message, { cause: error });
  }
  return error;
}
