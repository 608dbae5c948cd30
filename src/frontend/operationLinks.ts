/** Where a caller follows an operation: absolute links on the origin under which it called, and the headers that carry them. */
import type { CurrentOperation } from "../model/document.ts";
import { providerNamespace } from "../model/resourceId.ts";
import type { Exchange } from "./exchange.ts";

type LinkKind = "operationStatuses" | "operationResults";

/** The path of an operation's status or result (ARM-77): under the subscription, so that it outlives the resource. */
export function operationPath(
  kind: LinkKind,
  operation: {
    readonly subscriptionId: string;
    readonly location: string;
    readonly operationId: string;
  },
): string {
  return (
    `/subscriptions/${operation.subscriptionId}/providers/${providerNamespace}` +
    `/locations/${operation.location}/${kind}/${operation.operationId}`
  );
}

function link(kind: LinkKind, operationId: string, exchange: Exchange): string {
  const { context, parameters, services, version } = exchange;
  const path = operationPath(kind, {
    subscriptionId: parameters["subscriptionId"] ?? "",
    location: services.location,
    operationId,
  });
  return `${context.origin}${path}?api-version=${version.name}`;
}

/** Where the status of an operation is read. */
export function statusLink(operation: Pick<CurrentOperation, "id">, exchange: Exchange): string {
  return link("operationStatuses", operation.id, exchange);
}

/** `Retry-After` as set. */
export function retryAfter({ services }: Exchange): Record<string, string> {
  return { "Retry-After": String(services.retryAfterSeconds) };
}

/** Headers of a 200 or 201 that started an operation (ARM-75). */
export function startedHeaders(
  operation: Pick<CurrentOperation, "id">,
  exchange: Exchange,
): Record<string, string> {
  return { "Azure-AsyncOperation": statusLink(operation, exchange), ...retryAfter(exchange) };
}

/** Headers of a 202: they also say where the result will be. */
export function acceptedHeaders(
  operation: Pick<CurrentOperation, "id">,
  exchange: Exchange,
): Record<string, string> {
  return {
    ...startedHeaders(operation, exchange),
    Location: link("operationResults", operation.id, exchange),
  };
}
