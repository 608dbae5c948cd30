/** What a request may do by the state of its subscription (ARM-111). It comes before any look at the resource (decision 19). */
import { RpError } from "../model/rpError.ts";
import { providerNamespace } from "../model/resourceId.ts";
import {
  allows,
  subscriptionKey,
  type SubscriptionRight,
  type SubscriptionState,
} from "../model/subscription.ts";
import { parameter, type ServiceExchange } from "./exchange.ts";
import { refuseTooNew } from "./refuseTooNew.ts";

const enabling = "enable the subscription; until then its clusters can only be read and deleted";

/** What can be done about a state that doesn't allow everything. */
const advices: Readonly<Record<Exclude<SubscriptionState, "Registered">, string>> = {
  Unregistered: `register the resource provider ${providerNamespace} in the subscription`,
  Warned: enabling,
  Suspended: enabling,
  Deleted: "its clusters are being removed; use another subscription",
};

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
  // a newer release may have stored one that isn't known here
  const advice = (advices as Readonly<Record<string, string | undefined>>)[state];
  throw new RpError({
    code: "InvalidSubscriptionState",
    message:
      `The request is not allowed in the state '${state}' of subscription '${id}'` +
      (stored === undefined ? ", which has never been announced to this provider" : "") +
      (advice === undefined ? "." : `: ${advice}.`),
  });
}
