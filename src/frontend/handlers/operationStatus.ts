/**
 * The status of an operation (ARM-80, ARM-81): 200 as long as it is known, whatever has become of it. It only reads the
 * record, which holds all that is needed, since the cluster may be gone.
 */
import type { OperationDocument } from "../../model/document.ts";
import { errorBody } from "../../listener/errorAnswer.ts";
import { parameter, type Handler } from "../exchange.ts";
import { operationPath, retryAfter } from "../operationLinks.ts";
import { readOperation } from "../readOperation.ts";

export const operationStatus: Handler = {
  right: "read",
  async handle(exchange) {
    const operation = await readOperation(exchange);
    return {
      status: 200,
      // without it az sleeps half a minute between polls (decision 12)
      headers: operation.status === "InProgress" ? retryAfter(exchange) : {},
      body: {
        id: operationPath("operationStatuses", {
          subscriptionId: parameter(exchange, "subscriptionId"),
          location: operation.location,
          operationId: operation.id,
        }),
        name: operation.id,
        status: operation.status,
        startTime: iso(operation.startedAt),
        ...(operation.endedAt === undefined ? {} : { endTime: iso(operation.endedAt) }),
        percentComplete: operation.percentComplete,
        ...errorOf(operation),
      },
    };
  },
};

function errorOf({ error }: OperationDocument): object {
  return error === undefined ? {} : errorBody(error);
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
