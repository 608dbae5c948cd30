/**
 * The clusters of all subscriptions that have not reached their goal, in pages. The place at which a page begins is the store's
 * own: operators are trusted with it, and it gives them nothing that they couldn't list.
 */
import { foldCase } from "../../model/resourceId.ts";
import { RpError } from "../../model/rpError.ts";
import type { OperationKind, ProvisioningState } from "../../model/provisioningState.ts";
import {
  InvalidContinuationError,
  type Page,
  type PageRequest,
  type UnsettledCluster,
} from "../../store/store.ts";
import type { AdminExchange, AdminHandler } from "../exchange.ts";
import { shownStanding } from "../shownStanding.ts";

const pageSize = 50;
/** Pages of the store that are looked through for one of a kind of operation, before the caller is asked to go on. */
const looksMax = 20;

export const listClusters: AdminHandler = async (exchange) => {
  const { kind, top } = exchange.parameters;
  const limit = top === undefined ? pageSize : Number(top);
  let { continuation } = exchange.parameters;
  let found: readonly UnsettledCluster[] = [];
  for (let look = 0; look < looksMax && found.length === 0; look += 1) {
    const page = await readPage(exchange, {
      limit,
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = page.continuation;
    found = page.items.filter(
      ({ standing }) => kind === undefined || standing?.operation.kind === (kind as OperationKind),
    );
    if (continuation === undefined) break;
  }
  const value = await Promise.all(
    found.map(async ({ key, standing }) => shownStanding(exchange, key, standing)),
  );
  return {
    status: 200,
    body: {
      value,
      ...(continuation === undefined ? {} : { nextLink: nextLink(exchange, continuation) }),
    },
  };
};

async function readPage(
  { services, context, parameters }: AdminExchange,
  page: PageRequest,
): Promise<Page<UnsettledCluster>> {
  const { subscriptionId, state } = parameters;
  const query = {
    ...(subscriptionId === undefined ? {} : { partition: foldCase(subscriptionId) }),
    ...(state === undefined ? {} : { state: state as ProvisioningState }),
  };
  try {
    return await services.store.listUnsettled(query, page, { signal: context.signal });
  } catch (error) {
    if (!(error instanceof InvalidContinuationError)) throw error;
    throw new RpError({
      code: "InvalidParameter",
      message: "'continuation' is not one of this list; begin the list again without it.",
      target: "continuation",
    });
  }
}

function nextLink({ context, parameters }: AdminExchange, continuation: string): string {
  const next = new URL("/admin/v1/clusters", context.origin);
  for (const [name, value] of Object.entries(parameters)) next.searchParams.set(name, value);
  next.searchParams.set("continuation", continuation);
  return next.href;
}
