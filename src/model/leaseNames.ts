/** The names of all leases, in one place, so that two purposes never share one. */
import type { DocumentKey } from "./resourceId.ts";

/** Held by the one forwarder that acts. */
export const forwarderLeaseName = "forwarder";

/** Held by the worker that drives a cluster's operation. It outlives the document, so a re-create meets the old one. */
export function clusterLeaseName(key: DocumentKey): string {
  return `cluster|${key.partition}|${key.id}`;
}
