/** What a request may do by the state of its subscription (ARM-111). It comes before any look at the resource (decision 19). */
import { RpError } from "../model/rpError.ts";
import { allows, subscriptionKey, type SubscriptionRight } from "../model/subscription.ts";
import { parameter, type ServiceExchange } from "./exchange.ts";
import { refuseTooNew } from "./refuseTooNew.ts";

/** @throws {RpError} `InvalidSubscriptionState`; `DocumentTooNew`, since what it says may mean something else by now. */
export async function checkSubscription(
  exchange: ServiceExchange,
  right: SubscriptionRight,
): Promise<void> {
  // every state allows it
  if (right === "read") return;
  const { services, context } = exchange;
  const id = parameter(exchange, "subscriptionId");
  const stored = await services.store.read("subscription", subscriptionKey(id), {
    signal: context.signal,
  });
  if (stored !== undefined) refuseTooNew(stored.document);
  const state = stored?.document.state ?? services.unannouncedSubscriptions;
  if (allows(state, right)) return;
  throw new RpError({
    code: "InvalidSubscriptionState",
    message:
      `The request is not allowed in the state '${state}' of subscription '${id}'` +
      (stored === undefined ? ", which has never been announced to this provider." : "."),
  });
}
