/**
 * ARM announces the state of a subscription (ARM-107 to ARM-113): the latest one counts, from whatever state. Of what ARM
 * tells only the state is kept: nothing else is needed, and some of it is about people.
 */
import { schemaVersion, type EpochMs, type SubscriptionDocument } from "../../model/document.ts";
import { hasWrite, withWrite } from "../../model/recentWrites.ts";
import type { DocumentKey } from "../../model/resourceId.ts";
import { RpError } from "../../model/rpError.ts";
import {
  subscriptionKey,
  subscriptionStates,
  type SubscriptionState,
} from "../../model/subscription.ts";
import { StoreConflictError, StoreOutcomeUnknownError } from "../../store/store.ts";
import { parameter, type ArmExchange, type Handler } from "../exchange.ts";
import { refuseTooNew } from "../refuseTooNew.ts";

/** The pause after a lost race grows by this, up to twenty times as much. */
const racePauseMs = 10;

export const putSubscription: Handler<ArmExchange> = {
  right: undefined,
  async handle(exchange) {
    const { services, context } = exchange;
    const { store, clock } = services;
    const options = { signal: context.signal };
    const body = exchange.body as Readonly<Record<string, unknown>>;
    const state = stateOf(body);
    const key = subscriptionKey(parameter(exchange, "subscriptionId"));
    const writeId = services.ids.guid();
    // the latest announcement counts, so it goes on until it is written or the request's time is up
    for (let race = 0; ; race += 1) {
      if (race > 0) await clock.sleep(racePauseMs * Math.min(race, 20), context.signal);
      const stored = await store.read("subscription", key, options);
      if (stored !== undefined) refuseTooNew(stored.document);
      const next = announced(stored?.document, { key, state, now: clock.now() });
      const isDone = stored !== undefined && hasWrite(stored.document, writeId);
      if (isDone || next === stored?.document) {
        // if it was we, whoever removes the clusters has not been told yet
        services.committed.notify();
        return { status: 200, body };
      }
      try {
        await store.commit(
          key.partition,
          [
            stored === undefined
              ? { create: withWrite(next, writeId) }
              : { replace: stored, document: withWrite(next, writeId) },
          ],
          options,
        );
      } catch (error) {
        // one that was written without an answer is found by the next look, also beneath a later one
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
    readonly key: DocumentKey;
    readonly state: SubscriptionState;
    readonly now: EpochMs;
  },
): SubscriptionDocument {
  const { key, state, now } = said;
  if (current?.state === state) return current;
  // whatever was begun in the former state ends with it
  const { purge: _, ...kept } = current ?? { purge: undefined };
  return {
    ...kept,
    kind: "subscription",
    id: key.id,
    subscriptionId: key.partition,
    schemaVersion: Math.max(schemaVersion, current?.schemaVersion ?? 0),
    state,
    changedAt: now,
    ...(state === "Deleted" ? { purge: { since: now, nextAttemptAt: 0, retries: 0 } } : {}),
  };
}
