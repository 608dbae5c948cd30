/**
 * The lists: all clusters of a resource group or of a subscription, in pages (ARM-56 to ARM-64). A page ends
 * before it gets too large for ARM, however fat its clusters are.
 */
import { RpError } from "../../model/rpError.ts";
import { resourceGroupPrefix, subscriptionPartition } from "../../model/resourceId.ts";
import { isTooNew, type ListedCluster } from "../../model/document.ts";
import { parameter, type Exchange, type Handler } from "../exchange.ts";
import { invalidSkipToken } from "../skipTokens.ts";
import {
  InvalidContinuationError,
  type Page,
  type PageRequest,
  type Store,
} from "../../store/store.ts";
import { jsonBytes, type Answer } from "../../listener/answer.ts";

/** As many as are read at once. */
const pageSizeMax = 100;
/** Half of what ARM takes (ARM-28): the page ends with the cluster before. */
const pageBytesMax = 4 * 1024 * 1024;

export const listClustersOfGroup: Handler = {
  right: "read",
  handle: async (exchange) =>
    list(exchange, resourceGroupPrefix(parameter(exchange, "resourceGroupName"))),
};

export const listClustersOfSubscription: Handler = {
  right: "read",
  handle: async (exchange) => list(exchange, undefined),
};

async function list(exchange: Exchange, idPrefix: string | undefined): Promise<Answer> {
  const { query, context } = exchange;
  const { skipTokens } = exchange.services;
  const { signal, logIds } = context;
  const partition = subscriptionPartition(parameter(exchange, "subscriptionId"));
  const collection = `${partition}|${idPrefix ?? ""}`;
  const token = queryValue(query, "$skiptoken");
  const continuation =
    token === undefined ? undefined : await skipTokens.open(token, { collection, signal, logIds });
  const read = async (limit: number): Promise<Page<ListedCluster>> =>
    readPage(exchange, {
      query: { partition, ...(idPrefix === undefined ? {} : { idPrefix }) },
      page: { limit, ...(continuation === undefined ? {} : { continuation }) },
    });

  let page = await read(Math.min(top(query) ?? pageSizeMax, pageSizeMax));
  const fitting = countFitting(page.items.map((item) => shownBytes(exchange, item)));
  // a place in the order is to be had for whole pages only, so one of the right size is read
  if (fitting < page.items.length) page = await read(fitting);
  const value = page.items.flatMap((document) => {
    // neither one document of a newer release nor a damaged one may take the list with it
    if (!isTooNew(document)) return shownIfWhole(exchange, document);
    const { resourceId } = document;
    context.log.warn({ resourceId }, "too new to be shown in a list");
    return [];
  });
  const next = page.continuation;
  return {
    status: 200,
    body: {
      value,
      ...(next === undefined
        ? {}
        : {
            nextLink: nextLink(
              exchange,
              await skipTokens.seal(next, { collection, signal, logIds }),
            ),
          }),
    },
  };
}

async function readPage(
  { services, context }: Exchange,
  asked: { readonly query: Parameters<Store["listClusters"]>[0]; readonly page: PageRequest },
): Promise<Page<ListedCluster>> {
  try {
    return await services.store.listClusters(asked.query, asked.page, { signal: context.signal });
  } catch (error) {
    throw error instanceof InvalidContinuationError ? invalidSkipToken() : error;
  }
}

function shownBytes(exchange: Exchange, document: ListedCluster): number {
  const [shown] = isTooNew(document) ? [] : shownIfWhole(exchange, document);
  return shown === undefined ? 0 : jsonBytes(shown);
}

/** The cluster as the caller's version shows it, or nothing of one that lacks what every cluster has. */
function shownIfWhole({ version, context }: Exchange, document: ListedCluster): readonly object[] {
  try {
    return [version.show(document)];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const { id: documentId } = document;
    context.log.error({ documentId, error }, "a damaged document can't be shown in a list");
    return [];
  }
}

/** How many of these make a page; one at least, whatever its size. */
function countFitting(bytes: readonly number[]): number {
  let sum = 0;
  const over = bytes.findIndex((size) => (sum += size) > pageBytesMax);
  return over < 0 ? bytes.length : Math.max(1, over);
}

/** The request's own link, with all that the caller put into its query (ARM-61), and the place where the page begins. */
function nextLink({ context, query, path, version }: Exchange, token: string): string {
  const next = new URL(path, context.origin);
  for (const [name, value] of query) {
    if (!ownKeys.includes(name.toLowerCase())) next.searchParams.append(name, value);
  }
  next.searchParams.set("api-version", version.name);
  const asked = queryValue(query, "$top");
  if (asked !== undefined) next.searchParams.set("$top", asked);
  next.searchParams.set("$skipToken", token);
  return next.href;
}

/** In lower case: they are written anew. */
const ownKeys: readonly string[] = ["api-version", "$top", "$skiptoken"];

/** @throws {RpError} `InvalidParameter` unless it is a whole number from 1. */
function top(query: URLSearchParams): number | undefined {
  const text = queryValue(query, "$top");
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new RpError({
    code: "InvalidParameter",
    message: "'$top' must be a whole number greater than 0.",
    target: "$top",
  });
}

/** Names of query keys match regardless of case. */
function queryValue(query: URLSearchParams, lowerName: string): string | undefined {
  return [...query].find(([name]) => name.toLowerCase() === lowerName)?.[1];
}
