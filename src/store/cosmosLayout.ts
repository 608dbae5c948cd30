/**
 * What the store finds in its account: names, partition keys, time to live. The program checks it when it opens the account,
 * and the tests hold the deployment's template against it. It must never do anything.
 */

/** A container as the store needs it. */
interface CosmosContainerLayout {
  readonly name: string;
  readonly partitionKey: string;
}

/** As in the deployment of the original. */
export const cosmosDatabase = "OpenShiftClusters";

/** Clusters, operations and subscriptions. */
export const documentsContainer: CosmosContainerLayout = {
  name: "OpenShiftClusterDocuments",
  partitionKey: "/subscriptionId",
};

/** Every lease for itself. */
export const leasesContainer: CosmosContainerLayout = { name: "Leases", partitionKey: "/id" };

/** On, without a default: otherwise the service ignores the time to live of items. */
export const containerDefaultTtl = -1;
