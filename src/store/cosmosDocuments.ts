/**
 * The container of documents: reads of one item, transactional batches, and what the items say about a batch whose answer was lost.
 * It must neither repeat a write nor judge what a failure means for its caller: that is `carryOut`'s.
 */
import type { Container, OperationInput, OperationResponse } from "@azure/cosmos";
import { isETag, type Target } from "./cosmosBatch.ts";
import type { CosmosCall } from "./cosmosCalls.ts";
import {
  CosmosFailure,
  failedAnswer,
  requestUnitsOf,
  type AnswerHeaders,
} from "./cosmosFailure.ts";
import { itemIn, type CosmosItemRead } from "./cosmosItems.ts";
import type { Standing } from "./cosmosWrite.ts";
import type { ETag } from "./store.ts";

export class CosmosDocuments {
  readonly #container: Container;

  constructor(container: Container) {
    this.#container = container;
  }

  /**
   * One item, as it is; `undefined` when there is none.
   *
   * @throws {StoreUnavailableError}
   */
  async readItem(
    call: CosmosCall,
    partition: string,
    id: string,
  ): Promise<CosmosItemRead | undefined> {
    try {
      const { item } = await call.read(async (abortSignal) => {
        const answer = await this.#container
          .item(id, partition)
          .read<CosmosItemRead & { id: string }>({ abortSignal });
        return { item: itemIn(answer), requestCharge: answer.requestCharge };
      });
      return item;
    } catch (error) {
      if (error instanceof CosmosFailure && error.kind === "condition") return undefined;
      throw error;
    }
  }

  /**
   * In a batch alone can the service be told to send no content back.
   *
   * @returns the new ETag of each; `undefined` for a delete.
   */
  async sendBatch(
    call: CosmosCall,
    partition: string,
    operations: readonly OperationInput[],
  ): Promise<readonly (ETag | undefined)[]> {
    const { results } = await call.write(async (abortSignal) => {
      const answer = await this.#container.items.batch([...operations], partition, {
        abortSignal,
        contentResponseOnWriteEnabled: false,
      });
      const failed = answer.result?.find(
        ({ statusCode }) => statusCode >= 400 && statusCode !== failedDependency,
      );
      if (failed !== undefined) throw failedAnswer(failed.statusCode, headersOf(failed, answer));
      if (!isWhole(answer.result, operations)) {
        throw new CosmosFailure("unanswered", "Cosmos DB did not answer for each write of a batch");
      }
      return { results: answer.result, requestCharge: requestUnitsOf(answer.headers) };
    });
    return results.map(({ eTag }) => eTag as ETag | undefined);
  }

  /** What the items of a write without an answer say about it. It was one transaction: one of them is enough. */
  async look(
    call: CosmosCall,
    write: {
      readonly partition: string;
      readonly targets: readonly Target[];
      readonly writeId: string;
    },
  ): Promise<Standing<readonly (ETag | undefined)[]>> {
    const { partition, targets, writeId } = write;
    const found = await Promise.all(
      targets.map(async ({ id }) => this.readItem(call, partition, id)),
    );
    const looks = targets.map((target, index) => ({ target, item: found[index] }));
    if (looks.some(({ item }) => item?.writeId === writeId)) {
      const result = looks.map(({ target, item }) => {
        if (!target.leavesItem) return undefined;
        // somebody has written over it since: an ETag that nothing has says the same to whoever uses it
        return (item?.writeId === writeId ? item._etag : `"${writeId}"`) as ETag;
      });
      return { state: "written", result };
    }
    const isUntouched = looks.some(
      ({ target, item }) => target.replaces !== undefined && item?._etag === target.replaces,
    );
    if (isUntouched) return { state: "unwritten" };
    const isAbsent = looks.every(({ target, item }) => target.replaces === undefined && !item);
    return { state: isAbsent ? "absent" : "overwritten" };
  }
}

/** What the others of a batch are answered with when one has failed. */
const failedDependency = 424;

/** What a write of a batch is answered with, besides what the SDK's type says of it. */
interface BatchResult extends OperationResponse {
  readonly subStatusCode?: number;
  readonly retryAfterMilliseconds?: number;
}

/** As if the write had been a request of its own. */
function headersOf(
  { subStatusCode, retryAfterMilliseconds }: BatchResult,
  { headers }: { readonly headers?: AnswerHeaders },
): AnswerHeaders {
  return {
    ...headers,
    ...(subStatusCode !== undefined && { "x-ms-substatus": subStatusCode }),
    ...(retryAfterMilliseconds !== undefined && { "x-ms-retry-after-ms": retryAfterMilliseconds }),
  };
}

/** Whether each write of a batch has been carried out, and has the ETag that its item has now. */
function isWhole(
  results: readonly OperationResponse[] | undefined,
  operations: readonly OperationInput[],
): results is readonly OperationResponse[] {
  return (
    results?.length === operations.length &&
    results.every(
      ({ statusCode, eTag }, index) =>
        statusCode < 300 && (operations[index]?.operationType === "Delete" || isETag(eTag)),
    )
  );
}
