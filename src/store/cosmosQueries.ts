/**
 * The queries of the store on Cosmos DB. A query of one partition says so in its text as
 * well: the SDK's option alone is ignored by some servers, and would then give everybody's documents. Each names the members that it
 * brings: a document whole may hold secrets, as it does in items of earlier releases until they are written anew, and none may
 * leave the service for a list.
 */
import { listedMembers } from "../model/document.ts";
import { standingMembers } from "../model/clusterStanding.ts";

/** One page of a partition's clusters in the order of their ids; `after` is where the last page ended. */
export const clustersQuery =
  `SELECT c.id, ${documentMembers(listedMembers.filter((name) => name !== "id"))} FROM c ` +
  "WHERE c.subscriptionId = @partition AND c.kind = 'cluster' " +
  "AND c.id > @after AND STARTSWITH(c.id, @prefix) ORDER BY c.id";

/**
 * The ones over all partitions have no ORDER BY and no TOP, as the gateway answers such queries itself, with a continuation of
 * its own, where others take a plan and one request to each partition's server.
 */
export const unqueuedQuery =
  "SELECT c.id, c.subscriptionId, c._etag, c.scheduling, c.document.operation FROM c " +
  "WHERE c.kind = 'cluster' AND c.scheduling.unqueued = true";

export const unattendedQuery =
  "SELECT c.id, c.subscriptionId, c._etag, c.scheduling, c.document.operation FROM c " +
  "WHERE c.kind = 'cluster' AND c.scheduling.active = true AND c.scheduling.unqueued = false " +
  "AND (c.scheduling.nextAttemptAt < @now OR c.scheduling.nextAttemptAt > @farthest) " +
  "AND (c.scheduling.sweepAfter < @now OR c.scheduling.sweepAfter > @farthest)";

/** Its members are named one by one, so that no secret comes with them. */
export const runningQuery =
  "SELECT c.document.operation.kind AS kind, c.document.provisioningState AS state, " +
  "c.document.operation.startedAt AS startedAt FROM c " +
  "WHERE c.kind = 'cluster' AND c.scheduling.active = true";

/** Whole: subscriptions hold no secret, and whoever lists them writes them, with what newer releases put in. */
export const purgesQuery =
  "SELECT c.id, c.subscriptionId, c._etag, c.document FROM c " +
  "WHERE c.kind = 'subscription' AND c.scheduling.active = true " +
  "AND (c.scheduling.nextAttemptAt < @now OR c.scheduling.nextAttemptAt > @farthest)";

/**
 * For operators. It is projected to what they are shown, since a whole document holds secrets. What has succeeded is most of all
 * and is told by the index; so is one partition, should they ask for that.
 */
export function unsettledQuery(narrowed: {
  readonly toPartition: boolean;
  readonly toState: boolean;
}): string {
  return (
    `SELECT c.id, c.subscriptionId, ${documentMembers(standingMembers)} FROM c ` +
    `WHERE ${narrowed.toPartition ? "c.subscriptionId = @partition AND " : ""}c.kind = 'cluster' ` +
    "AND (c.scheduling.active = true OR c.document.provisioningState IN ('Failed', 'Canceled'))" +
    (narrowed.toState ? " AND c.document.provisioningState = @state" : "")
  );
}

/** As the list of a query; each is called by its own name in what comes. */
function documentMembers(names: readonly string[]): string {
  return names.map((name) => `c.document.${name}`).join(", ");
}

/** No index knows of keys, so it looks at all clusters: it is for those who rotate keys. */
export const notSealedByQuery =
  "SELECT c.id, c.subscriptionId, c.kind, c.secrets.keyId FROM c " +
  "WHERE c.kind IN ('cluster', 'key') " +
  "AND (NOT IS_DEFINED(c.secrets.keyId) OR c.secrets.keyId != @keyId)";
