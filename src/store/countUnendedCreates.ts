/**
 * How many creates have not ended well: those that run, and those that failed and may be begun anew. What an installer has sealed for
 * one of them outside of the store may need a key that no document needs any more. It must read no secret, nor take a cluster that
 * can't be read back for one that needs nothing.
 */
import type { Store } from "./store.ts";

const pageSize = 100;

/**
 * @throws {StoreUnavailableError}
 * @throws the signal's reason.
 */
export async function countUnendedCreates(
  store: Pick<Store, "listUnsettled">,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  let continuation: string | undefined;
  do {
    const page = await store.listUnsettled(
      {},
      { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) },
      signal === undefined ? {} : { signal },
    );
    for (const { standing } of page.items) {
      if (standing === undefined || standing.operation.kind === "create") count += 1;
    }
    continuation = page.continuation;
  } while (continuation !== undefined);
  return count;
}
