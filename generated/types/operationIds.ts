// Generated from spec/ by `npm run generate`. Do not edit.
/** The operations of each api-version. */
export const operationIds = {
  "2019-12-31-preview": [
    "Operations_List",
    "OpenShiftClusters_ListBySubscription",
    "OperationResults_Get",
    "OperationStatuses_Get",
    "OpenShiftClusters_ListByResourceGroup",
    "OpenShiftClusters_Get",
    "OpenShiftClusters_CreateOrUpdate",
    "OpenShiftClusters_Update",
    "OpenShiftClusters_Delete",
    "OpenShiftClusters_GetCredentials",
    "OpenShiftClusters_ListCredentials",
  ],
  "2020-04-30": [
    "Operations_List",
    "OpenShiftClusters_ListBySubscription",
    "OperationResults_Get",
    "OperationStatuses_Get",
    "OpenShiftClusters_ListByResourceGroup",
    "OpenShiftClusters_Get",
    "OpenShiftClusters_CreateOrUpdate",
    "OpenShiftClusters_Update",
    "OpenShiftClusters_Delete",
    "OpenShiftClusters_ListCredentials",
  ],
} as const;

/** An api-version, as in the query. */
export type ApiVersionName = keyof typeof operationIds;

/** An operation of any api-version. */
export type OperationId = (typeof operationIds)[ApiVersionName][number];

/** An operation that ARM itself calls, apart from any api-version. */
export type ArmOperationId =
  | "Subscriptions_Put"
  | "Deployments_Preflight";

/** An operation of the operator's API. */
export type AdminOperationId =
  | "Clusters_List"
  | "Process_Get"
  | "Process_Drain"
  | "Process_Undrain"
  | "Subscriptions_Get"
  | "Operations_Get"
  | "Clusters_Get"
  | "Clusters_Redrive"
  | "Clusters_Retry";
