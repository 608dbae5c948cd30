/**
 * Reads the documents that operators ask for, and says in words why one can't be had: an operator is who has to do something
 * about it.
 */
import { isTooNew, type DocumentKind, type DocumentOfKind } from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import { clusterKey } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import { shown } from "../model/shownText.ts";
import { DocumentUnreadableError, SealingKeyUnknownError, type Stored } from "../store/store.ts";
import { parameter, type AdminExchange } from "./exchange.ts";

/**
 * @returns `undefined` when there is none.
 * @throws {RpError} when it is damaged, or marked by a newer release as not for this one.
 */
export async function readDocument<K extends DocumentKind>(
  { services, context }: AdminExchange,
  kind: K,
  key: DocumentKey,
  { openSecrets = true }: { readonly openSecrets?: boolean } = {},
): Promise<Stored<DocumentOfKind<K>> | undefined> {
  const { signal } = context;
  let stored: Stored<DocumentOfKind<K>> | undefined;
  try {
    stored = await services.store.read(kind, key, { signal, openSecrets });
  } catch (error) {
    if (!(error instanceof DocumentUnreadableError)) throw error;
    throw new RpError(
      {
        code: "InternalServerError",
        message:
          `The document of the ${kind} '${shown(key.id)}' is damaged and can't be read back; nothing was changed. It has to be ` +
          "mended in the database, or restored from a backup.",
      },
      { cause: error },
    );
  }
  if (stored !== undefined && isTooNew(stored.document)) {
    throw new RpError({
      code: "DocumentTooNew",
      message: `The ${kind} was written by a newer release of the resource provider; ask a process of that one.`,
    });
  }
  return stored;
}

/**
 * The cluster of the path for who only looks at it: with its secrets, so that none is shown where it doesn't belong, or unopened if
 * they can't be opened.
 *
 * @throws {RpError} as `readCluster`.
 */
export async function readClusterToShow(
  exchange: AdminExchange,
): Promise<Stored<DocumentOfKind<"cluster">>> {
  try {
    return await readCluster(exchange);
  } catch (error) {
    const cause = error instanceof RpError ? error.cause : error;
    const isOfSecrets =
      cause instanceof SealingKeyUnknownError || cause instanceof DocumentUnreadableError;
    if (!isOfSecrets) throw error;
    return readCluster(exchange, { openSecrets: false });
  }
}

/** Where the cluster of the path is. */
export function clusterKeyOf(exchange: AdminExchange): DocumentKey {
  return clusterKey({
    subscriptionId: parameter(exchange, "subscriptionId"),
    resourceGroup: parameter(exchange, "resourceGroupName"),
    name: parameter(exchange, "resourceName"),
  });
}

/**
 * The cluster of the path.
 *
 * @throws {RpError} as `readDocument`, and `ResourceNotFound`.
 */
export async function readCluster(
  exchange: AdminExchange,
  options: { readonly openSecrets?: boolean } = {},
): Promise<Stored<DocumentOfKind<"cluster">>> {
  const stored = await readDocument(exchange, "cluster", clusterKeyOf(exchange), options);
  if (stored !== undefined) return stored;
  throw new RpError({
    code: "ResourceNotFound",
    message: `The cluster '${shown(parameter(exchange, "resourceName"))}' does not exist.`,
  });
}
