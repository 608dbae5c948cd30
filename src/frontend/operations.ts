/**
 * Which handler serves which operation of the contract. An operation that is in `spec/` and not here fails the type check;
 * so does one that is here and no longer in `spec/`. Operations with one handler are one thing, asked for in several ways:
 * who asks in a way that an api-version lacks is told of another that it has.
 */
import type { ArmOperationId, OperationId } from "../../generated/types/operationIds.ts";
import type { ArmExchange, Handler } from "./exchange.ts";
import { clusterCredentials } from "./handlers/clusterCredentials.ts";
import { deleteCluster } from "./handlers/deleteCluster.ts";
import { getCluster } from "./handlers/getCluster.ts";
import { listClustersOfGroup, listClustersOfSubscription } from "./handlers/listClusters.ts";
import { operationResult } from "./handlers/operationResult.ts";
import { operationStatus } from "./handlers/operationStatus.ts";
import { patchCluster } from "./handlers/patchCluster.ts";
import { preflight } from "./handlers/preflight.ts";
import { providerOperations } from "./handlers/providerOperations.ts";
import { putCluster } from "./handlers/putCluster.ts";
import { putSubscription } from "./handlers/putSubscription.ts";

/** Of the api-versions. */
const versions = {
  OpenShiftClusters_Get: getCluster,
  OpenShiftClusters_CreateOrUpdate: putCluster,
  OpenShiftClusters_Update: patchCluster,
  OpenShiftClusters_Delete: deleteCluster,
  OpenShiftClusters_ListByResourceGroup: listClustersOfGroup,
  OpenShiftClusters_ListBySubscription: listClustersOfSubscription,
  OpenShiftClusters_ListCredentials: clusterCredentials,
  OpenShiftClusters_GetCredentials: clusterCredentials,
  OperationStatuses_Get: operationStatus,
  OperationResults_Get: operationResult,
  Operations_List: providerOperations,
} as const satisfies Readonly<Record<OperationId, Handler>>;

/** Of what ARM itself calls. */
const arm = {
  Subscriptions_Put: putSubscription,
  Deployments_Preflight: preflight,
} as const satisfies Readonly<Record<ArmOperationId, Handler<ArmExchange>>>;

/** All handlers by operationId. */
export const operations = { versions, arm };
