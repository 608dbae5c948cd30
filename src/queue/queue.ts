/**
 * Port: a queue of short texts with a visibility timeout, written for Azure Storage Queue, kept by SQLite as well;
 * `test/queue/queueSuite.ts` says in tests what every adapter must do.
 *
 * Delivery is at least once and in no promised order: a message may come twice, and whoever receives it must bear
 * that. A message never expires by itself. Should the queue's clock be set back, what is hidden still comes back within the
 * time it was hidden for, from the next `receive` on.
 */

/** The most that a message may hold, in bytes of UTF-8 (the storage queue's limit before base64). */
export const messageBytesMax = 48 * 1024;

/** The most that one `receive` may ask for (the storage queue's limit). */
export const receiveMax = 32;

/** A message that was received and is invisible to others for a while. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  /**
   * Proof of the present receipt; every `extend` gives a new one and voids the old. It is good until somebody else
   * receives the message, even when its time has run out before. It counts with the id only: messages received together may
   * share one.
   */
  readonly popReceipt: string;
  /**
   * For how long the last `extend` has really hidden it, in milliseconds, where the queue rounds up; absent: as long as it was
   * asked to.
   */
  readonly hiddenMs?: number;
  /** How often it was delivered, this time included. For the log only: attempts are counted in the document. */
  readonly deliveries: number;
}

export interface QueueCallOptions {
  /** Gives up waiting, with the signal's reason; nothing is done if it was aborted before the call. */
  readonly signal?: AbortSignal;
}

export interface Queue {
  /**
   * Puts a message on the queue, visible after `delayMs`.
   *
   * @throws {RangeError} when the body is larger than `messageBytesMax`.
   * @throws {QueueUnavailableError} it may have been sent all the same.
   */
  send(
    body: string,
    request?: { readonly delayMs?: number },
    options?: QueueCallOptions,
  ): Promise<void>;

  /**
   * Takes up to `max` visible messages and hides them for `visibilityMs`. Never waits: an empty queue gives an empty
   * list.
   *
   * @throws {RangeError} when `max` is not a whole number from 1 to `receiveMax`.
   */
  receive(
    request: { readonly max: number; readonly visibilityMs: number },
    options?: QueueCallOptions,
  ): Promise<readonly ReceivedMessage[]>;

  /**
   * Hides a received message for `visibilityMs` from now: the heartbeat, and with another duration the put-back (0 makes
   * it visible at once).
   *
   * @returns the message with its new pop receipt.
   * @throws {MessageLostError} when somebody else has received, or completed, it since.
   */
  extend(
    message: ReceivedMessage,
    request: { readonly visibilityMs: number },
    options?: QueueCallOptions,
  ): Promise<ReceivedMessage>;

  /**
   * Removes a received message for good.
   *
   * @throws {MessageLostError} as above.
   */
  complete(message: ReceivedMessage, options?: QueueCallOptions): Promise<void>;

  /** About how many messages there are, those in hand included. */
  depth(options?: QueueCallOptions): Promise<number>;

  /** Whether the queue answers: resolves, or throws `QueueUnavailableError`. */
  ping(options?: QueueCallOptions): Promise<void>;
}

/** The pop receipt is no longer valid: the message is somebody else's, or gone. */
export class MessageLostError extends Error {
  override readonly name = "MessageLostError";
}

/** The queue cannot serve now. */
export class QueueUnavailableError extends Error {
  override readonly name = "QueueUnavailableError";
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}
