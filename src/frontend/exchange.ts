/**
 * What a handler is given and gives back. A handler sees parsed names, a body that its version will read, and the services
 * that the composition root handed in; it never sees Express.
 */
import type { Fault } from "../model/rpError.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Nudge } from "../runtime/nudge.ts";
import type { Store } from "../store/store.ts";
import type { ApiVersion } from "../versions/apiVersion.ts";
import type { ClusterName } from "../model/resourceId.ts";
import type { Answer } from "./answer.ts";
import type { RequestContext } from "./requestContext.ts";

/** What all requests share. */
export interface Services {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Notified after each commit that leaves work for the forwarder. */
  readonly committed: Nudge;
  /** The region served, lower case without spaces. */
  readonly location: string;
  /** Value of `Retry-After` on answers about running operations. */
  readonly retryAfterSeconds: number;
}

/** One request on its way to a handler. */
export interface Exchange {
  readonly version: ApiVersion;
  /** Path parameters by their name in the contract, in the caller's casing. */
  readonly parameters: Readonly<Record<string, string>>;
  /** As received: for links to the same collection. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `undefined` when there was none. Its form is the contract's; its values are judged by the version. */
  readonly body: unknown;
  /** What the contract finds wrong with its values: for a handler that adds its own faults to them. */
  readonly bodyFaults: readonly Fault[];
  readonly context: RequestContext;
  readonly services: Services;
}

export interface Handler {
  /** Whether it reports `bodyFaults` itself, with its own; otherwise they are answered before it is called. */
  readonly judgesBody?: true;
  /** @throws {RpError} for an answer that is an error. */
  handle(exchange: Exchange): Promise<Answer>;
}

/** @throws {TypeError} when the contract's path has no such parameter: a defect of handler or contract. */
export function parameter(exchange: Exchange, name: string): string {
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
