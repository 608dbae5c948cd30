/**
 * An operation that hangs is made due now. It is refused while a worker holds the cluster's lease: that worker is responsible, a
 * second message could do no more than wait for it, and it would write its own count of attempts over the one that was reset. Such
 * a lease runs out by itself once its worker has died.
 */
import { isTerminal } from "../../model/provisioningState.ts";
import { clusterLeaseName } from "../../model/leaseNames.ts";
import { redriven } from "../../model/redrive.ts";
import { RpError } from "../../model/rpError.ts";
import { shown } from "../../model/shownText.ts";
import type { ClusterDocument } from "../../model/document.ts";
import { changeCluster } from "../changeCluster.ts";
import type { AdminExchange, AdminHandler } from "../exchange.ts";

export const redriveCluster: AdminHandler = async (exchange) => {
  const { services, context } = exchange;
  const redrive = { now: services.clock.now(), writeId: services.ids.guid() };
  return changeCluster(exchange, async (stored) => {
    const { document } = stored;
    checkRuns(document);
    // a worker that takes the lease from here on changes the document by its claim, and this commit finds that out
    await checkUnheld(exchange, document);
    const { id: operationId, kind } = document.operation;
    context.note({ resourceId: document.resourceId, operationId, operationKind: kind });
    return {
      writes: [{ replace: stored, document: redriven(document, redrive) }],
      mark: { writeId: redrive.writeId },
      answer: {
        status: 202,
        body: { operationId, kind, provisioningState: document.provisioningState },
      },
    };
  });
};

/** @throws {RpError} */
function checkRuns({ name, provisioningState }: ClusterDocument): void {
  if (!isTerminal(provisioningState)) return;
  const advice = provisioningState === "Failed" ? "; retry begins the operation anew" : "";
  throw new RpError({
    code: "Conflict",
    message: `The cluster '${shown(name)}' is ${provisioningState}: no operation runs${advice}.`,
  });
}

/** @throws {RpError} */
async function checkUnheld(
  { services, context }: AdminExchange,
  { id, subscriptionId, name }: ClusterDocument,
): Promise<void> {
  const lease = clusterLeaseName({ partition: subscriptionId, id });
  const remainingMs = await services.store.leaseRemainingMs(lease, { signal: context.signal });
  if (remainingMs === undefined) return;
  const seconds = Math.max(1, Math.ceil(remainingMs / 1_000));
  throw new RpError(
    {
      code: "Conflict",
      message:
        `A worker holds the cluster '${shown(name)}' and works on it: its lease lasts ${seconds} s more, and goes on for as long ` +
        "as that worker lives. Should it hang rather than work, end its process.",
    },
    { retryAfterSeconds: seconds },
  );
}
