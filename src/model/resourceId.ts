/**
 * Names and ids of ARM: how a cluster's id is written, and how the keys of its document are derived. Case is kept for
 * display and folded for keys (ARM-02, ARM-04); folding happens here and nowhere else.
 */

export const providerNamespace = "RedHat.OpenShift";
export const clusterType = "OpenShiftClusters";
/** The `type` member of every cluster. */
export const clusterResourceType = `${providerNamespace}/${clusterType}`;

/** The parts of a cluster's URL in the caller's casing, percent-decoded. */
export interface ClusterName {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
}

/** Where a document is found: its partition and its id there, both lower-cased. */
export interface DocumentKey {
  readonly partition: string;
  readonly id: string;
}

/** Folds the case of an ARM name. Unicode letters are legal in resource group names (ARM-07). */
export function foldCase(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** The id of a cluster: a path, with the casing given (ARM-05). */
export function clusterResourceId(cluster: ClusterName): string {
  return (
    `/subscriptions/${cluster.subscriptionId}/resourceGroups/${cluster.resourceGroup}` +
    `/providers/${clusterResourceType}/${cluster.name}`
  );
}

/** The partition of everything that belongs to a subscription. */
export function subscriptionPartition(subscriptionId: string): string {
  return foldCase(subscriptionId);
}

/**
 * The key of a cluster's document. It is derived from the name, so that a GET is a point read. A document id may not
 * hold `/`, and neither group nor cluster names can hold `|`, so the id is unambiguous and sorts by group, then name.
 */
export function clusterKey(cluster: ClusterName): DocumentKey {
  return {
    partition: subscriptionPartition(cluster.subscriptionId),
    id: `${foldCase(cluster.resourceGroup)}|${foldCase(cluster.name)}`,
  };
}

/** The id prefix shared by all clusters of a resource group, and by no other group's (`rg` never shows `rg1`). */
export function resourceGroupPrefix(resourceGroup: string): string {
  return `${foldCase(resourceGroup)}|`;
}
