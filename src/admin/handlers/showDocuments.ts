/** Single documents without their secrets: a cluster with what belongs to it, an operation, a subscription. They only read. */
import { standingOf } from "../../model/clusterStanding.ts";
import { foldCase, subscriptionPartition } from "../../model/resourceId.ts";
import { RpError } from "../../model/rpError.ts";
import { subscriptionKey } from "../../model/subscription.ts";
import { parameter, type AdminExchange, type AdminHandler } from "../exchange.ts";
import { clusterKeyOf, readClusterToShow, readDocument } from "../readDocument.ts";
import { shownDocument, type ShownDocument } from "../shownDocument.ts";
import { shownStanding } from "../shownStanding.ts";

export const showCluster: AdminHandler = async (exchange) => {
  const { document } = await readClusterToShow(exchange);
  const standing = standingOf(document);
  const operationId = standing?.operation.id;
  const record =
    operationId === undefined ? undefined : await recordOf(exchange, String(operationId));
  return {
    status: 200,
    body: {
      ...(await shownStanding(exchange, clusterKeyOf(exchange), standing)),
      cluster: shownDocument(document),
      ...(record === undefined ? {} : { operationRecord: record }),
    },
  };
};

export const showOperation: AdminHandler = async (exchange) => {
  const shown = await shownOperation(exchange, parameter(exchange, "operationId"));
  if (shown !== undefined) return { status: 200, body: shown };
  throw new RpError({
    code: "NotFound",
    message: "There is no such operation; records are kept for seven days after the end.",
  });
};

export const showSubscription: AdminHandler = async (exchange) => {
  const key = subscriptionKey(parameter(exchange, "subscriptionId"));
  const stored = await readDocument(exchange, "subscription", key);
  if (stored !== undefined) return { status: 200, body: shownDocument(stored.document) };
  throw new RpError({ code: "NotFound", message: "ARM has never announced this subscription." });
};

/** A record that can't be shown must not take its cluster with it. */
async function recordOf(
  exchange: AdminExchange,
  operationId: string,
): Promise<ShownDocument | undefined> {
  try {
    return await shownOperation(exchange, operationId);
  } catch (error) {
    if (error instanceof RpError) return undefined;
    throw error;
  }
}

async function shownOperation(
  exchange: AdminExchange,
  operationId: string,
): Promise<ShownDocument | undefined> {
  const partition = subscriptionPartition(parameter(exchange, "subscriptionId"));
  const key = { partition, id: foldCase(operationId) };
  const stored = await readDocument(exchange, "operation", key);
  return stored === undefined ? undefined : shownDocument(stored.document);
}
