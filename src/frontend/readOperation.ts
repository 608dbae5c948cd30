/** The record of the operation that the path names, if it belongs to the path's subscription and region (ARM-85). */
import type { OperationDocument } from "../model/document.ts";
import { foldCase, subscriptionPartition } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import { parameter, type Exchange } from "./exchange.ts";
import { refuseTooNew } from "./refuseTooNew.ts";
import { shown } from "../model/shownText.ts";

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws {RpError} `NotFound` or `DocumentTooNew`. */
export async function readOperation(exchange: Exchange): Promise<OperationDocument> {
  const { services, context } = exchange;
  const id = foldCase(parameter(exchange, "operationId"));
  const location = foldCase(parameter(exchange, "location")).replaceAll(" ", "");
  const partition = subscriptionPartition(parameter(exchange, "subscriptionId"));
  const stored = guid.test(id)
    ? await services.store.read("operation", { partition, id }, { signal: context.signal })
    : undefined;
  if (stored === undefined || foldCase(stored.document.location) !== location) {
    throw new RpError({
      code: "NotFound",
      message: `The operation '${shown(id)}' was not found in location '${shown(location)}'.`,
    });
  }
  refuseTooNew(stored.document);
  return stored.document;
}
