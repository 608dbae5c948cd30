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
import { jsonText, type Answer } from "../../listener/answer.ts";

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

  const answer = async ({
    items,
    continuation: next,
  }: Page<ListedCluster>): Promise<ListAnswer> => {
    const shown = items.map((document) => shownIfWhole(exchange, document));
    const link =
      next === undefined
        ? {}
        : {
            nextLink: nextLink(
              exchange,
              await skipTokens.seal(next, { collection, signal, logIds }),
            ),
          };
    const body = { value: shown.filter((cluster) => cluster !== undefined), ...link };
    return { status: 200, body, text: jsonText(body), shown };
  };

  const page = await read(Math.min(top(query) ?? pageSizeMax, pageSizeMax));
  const { shown, ...whole } = await answer(page);
  if (Buffer.byteLength(whole.text) <= pageBytesMax) return whole;
  const fitting = countFitting(shown);
  if (fitting === shown.length) return whole;
  // a place in the order is to be had for whole pages only, so one of the right size is read
  const { shown: _, ...fittingAnswer } = await answer(await read(fitting));
  return fittingAnswer;
}

interface ListAnswer extends Answer {
  readonly text: string;
  /** In order; nothing in the place of what can't be shown. */
  readonly shown: readonly (object | undefined)[];
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

/**
 * The cluster as the caller's version shows it. Nothing of one of a newer release, nor of one that lacks what every cluster has:
 * neither may take the list with it.
 */
function shownIfWhole({ version, context }: Exchange, document: ListedCluster): object | undefined {
  if (isTooNew(document)) {
    const { resourceId } = document;
    context.log.warn({ resourceId }, "too new to be shown in a list");
    return undefined;
  }
  try {
    return version.show(document);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const { id: documentId } = document;
    context.log.error({ documentId, error }, "a damaged document can't be shown in a list");
    return undefined;
  }
}

/** How many of these make a page; one at least, whatever its size. */
function countFitting(shown: ListAnswer["shown"]): number {
  let bytes = 0;
  const over = shown.findIndex((cluster) => {
    if (cluster !== undefined) bytes += Buffer.byteLength(jsonText(cluster));
    return bytes > pageBytesMax;
  });
  return over < 0 ? shown.length : Math.max(1, over);
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
