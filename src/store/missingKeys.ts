/**
 * Looks at the start whether what is sealed in the store can be opened: keys that were exchanged or lost would be noticed only when
 * somebody asks for one of their clusters. It reads no secret, and looks at no more than it must.
 */
import type { KeyRing } from "./keyRing.ts";
import type { CallOptions, Store } from "./store.ts";

const pageSize = 100;
/** What a look at all documents may take, in pages. */
const pagesMax = 100;

type Keys = Pick<KeyRing, "current" | "find">;
type Listed = Pick<Store, "listNotSealedBy">;

/**
 * The names of keys that are not there, among a page of what the newest hasn't sealed, each with how many documents of that page
 * it has sealed.
 *
 * @throws {StoreUnavailableError}
 */
export async function missingKeys(
  store: Listed,
  keys: Keys,
  options: CallOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const { id } = await keys.current(options.signal);
  const { items } = await store.listNotSealedBy(id, { limit: pageSize }, options);
  const missing = new Map<string, number>();
  for (const { keyId } of items) {
    if (keyId === undefined || (await keys.find(keyId, options.signal)) !== undefined) continue;
    missing.set(keyId, (missing.get(keyId) ?? 0) + 1);
  }
  return missing;
}

/** Whether at least one document is sealed by a key that is there, as far as it looks. */
export async function isAnythingOpened(store: Listed, keys: Keys): Promise<boolean> {
  let continuation: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    // no key has that name
    const { items, continuation: next } = await store.listNotSealedBy("", {
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    for (const { keyId } of items) {
      if (keyId !== undefined && (await keys.find(keyId)) !== undefined) return true;
    }
    if (next === undefined) return false;
    continuation = next;
  }
  return true;
}
