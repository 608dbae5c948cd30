/**
 * Whether OpenShift can be installed for a domain: its first part is the cluster's name. The one rule for what a caller asks for and
 * for what an installer begins with. Pure.
 */

/** As `openshift-install` allows names of clusters; case doesn't count in a domain. */
const clusterName = /^[a-z]([-a-z0-9]{0,52}[a-z0-9])?$/i;

/** @returns what it must be like, to follow the domain and a colon; nothing when it is so. */
export function domainRefusal(domain: string): string | undefined {
  if (clusterName.test(domain.split(".", 1)[0] ?? "")) return undefined;
  return "its first part must begin with a letter, end with a letter or digit, and have at most 54 letters, digits and '-'";
}
