/** The result of an operation (ARM-82, ARM-83): what the call would have answered had it been synchronous. */
import { errorCodes, type ErrorCodeRow } from "../../model/errorCodes.ts";
import { RpError } from "../../model/rpError.ts";
import { clusterAnswer } from "../clusterWrite.ts";
import { readCluster } from "../commitCluster.ts";
import { errorBody } from "../../listener/errorAnswer.ts";
import { parameter, type Handler } from "../exchange.ts";
import { acceptedHeaders } from "../operationLinks.ts";
import { readOperation } from "../readOperation.ts";

export const operationResult: Handler = {
  right: "read",
  async handle(exchange) {
    const operation = await readOperation(exchange);
    switch (operation.status) {
      case "InProgress":
        return { status: 202, headers: acceptedHeaders(operation, exchange) };
      case "Failed":
      case "Canceled": {
        const error = operation.error ?? {
          code: "InternalServerError" as const,
          message: "The operation failed for an unknown reason.",
        };
        // the code may be a newer release's
        const row = errorCodes[error.code] as ErrorCodeRow | undefined;
        const status = row?.status ?? 409;
        return { status, headers: { "x-ms-error-code": error.code }, body: errorBody(error) };
      }
      case "Succeeded": {
        if (operation.operationKind === "delete") return { status: 204 };
        const name = {
          subscriptionId: parameter(exchange, "subscriptionId"),
          resourceGroup: operation.resourceGroup,
          name: operation.name,
        };
        const stored = await readCluster(exchange, { name, openSecrets: false });
        // a cluster of the same name that was created since is not what this operation brought about
        const { incarnationId = stored?.document.incarnationId } = operation;
        if (stored !== undefined && stored.document.incarnationId === incarnationId) {
          return clusterAnswer(exchange, 200, stored.document);
        }
        throw new RpError({
          code: "ResourceNotFound",
          message: `The operation succeeded, but its cluster '${operation.name}' has been deleted since.`,
        });
      }
    }
  },
};
