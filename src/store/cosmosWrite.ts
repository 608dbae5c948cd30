/**
 * Carries out one conditional write although answers may be lost. A write without an answer may have been carried out, or
 * may yet be; made again it would then fail on its own success. So before it is made again, and when it fails
 * afterwards, the items are looked at: each holds the nonce of its last write. What can't be told is not guessed.
 *
 * That a late first request and its repetition don't both take effect rests on their conditions: a replace or a delete holds
 * for one ETag, which no item has twice. A create alone would be made twice if somebody removed what the first one
 * made before the second one came. Only clusters are ever removed, and each is created together with the record of its
 * operation, which stays and tells.
 */
import type { CosmosCall } from "./cosmosCalls.ts";
import { unavailable } from "./cosmosCalls.ts";
import { CosmosFailure } from "./cosmosFailure.ts";
import { StoreConflictError, StoreOutcomeUnknownError, StoreUnavailableError } from "./store.ts";

/** What the items say about a write whose answer was lost. */
export type Standing<T> =
  /** It was carried out. */
  | { readonly state: "written"; readonly result: T }
  /** Surely not: something still is as it was before. */
  | { readonly state: "unwritten" }
  /** What it would create is absent: not carried out, or undone since. */
  | { readonly state: "absent" }
  /** Others have written since, over it or instead of it. */
  | { readonly state: "overwritten" };

export interface ConditionalWrite<T> {
  /** What it is about, for errors: no more than ids. */
  readonly subject: string;
  /** Makes the request once, as `CosmosCall.write`. */
  readonly send: () => Promise<T>;
  readonly look: () => Promise<Standing<T>>;
}

/**
 * @throws {StoreConflictError} nothing was written.
 * @throws {RangeError} it is too large: nothing was written.
 * @throws {StoreUnavailableError} nothing was written.
 * @throws {StoreOutcomeUnknownError}
 * @throws the signal's reason: nothing was written.
 */
export async function carryOut<T>(call: CosmosCall, write: ConditionalWrite<T>): Promise<T> {
  /** Whether a request is out of which nobody knows what became. */
  let inDoubt = false;
  for (;;) {
    let failure: CosmosFailure;
    try {
      return await write.send();
    } catch (error) {
      if (!(error instanceof CosmosFailure)) throw inDoubt ? unknownAfter(write, error) : error;
      failure = error;
    }
    if (failure.kind === "unanswered") inDoubt = true;
    try {
      const standing = await settle({ call, write, failure, inDoubt });
      if (standing !== undefined) return standing.result;
    } catch (error) {
      // an answer that settles it, or the end of the call's time
      if (!inDoubt || error instanceof StoreConflictError) throw error;
      throw unknownAfter(write, error);
    }
  }
}

/** @returns what was written after all; `undefined` when the write is to be made again. */
async function settle<T>(options: {
  readonly call: CosmosCall;
  readonly write: ConditionalWrite<T>;
  readonly failure: CosmosFailure;
  readonly inDoubt: boolean;
}): Promise<{ readonly result: T } | undefined> {
  const { call, write, failure, inDoubt } = options;
  switch (failure.kind) {
    case "tooLarge":
      throw new RangeError(`${write.subject} is too large for Cosmos DB`);
    case "refused":
      throw unavailable(failure);
    case "putOff":
      await call.pause(failure);
      return undefined;
    case "condition": {
      if (!inDoubt) throw conflict(write.subject);
      const standing = await write.look();
      if (standing.state === "written") return standing;
      if (standing.state === "unwritten") throw conflict(write.subject);
      throw outcomeUnknown(write.subject, failure);
    }
    case "unanswered": {
      await call.pause(failure);
      const standing = await write.look();
      if (standing.state === "written") return standing;
      if (standing.state === "overwritten") throw outcomeUnknown(write.subject, failure);
      return undefined;
    }
  }
}

function conflict(subject: string): StoreConflictError {
  return new StoreConflictError(`${subject} has changed, is there already or is gone`);
}

function unknownAfter({ subject }: { readonly subject: string }, error: unknown): Error {
  return error instanceof StoreOutcomeUnknownError ? error : outcomeUnknown(subject, error);
}

function outcomeUnknown(subject: string, cause: unknown): StoreOutcomeUnknownError {
  const reason = cause instanceof StoreUnavailableError ? cause.cause : cause;
  return new StoreOutcomeUnknownError(`nobody knows whether ${subject} was written`, {
    cause: reason,
  });
}
