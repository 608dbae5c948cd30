/**
 * Looks at the start whether what is sealed in the store can be opened: keys that were exchanged or lost would be noticed only when
 * somebody asks for one of their clusters. It reads no secret, and looks at no more than it must.
 */
import type { KeyRing } from "./keyRing.ts";
import type { CallOptions, Store } from "./store.ts";

const pageSize = 100;
/** No key has that name. */
const ofNoKey = "";
/** What a look at all documents may take, in pages. */
const pagesMax = 100;

type Keys = Pick<KeyRing, "find">;
type Listed = Pick<Store, "listNotSealedBy">;

/**
 * The names of keys that are not there, each with how many documents it has sealed of the first page of all: a start must not take
 * longer the more clusters there are.
 *
 * @throws {StoreUnavailableError}
 */
export async function missingKeys(
  store: Listed,
  keys: Keys,
  options: CallOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const { items } = await store.listNotSealedBy(ofNoKey, { limit: pageSize }, options);
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
    const { items, continuation: next } = await store.listNotSealedBy(ofNoKey, {
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
