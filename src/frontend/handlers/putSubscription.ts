/**
 * ARM announces the state of a subscription (ARM-107 to ARM-113): the latest one counts, from whatever state. Of what ARM
 * tells, only what the program needs is kept; names and addresses of people are not.
 */
import { schemaVersion, type EpochMs, type SubscriptionDocument } from "../../model/document.ts";
import { RpError } from "../../model/rpError.ts";
import {
  subscriptionKey,
  subscriptionStates,
  type SubscriptionState,
} from "../../model/subscription.ts";
import { StoreConflictError, StoreOutcomeUnknownError } from "../../store/store.ts";
import { parameter, type ArmExchange, type Handler } from "../exchange.ts";

const racesMax = 5;

export const putSubscription: Handler<ArmExchange> = {
  right: undefined,
  async handle(exchange) {
    const { services, context } = exchange;
    const { store, clock } = services;
    const options = { signal: context.signal };
    const body = exchange.body as Readonly<Record<string, unknown>>;
    const state = stateOf(body);
    const key = subscriptionKey(parameter(exchange, "subscriptionId"));
    for (let race = 0; race < racesMax; race += 1) {
      const stored = await store.read("subscription", key, options);
      const next = announced(stored?.document, { key, state, body, now: clock.now() });
      if (next === stored?.document) return { status: 200, body };
      try {
        await store.commit(
          key.partition,
          [stored === undefined ? { create: next } : { replace: stored, document: next }],
          options,
        );
      } catch (error) {
        // an announcement that was written without an answer is found by the next look
        if (error instanceof StoreConflictError || error instanceof StoreOutcomeUnknownError) {
          continue;
        }
        throw error;
      }
      context.log.info(
        { subscriptionId: key.partition, state, before: stored?.document.state },
        "a subscription was announced",
      );
      services.committed.notify();
      return { status: 200, body };
    }
    throw new RpError(
      { code: "Conflict", message: "The subscription is being changed by others; try again." },
      { retryAfterSeconds: services.retryAfterSeconds },
    );
  },
};

/** @throws {RpError} with target `state` (ARM-110). */
function stateOf(body: Readonly<Record<string, unknown>>): SubscriptionState {
  const found = subscriptionStates.find((state) => state === body["state"]);
  if (found !== undefined) return found;
  throw new RpError({
    code: "InvalidParameter",
    message: `'state' must be one of ${subscriptionStates.join(", ")}.`,
    target: "state",
  });
}

/** The document after the announcement; the very same one if that says nothing new. */
function announced(
  current: SubscriptionDocument | undefined,
  said: {
    readonly key: { readonly partition: string; readonly id: string };
    readonly state: SubscriptionState;
    readonly body: Readonly<Record<string, unknown>>;
    readonly now: EpochMs;
  },
): SubscriptionDocument {
  const { key, state, body, now } = said;
  const registrationDate = textOf(body["registrationDate"]);
  const tenantId = textOf(memberOf(body["properties"], "tenantId"));
  if (
    current !== undefined &&
    current.state === state &&
    current.registrationDate === registrationDate &&
    current.tenantId === tenantId
  ) {
    return current;
  }
  const {
    registrationDate: _date,
    tenantId: _tenant,
    purge,
    ...kept
  } = current ?? { purge: undefined };
  // a second announcement of the same end goes on with what the first began
  const deleting =
    state === "Deleted" ? { purge: purge ?? { since: now, nextAttemptAt: 0, retries: 0 } } : {};
  return {
    ...kept,
    kind: "subscription",
    id: key.id,
    subscriptionId: key.partition,
    schemaVersion: Math.max(schemaVersion, current?.schemaVersion ?? 0),
    state,
    changedAt: now,
    ...(registrationDate === undefined ? {} : { registrationDate }),
    ...(tenantId === undefined ? {} : { tenantId }),
    ...deleting,
  };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 256) : undefined;
}
