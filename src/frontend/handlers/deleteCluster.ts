/**
 * DELETE of a cluster: wins in every state (ARM-65 to ARM-69). The commit that starts it also cancels the operation that
 * runs; its worker notices at its next write or heartbeat.
 */
import type { OperationDocument } from "../../model/document.ts";
import { isTerminal } from "../../model/provisioningState.ts";
import type { Create, Replace, Stored } from "../../store/store.ts";
import { newOperation, noteOperation } from "../clusterWrite.ts";
import { commitCluster, type Decide } from "../commitCluster.ts";
import type { Exchange, Handler } from "../exchange.ts";
import { acceptedHeaders } from "../operationLinks.ts";
import { checkPreconditions } from "../preconditions.ts";
import { refuseTooNew } from "../refuseTooNew.ts";
import { canceledByDelete, startDelete } from "../../model/startOperation.ts";

export const deleteCluster: Handler = {
  right: "delete",
  async handle(exchange) {
    const start = newOperation(exchange);
    const decide: Decide = async (stored) => {
      // even with If-Match (ARM-99)
      if (stored === undefined) return { status: 204 };
      const current = stored.document;
      checkPreconditions(exchange.context, current);
      if (current.provisioningState === "Deleting") {
        // joins the running deletion rather than starting a second one (ARM-69)
        return { status: 202, headers: acceptedHeaders(current.operation, exchange) };
      }
      const { cluster, operation } = startDelete(current, start);
      noteOperation(exchange, operation);
      const writes: (Create | Replace)[] = [
        { replace: stored, document: cluster },
        { create: operation },
      ];
      let onCommitted = (): void => {};
      if (!isTerminal(current.provisioningState)) {
        const running = await readRunning(exchange, current.operation.id, current.subscriptionId);
        if (running !== undefined) {
          writes.push({
            replace: running,
            document: canceledByDelete(running.document, start.now),
          });
          const { operationKind: kind } = running.document;
          onCommitted = () =>
            exchange.services.onEnded?.({ kind, outcome: "canceled", code: "OperationCanceled" });
        }
      }
      return {
        writes,
        mark: { operationId: operation.id },
        onCommitted,
        answer: { status: 202, headers: acceptedHeaders(operation, exchange) },
      };
    };
    return commitCluster(exchange, decide, { persistent: true, openSecrets: false });
  },
};

async function readRunning(
  { services, context }: Exchange,
  id: string,
  partition: string,
): Promise<Stored<OperationDocument> | undefined> {
  const running = await services.store.read(
    "operation",
    { partition, id },
    { signal: context.signal },
  );
  if (running !== undefined) refuseTooNew(running.document);
  return running?.document.status === "InProgress" ? running : undefined;
}
