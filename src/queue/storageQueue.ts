/**
 * The queue on Azure Storage. A message is the base64 of its text, so that any text passes through XML, and never expires. It
 * must never ask again for what may have been carried out where that does harm: only `receive` is such a request, since a lost
 * answer leaves messages hidden that nobody has, and a second one would hide more.
 */
import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import {
  MessageLostError,
  messageBytesMax,
  receiveMax,
  type Queue,
  type QueueCallOptions,
  type ReceivedMessage,
} from "./queue.ts";
import { StorageQueueCall } from "./storageQueueCalls.ts";
import { isTrial, type StorageQueueConnection } from "./storageQueueConnection.ts";
import { StorageQueueFailure } from "./storageQueueFailure.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/ids.ts";

/** The longest that the service hides a message for. */
const hiddenMaxS = 7 * 24 * 3_600;
/** For `messageTimeToLive`; without it the service drops a message after a week. */
const neverExpires = -1;

export interface StorageQueueOptions {
  readonly connection: StorageQueueConnection;
  /** For limits and pauses. Visibility goes by the service's own clock. */
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each request that is made again, and why; it must not throw. */
  readonly onRetry?: (reason: "putOff" | "unanswered") => void;
}

export class StorageQueue implements Queue {
  readonly #client: QueueClient;
  readonly #options: StorageQueueOptions;

  constructor(options: StorageQueueOptions) {
    this.#client = options.connection.client;
    this.#options = options;
  }

  /** @param request.delayMs seven days at most; of a longer one that much. */
  async send(
    body: string,
    request: { readonly delayMs?: number } = {},
    options: QueueCallOptions = {},
  ): Promise<void> {
    const bytes = Buffer.byteLength(body);
    if (bytes > messageBytesMax) {
      throw new RangeError(`a message of ${bytes} bytes; ${messageBytesMax} is the most`);
    }
    const text = Buffer.from(body).toString("base64");
    const visibilityTimeout = wholeSeconds(request.delayMs ?? 0);
    // twice does no harm: whoever receives a message bears that
    await this.#call(options).repeat(async (abortSignal) =>
      this.#client.sendMessage(text, {
        messageTimeToLive: neverExpires,
        visibilityTimeout,
        abortSignal,
      }),
    );
  }

  /**
   * A trial message, which somebody who opened the queue could not remove any more, is nobody's: it is left out and hidden until it
   * expires. When the answer gets lost, what it held comes back after `visibilityMs`.
   *
   * @param request.visibilityMs from one second to seven days, the nearest of which is taken otherwise.
   */
  async receive(
    request: { readonly max: number; readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<readonly ReceivedMessage[]> {
    const { max, visibilityMs } = request;
    if (!Number.isSafeInteger(max) || max < 1 || max > receiveMax) {
      throw new RangeError(`${max} messages at once; from 1 to ${receiveMax} may be asked for`);
    }
    const visibilityTimeout = Math.max(1, wholeSeconds(visibilityMs));
    return this.#call(options).once(async (abortSignal) => {
      const { receivedMessageItems } = await this.#client.receiveMessages({
        numberOfMessages: max,
        visibilityTimeout,
        abortSignal,
      });
      return receivedMessageItems.filter(({ messageText }) => !isTrial(messageText)).map(received);
    });
  }

  /**
   * A request whose answer was lost is made again with the old receipt. If it was carried out, that receipt is void now, and
   * nobody can tell this from somebody else's receipt. It is a `MessageLostError` all the same: what holds is that the caller
   * has no valid receipt and will never get one. It stops counting on the message and lets lease and sweep decide, which
   * is right in both cases, while `QueueUnavailableError` would make it try the void receipt for as long as it works. The
   * message itself comes back, once what was asked for last has run out.
   */
  async extend(
    message: ReceivedMessage,
    request: { readonly visibilityMs: number },
    options: QueueCallOptions = {},
  ): Promise<ReceivedMessage> {
    const call = this.#call(options);
    const visibilityTimeout = wholeSeconds(request.visibilityMs);
    try {
      return await call.repeat(async (abortSignal) => {
        // without a text the service keeps the one it has
        const { popReceipt = "" } = await this.#client.updateMessage(
          message.id,
          message.popReceipt,
          undefined,
          visibilityTimeout,
          { abortSignal },
        );
        if (popReceipt === "") throw unreadable();
        return { ...message, popReceipt, hiddenMs: visibilityTimeout * 1_000 };
      });
    } catch (error) {
      if (!(error instanceof StorageQueueFailure)) throw error;
      throw lost(message, call);
    }
  }

  /**
   * A request whose answer was lost is made again. If the receipt is void then, the first one has removed the message, or somebody
   * else has it, and nobody can tell which. It is a `MessageLostError`, which is true of both: nothing is left for the
   * caller to do.
   */
  async complete(message: ReceivedMessage, options: QueueCallOptions = {}): Promise<void> {
    const call = this.#call(options);
    try {
      await call.repeat(async (abortSignal) =>
        this.#client.deleteMessage(message.id, message.popReceipt, { abortSignal }),
      );
    } catch (error) {
      if (!(error instanceof StorageQueueFailure)) throw error;
      throw lost(message, call);
    }
  }

  async depth(options: QueueCallOptions = {}): Promise<number> {
    return this.#call(options).repeat(async (abortSignal) => {
      const { approximateMessagesCount } = await this.#client.getProperties({ abortSignal });
      if (approximateMessagesCount === undefined) throw unreadable();
      return approximateMessagesCount;
    });
  }

  async ping(options: QueueCallOptions = {}): Promise<void> {
    await this.#call(options).repeat(async (abortSignal) =>
      this.#client.peekMessages({ numberOfMessages: 1, abortSignal }),
    );
  }

  #call({ signal }: QueueCallOptions): StorageQueueCall {
    const { clock, random, onRetry } = this.#options;
    return new StorageQueueCall({
      clock,
      random,
      ...(onRetry === undefined ? {} : { onRetry }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** Rounded up, so that a message never comes back before its time, except after the longest that the service knows. */
function wholeSeconds(durationMs: number): number {
  return Math.min(hiddenMaxS, Math.max(0, Math.ceil(durationMs / 1_000)));
}

/** @throws {StorageQueueFailure} when a member is missing: then nothing of the answer can be trusted. */
function received(item: DequeuedMessageItem): ReceivedMessage {
  const { messageId, popReceipt, dequeueCount, messageText } = item as Partial<DequeuedMessageItem>;
  if (
    messageId === undefined ||
    popReceipt === undefined ||
    messageText === undefined ||
    dequeueCount === undefined ||
    !Number.isSafeInteger(dequeueCount)
  ) {
    throw unreadable();
  }
  return { id: messageId, popReceipt, deliveries: dequeueCount, body: bodyOf(messageText) };
}

/**
 * What isn't base64 of a text was put there by somebody else. It is handed on as it is: whoever receives it sees that it is none of
 * ours and removes it, while an error here would keep back all that came with it.
 */
function bodyOf(text: string): string {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) return text;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return text;
  }
}

function unreadable(): StorageQueueFailure {
  return new StorageQueueFailure("unanswered", "the answer of Azure Storage is incomplete");
}

function lost({ id }: ReceivedMessage, { wasUnanswered }: StorageQueueCall): MessageLostError {
  return new MessageLostError(
    wasUnanswered
      ? `message ${id} was lost, or its receipt was used up by a request without an answer`
      : `message ${id} was lost`,
  );
}
