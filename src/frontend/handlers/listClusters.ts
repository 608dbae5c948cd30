/**
 * The lists: all clusters of a resource group or of a subscription, in pages (ARM-56 to ARM-64). A page is small enough to
 * stay under ARM's 8 MB with the fattest clusters that the contract allows.
 */
import { RpError } from "../../model/rpError.ts";
import { resourceGroupPrefix, subscriptionPartition } from "../../model/resourceId.ts";
import { isTooNew } from "../../model/document.ts";
import { parameter, type Exchange, type Handler } from "../exchange.ts";
import { invalidSkipToken, readSkipToken, skipToken } from "../skipToken.ts";
import { InvalidContinuationError } from "../../store/store.ts";

/** 50 tags of 768 characters, six bytes each at worst, make a cluster of a quarter megabyte. */
const pageSizeMax = 30;

export const listClustersOfGroup: Handler = {
  handle: async (exchange) =>
    list(exchange, resourceGroupPrefix(parameter(exchange, "resourceGroupName"))),
};

export const listClustersOfSubscription: Handler = {
  handle: async (exchange) => list(exchange, undefined),
};

async function list(exchange: Exchange, idPrefix: string | undefined) {
  const { context, services, version, query } = exchange;
  const partition = subscriptionPartition(parameter(exchange, "subscriptionId"));
  const collection = `${partition}|${idPrefix ?? ""}`;
  const limit = Math.min(top(query) ?? pageSizeMax, pageSizeMax);
  const token = queryValue(query, "$skiptoken");
  const continuation = token === undefined ? undefined : readSkipToken(token, collection);
  const page = await services.store
    .listClusters(
      { partition, ...(idPrefix === undefined ? {} : { idPrefix }) },
      { limit, ...(continuation === undefined ? {} : { continuation }) },
      { signal: context.signal },
    )
    .catch((error: unknown): never => {
      throw error instanceof InvalidContinuationError ? invalidSkipToken() : error;
    });
  const value = page.items
    .map(({ document }) => document)
    .filter((document) => {
      // one document of a newer release must not take the list with it
      if (!isTooNew(document)) return true;
      context.log.warn({ resourceId: document.resourceId }, "too new to be shown in a list");
      return false;
    })
    .map((document) => version.show(document));
  return {
    status: 200,
    body: {
      value,
      ...(page.continuation === undefined
        ? {}
        : { nextLink: nextLink(exchange, skipToken(page.continuation, collection)) }),
    },
  };
}

function nextLink({ context, query, path, version }: Exchange, token: string): string {
  const next = new URL(path, context.origin);
  next.searchParams.set("api-version", version.name);
  const asked = queryValue(query, "$top");
  if (asked !== undefined) next.searchParams.set("$top", asked);
  next.searchParams.set("$skipToken", token);
  return next.href;
}

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
