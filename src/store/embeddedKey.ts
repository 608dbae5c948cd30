/**
 * The key file of the embedded engine, `rp.key` beside its database. It is made when there is none and the database has nothing
 * sealed. A new key must never be made beside secrets that another one has sealed: they would look lost, and new ones would be
 * sealed by a key that nobody has a copy of.
 */
import {
  KeyFileError,
  keyFileSource,
  makeKeyFile,
  readKeyFile,
  removeLeftovers,
} from "./keyFile.ts";
import type { KeySource } from "./keyRing.ts";
import { keyBytes } from "./sealedSecrets.ts";
import type { Store } from "./store.ts";
import type { Ids, Random } from "../runtime/ids.ts";

export interface EmbeddedKeyOptions {
  /** Of the file. */
  readonly path: string;
  /** What keeps the documents. */
  readonly store: Pick<Store, "listNotSealedBy">;
  readonly ids: Ids;
  readonly random: Pick<Random, "bytes">;
  /** Whether the file is made when there is none; else that is a fault. */
  readonly makes: boolean;
}

/**
 * Where the keys are, with one in it.
 *
 * @returns also whether the file was made now.
 * @throws {KeyFileError}
 */
export async function embeddedKeySource({
  path,
  store,
  ids,
  random,
  makes,
}: EmbeddedKeyOptions): Promise<{ readonly source: KeySource; readonly isNew: boolean }> {
  const source = keyFileSource(path);
  if ((await readKeyFile(path)) !== undefined) {
    await removeLeftovers(path);
    return { source, isNew: false };
  }
  const keyId = await anySealingKey(store);
  if (keyId !== undefined) {
    // another process may have made the file, and sealed something, since it was looked for
    if ((await readKeyFile(path)) !== undefined) return { source, isNew: false };
    throw new KeyFileError(
      `the key file ${path} is gone, but the database holds secrets that were sealed by the key ` +
        `${JSON.stringify(keyId)}: put the file back from your backup. Without it nobody can open them.`,
    );
  }
  if (!makes) {
    throw new KeyFileError(
      `there is no key file ${path}, and this program makes none: see DATA_DIR`,
    );
  }
  const id = `key-${ids.guid().slice(0, 8)}`;
  await makeKeyFile(path, { id, bytes: random.bytes(keyBytes) });
  return { source, isNew: true };
}

/** The name of one that the store holds something of. */
async function anySealingKey(store: Pick<Store, "listNotSealedBy">): Promise<string | undefined> {
  let continuation: string | undefined;
  do {
    // no key has that name
    const page = await store.listNotSealedBy("", {
      limit: 1_000,
      ...(continuation === undefined ? {} : { continuation }),
    });
    const sealed = page.items.find(({ keyId }) => keyId !== undefined);
    if (sealed !== undefined) return sealed.keyId;
    continuation = page.continuation;
  } while (continuation !== undefined);
  return undefined;
}
