/** What PUT, PATCH and DELETE of a cluster share: the ids of a new operation, the identity in the URL, the check for a running one. */
import type { ClusterDocument, OperationDocument } from "../model/document.ts";
import { isTerminal } from "../model/provisioningState.ts";
import { clusterResourceId, clusterResourceType } from "../model/resourceId.ts";
import { RpError, type Fault } from "../model/rpError.ts";
import type { AskedCluster, WriteContext } from "../versions/apiVersion.ts";
import type { Answer } from "../listener/answer.ts";
import { clusterNameOf, type Exchange } from "./exchange.ts";
import { retryAfter, statusLink } from "./operationLinks.ts";
import { entityTag } from "./preconditions.ts";
import { allFaults } from "../listener/schemaFaults.ts";
import { formatTraceparent } from "../model/traceContext.ts";
import type { OperationStart } from "../model/startOperation.ts";

/** Ids and time of the operation that this request may start. Drawn once, so that a repeated commit is the same commit. */
export function newOperation({ services, context }: Exchange): OperationStart {
  const { ids, clock, location } = services;
  return {
    operationId: ids.guid(),
    revision: ids.guid(),
    requestId: context.requestId,
    correlationId: context.correlationId,
    traceparent: formatTraceparent(context.span.context),
    now: clock.now(),
    location,
  };
}

/** Puts the started operation into the request's line in the log. */
export function noteOperation(exchange: Exchange, operation: OperationDocument): void {
  exchange.context.note({
    operationId: operation.id,
    operationKind: operation.operationKind,
    resourceId: operation.resourceId,
  });
}

/** What the URL says the cluster is called; an existing one keeps the casing of its creation (decision 1). */
export function writeContext(
  exchange: Exchange,
  current: ClusterDocument | undefined,
): WriteContext {
  const name = clusterNameOf(exchange);
  return {
    identity: {
      id: current?.resourceId ?? clusterResourceId(name),
      name: current?.name ?? name.name,
      type: clusterResourceType,
    },
    location: exchange.services.location,
  };
}

/**
 * What is wrong with the body, by the contract and by the version's rules, all at once (ARM-41).
 *
 * @throws {RpError} when there is any fault.
 */
export function withoutFaults(asked: AskedCluster, contractFaults: readonly Fault[]): AskedCluster {
  const faults = allFaults(contractFaults, asked.faults);
  if (faults.length > 0) throw RpError.ofFaults(faults);
  return asked;
}

/**
 * @throws {RpError} `Conflict` with the way to the running operation, while there is one (decision 5).
 */
export function checkIdle(exchange: Exchange, current: ClusterDocument | undefined): void {
  if (current === undefined || isTerminal(current.provisioningState)) return;
  const { operation } = current;
  throw new RpError(
    {
      code: "Conflict",
      message:
        `The cluster '${current.name}' is busy: its ${operation.kind} operation ${operation.id} ` +
        `still runs. Try again when it has ended; follow it at ${statusLink(operation, exchange)}.`,
    },
    {
      retryAfterSeconds: exchange.services.retryAfterSeconds,
      headers: retryAfter(exchange),
    },
  );
}

/** The cluster as the caller's version shows it. */
export function clusterAnswer(
  { version }: Exchange,
  status: number,
  document: ClusterDocument,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { ...headers, ETag: entityTag(document) },
    body: version.show(document),
  };
}
