/** Keys of the stand-in's storage accounts, each made from the account's name. They are no secret: whoever knows the name has the first. */
import { createHash } from "node:crypto";

/**
 * The key of a storage account, base64; it has no other.
 *
 * @param changes how often it was changed.
 */
export function storageAccountKey(account: string, changes = 0): string {
  const begin = `key of storage account ${account}`;
  const text = changes === 0 ? begin : `${begin}, changed ${changes} times`;
  return createHash("sha512").update(text).digest("base64");
}

/** The keys that the storage accounts of one stand-in have now. */
export class StorageAccountKeys {
  readonly #changes = new Map<string, number>();

  of(account: string): string {
    return storageAccountKey(account, this.#changes.get(account));
  }

  /** What was signed by the one before is refused from now on. */
  change(account: string): void {
    this.#changes.set(account, (this.#changes.get(account) ?? 0) + 1);
  }
}
