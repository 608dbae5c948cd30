/** Which handler serves which operation of the operator's API: one that is in `spec/admin/` and not here fails the type check. */
import type { AdminHandlers } from "./adminContract.ts";
import { listClusters } from "./handlers/listClusters.ts";
import { drainProcess, showProcess, undrainProcess } from "./handlers/process.ts";
import { redriveCluster } from "./handlers/redriveCluster.ts";
import { retryCluster } from "./handlers/retryCluster.ts";
import { showCluster, showOperation, showSubscription } from "./handlers/showDocuments.ts";

/** All handlers by operationId. */
export const adminOperations: AdminHandlers = {
  Clusters_List: listClusters,
  Clusters_Get: showCluster,
  Clusters_Retry: retryCluster,
  Clusters_Redrive: redriveCluster,
  Operations_Get: showOperation,
  Subscriptions_Get: showSubscription,
  Process_Get: showProcess,
  Process_Drain: drainProcess,
  Process_Undrain: undrainProcess,
};
