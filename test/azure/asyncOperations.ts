/**
 * What Azure Resource Manager goes on with after it has answered, and where a caller asks how it is getting on. It must never
 * end on its own: whoever began an operation says how it ended.
 */
import { randomUUID } from "node:crypto";
import { AzureError, type AzureAnswer, type AzureSurroundings } from "./azureService.ts";

interface Operation {
  ended?: { readonly error?: AzureError };
}

export class AsyncOperations {
  readonly #surroundings: AzureSurroundings;
  readonly #operations = new Map<string, Operation>();

  constructor(surroundings: AzureSurroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * Begins one in the background.
   *
   * @param work what it does; an `AzureError` that it throws is how the operation fails.
   * @returns the headers that tell the caller where to ask.
   */
  begin(subscriptionId: string, work: () => Promise<void>): Record<string, string> {
    const id = randomUUID();
    const operation: Operation = {};
    this.#operations.set(id, operation);
    void this.#run(operation, work);
    const place = `${this.#surroundings.url}/subscriptions/${subscriptionId}`;
    return {
      "azure-asyncoperation": `${place}/operations/${id}?api-version=2024-11-01`,
      location: `${place}/operationresults/${id}?api-version=2024-11-01`,
    };
  }

  /** Passes the time that something in Azure takes; ends at once, by throwing, when the stand-in stops. */
  async takeTime(): Promise<void> {
    await this.#surroundings.clock.sleep(
      this.#surroundings.operationMs,
      this.#surroundings.stopped,
    );
  }

  /** Answers for the addresses that `begin` gave out. */
  handle(path: string): AzureAnswer | undefined {
    const match = /^\/subscriptions\/[^/]+\/(operations|operationresults)\/([^/]+)$/i.exec(path);
    if (match?.[1] === undefined || match[2] === undefined) return undefined;
    const operation = this.#operations.get(match[2]);
    if (operation === undefined) {
      throw new AzureError(404, "NotFound", `The operation '${match[2]}' was not found.`);
    }
    const { ended } = operation;
    if (match[1].toLowerCase() === "operations") {
      return {
        status: 200,
        body: {
          id: path,
          name: match[2],
          status: ended === undefined ? "InProgress" : statusOf(ended),
          ...(ended?.error === undefined ? {} : { error: ended.error.error }),
        },
      };
    }
    if (ended === undefined) {
      return {
        status: 202,
        headers: { location: `${this.#surroundings.url}${path}?api-version=2024-11-01` },
      };
    }
    return ended.error?.answer() ?? { status: 200 };
  }

  async #run(operation: Operation, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      operation.ended = {};
    } catch (error) {
      if (this.#surroundings.stopped.aborted) return;
      operation.ended = {
        error:
          error instanceof AzureError
            ? error
            : new AzureError(500, "InternalServerError", String(error)),
      };
    }
  }
}

function statusOf(ended: { readonly error?: AzureError }): string {
  if (ended.error === undefined) return "Succeeded";
  return ended.error.code === "Canceled" ? "Canceled" : "Failed";
}
