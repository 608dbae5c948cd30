/**
 * Another try of an operation that failed, as a PUT of the cluster's owner would begin it. An operator may do so in every state of
 * the subscription, but for one that is deleted: what is to go there must not be built again.
 */
import { formatTraceparent } from "../../model/traceContext.ts";
import { runningState } from "../../model/provisioningState.ts";
import { RpError } from "../../model/rpError.ts";
import { shown } from "../../model/shownText.ts";
import { startAgain } from "../../model/startOperation.ts";
import { subscriptionKey } from "../../model/subscription.ts";
import type { ClusterDocument } from "../../model/document.ts";
import { changeCluster } from "../changeCluster.ts";
import type { AdminExchange, AdminHandler } from "../exchange.ts";
import { readDocument } from "../readDocument.ts";

export const retryCluster: AdminHandler = async (exchange) => {
  const { services, context } = exchange;
  const start = {
    operationId: services.ids.guid(),
    revision: services.ids.guid(),
    requestId: context.requestId,
    correlationId: context.correlationId,
    traceparent: formatTraceparent(context.span.context),
    now: services.clock.now(),
    location: services.location,
  };
  return changeCluster(exchange, async (stored) => {
    checkFailed(stored.document);
    if (stored.document.operation.kind !== "delete") {
      await checkSubscription(exchange, stored.document);
    }
    const { cluster, operation } = startAgain(stored.document, start);
    const { id: operationId, operationKind: kind } = operation;
    context.note({ resourceId: cluster.resourceId, operationId, operationKind: kind });
    return {
      writes: [{ replace: stored, document: cluster }, { create: operation }],
      mark: { operationId },
      answer: {
        status: 202,
        body: { operationId, kind, provisioningState: cluster.provisioningState },
      },
    };
  });
};

/** @throws {RpError} */
function checkFailed({ name, provisioningState, operation }: ClusterDocument): void {
  if (provisioningState !== "Failed") {
    throw new RpError({
      code: "Conflict",
      message:
        `The cluster '${shown(name)}' is ${shown(provisioningState)}, by the ${shown(operation.kind)} operation ` +
        `${shown(operation.id)}; only one that is Failed can be tried again.`,
    });
  }
  if (!Object.hasOwn(runningState, operation.kind)) {
    throw new RpError({
      code: "DocumentTooNew",
      message: "A newer release knows this kind of operation; ask a process of that one.",
    });
  }
}

/** @throws {RpError} */
async function checkSubscription(
  exchange: AdminExchange,
  { subscriptionId }: ClusterDocument,
): Promise<void> {
  const key = subscriptionKey(subscriptionId);
  const stored = await readDocument(exchange, "subscription", key);
  if (stored?.document.state !== "Deleted") return;
  throw new RpError({
    code: "InvalidSubscriptionState",
    message: "The subscription is Deleted: its clusters are being removed.",
  });
}
