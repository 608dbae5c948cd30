/**
 * Reads a cluster as whoever works on it needs it: with its secrets, save for a deletion, which must come to its end also when
 * nobody can open them any more. It must never let any other operation go on without them.
 */
import type { ClusterDocument } from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  type CallOptions,
  type Store,
  type Stored,
} from "../store/store.ts";

/**
 * @returns a cluster that is being deleted with its secrets unopened, if they can't be opened.
 * @throws {DocumentUnreadableError}, {SealingKeyUnknownError} or {StoreUnavailableError}
 */
export async function readClusterForWork(
  store: Pick<Store, "read">,
  key: DocumentKey,
  options: CallOptions,
): Promise<Stored<ClusterDocument> | undefined> {
  try {
    return await store.read("cluster", key, options);
  } catch (error) {
    const isOfSecrets =
      error instanceof SealingKeyUnknownError || error instanceof DocumentUnreadableError;
    if (!isOfSecrets) throw error;
    const stored = await store.read("cluster", key, { ...options, openSecrets: false });
    if (stored !== undefined && stored.document.operation.kind !== "delete") throw error;
    return stored;
  }
}
