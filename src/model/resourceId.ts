/**
 * Names and ids of ARM: how a cluster's id is written, and how the keys of its document are derived. Case is kept for
 * display and folded for keys (ARM-02, ARM-04); folding happens here and nowhere else.
 */

export const providerNamespace = "RedHat.OpenShift";
export const clusterType = "OpenShiftClusters";
/** The `type` member of every cluster. */
export const clusterResourceType = `${providerNamespace}/${clusterType}`;

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** ARM-07: letters and digits of any script; not ending in a full stop. */
const resourceGroupName = /^[\p{L}\p{N}\-_().]{0,89}[\p{L}\p{N}\-_()]$/u;

/** Whether a text has the form 8-4-4-4-12, in any case. */
export function isGuid(text: string): boolean {
  return guid.test(text);
}

/** Whether ARM allows a resource group of this name. */
export function isResourceGroupName(name: string): boolean {
  return resourceGroupName.test(name);
}

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

/**
 * Folds the case of an ARM name. Unicode letters are legal in resource group names (ARM-07); they are folded one by one, by
 * their upper case, so that neither their place in the word (`σ`, `ς`) nor a language plays a part. Letters without a
 * counterpart of their own length (`ß`), and the two whose upper case is a plain Latin letter's, stay what they are. Keys
 * that are stored depend on it: it must never change.
 */
export function foldCase(name: string): string {
  // nearly every name, at a twentieth of the cost
  if (/^\p{ASCII}*$/u.test(name)) return name.toLowerCase();
  return Array.from(name.normalize("NFC"), foldLetter).join("");
}

const dotlessI = "\u0131";
const longS = "\u017f";

function foldLetter(letter: string): string {
  if (letter === dotlessI || letter === longS) return letter;
  const upper = letter.toUpperCase();
  const lower = (isOneLetter(upper) ? upper : letter).toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}

function isOneLetter(text: string): boolean {
  return text.length === String.fromCodePoint(text.codePointAt(0) ?? 0).length;
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
