/**
 * The ETag of the representation (decision 18): a value that changes when something a GET shows changes, and doesn't
 * with the bookkeeping of forwarder and workers. Whoever writes a cluster document passes it through here.
 */
import type { ClusterDocument } from "./document.ts";

function shown(document: ClusterDocument): string {
  return JSON.stringify([document.provisioningState, document.cluster]);
}

/** `next` with `fresh` as its revision if it shows something else than `previous`, else with the previous one. */
export function withRevision(
  previous: ClusterDocument | undefined,
  next: ClusterDocument,
  fresh: string,
): ClusterDocument {
  const same = previous !== undefined && shown(previous) === shown(next);
  return { ...next, revision: same ? previous.revision : fresh };
}
