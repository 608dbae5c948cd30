/**
 * What a handler is given and gives back. A handler sees parsed names, a body that its version will read, and the services
 * that the composition root handed in; it never sees Express.
 */
import type { Fault } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";
import type { EndedOperation } from "../runtime/metrics.ts";
import type { Nudge } from "../runtime/nudge.ts";
import type { Store } from "../store/store.ts";
import type { ApiVersion } from "../versions/apiVersion.ts";
import type { ClusterName } from "../model/resourceId.ts";
import type { SubscriptionRight } from "../model/subscription.ts";
import type { Answer } from "../listener/answer.ts";
import type { RequestContext } from "../listener/requestContext.ts";
import type { Backlog } from "./backlog.ts";
import type { SkipTokens } from "./skipTokens.ts";

/** What all requests share. */
export interface Services {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Seals the places at which lists go on. */
  readonly skipTokens: SkipTokens;
  /** Asked before an operation begins that isn't a deletion. */
  readonly backlog: Backlog;
  /** Told, for metrics, of each operation that a DELETE has cut short. */
  readonly onEnded?: (ended: EndedOperation) => void;
  /** Notified after each commit that leaves work for the forwarder. */
  readonly committed: Nudge;
  /** The region served, lower case without spaces. */
  readonly location: string;
  /** What a subscription counts as that ARM has never announced (decision 11). */
  readonly unannouncedSubscriptions: "Registered" | "Unregistered";
  /** Value of `Retry-After` on answers about running operations. */
  readonly retryAfterSeconds: number;
}

/** One request on its way to a handler, whatever service it belongs to. */
export interface ServiceExchange {
  /** Path parameters by their name in the contract, in the caller's casing. */
  readonly parameters: Readonly<Record<string, string>>;
  /** As received: for links to the same collection. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `undefined` when there was none. It is as the contract says, but for `bodyFaults`. */
  readonly body: unknown;
  /** What the contract finds wrong with it: for a handler that adds its own faults to them. */
  readonly bodyFaults: readonly Fault[];
  readonly context: RequestContext;
  readonly services: Services;
}

/** One request of an api-version. */
export interface Exchange extends ServiceExchange {
  readonly version: ApiVersion;
}

/** One request that ARM itself makes, apart from any api-version. */
export interface ArmExchange extends ServiceExchange {
  /** The api-version of that name and what its contract finds wrong with a cluster; `undefined` when it isn't served. */
  readonly servedVersion: (name: string) => ServedVersion | undefined;
  /** The names of all that are served. */
  readonly servedVersions: readonly string[];
}

/** An api-version, and the check of a cluster's body by its contract. */
export interface ServedVersion {
  readonly version: ApiVersion;
  readonly schemaFaults: (body: unknown) => readonly Fault[];
}

export interface Handler<E extends ServiceExchange = Exchange> {
  /** What the subscription's state must allow; `undefined` where there is no subscription or any state will do. */
  readonly right: SubscriptionRight | undefined;
  /** Whether it reports `bodyFaults` of an object itself, with its own; otherwise they are answered before it is called. */
  readonly judgesBody?: true;
  /** @throws {RpError} for an answer that is an error. */
  handle(exchange: E): Promise<Answer>;
}

/** @throws {TypeError} when the contract's path has no such parameter: a defect of handler or contract. */
export function parameter(exchange: ServiceExchange, name: string): string {
  const value = exchange.parameters[name];
  if (value === undefined) throw new TypeError(`the path has no parameter ${name}`);
  return value;
}

/** The cluster that the path names. */
export function clusterNameOf(exchange: Exchange): ClusterName {
  return {
    subscriptionId: parameter(exchange, "subscriptionId"),
    resourceGroup: parameter(exchange, "resourceGroupName"),
    name: parameter(exchange, "resourceName"),
  };
}
