/**
 * The audit log: one line for each operation of the API that somebody asked for, whatever came of it, and for one that changes
 * something another before it does: a process that dies in between leaves that. Who reads it must be able to rely on it: no level
 * of the log leaves it out, and what a caller can choose stands in members of its own, cut and without anything that looks like the end of a line,
 * or like another text than it is.
 */
import type { AdminExchange } from "./exchange.ts";
import type { Caller } from "../listener/authenticator.ts";
import { clusterResourceType } from "../model/resourceId.ts";
import { shown } from "../model/shownText.ts";
import type { RequestContext } from "../listener/requestContext.ts";

/** Who may reach a listener without authentication is told by its address: nobody but users of the machine. */
const withoutAuthentication = "loopback";

/** What somebody asked for. */
export interface AuditedCall {
  readonly context: RequestContext;
  /** The operationId. */
  readonly action: string;
  /** Of the path, which say what it is about. */
  readonly parameters: AdminExchange["parameters"];
  readonly caller: Caller;
}

/** What came of it. */
export interface AuditedOutcome {
  readonly status: number;
  /** Present when it was refused or failed. */
  readonly errorCode?: string;
}

/** Writes the line of an action that is about to be done. */
export function auditIntent(call: AuditedCall): void {
  const { actor, action, target } = named(call);
  call.context.log.audit(
    { actor, action, target, intent: true },
    `audit: ${[actor, action, target].filter(Boolean).join(" ")}: begun`,
  );
}

/** Writes the line of what came of it. */
export function audit(call: AuditedCall, outcome: AuditedOutcome): void {
  const { actor, action, target } = named(call);
  const result = outcome.errorCode ?? "done";
  call.context.log.audit(
    { actor, action, target, ...outcome },
    `audit: ${[actor, action, target].filter(Boolean).join(" ")}: ${outcome.status} ${result}`,
  );
}

function named({ action, parameters, caller }: AuditedCall) {
  const actor = visible(caller.isAuthenticated ? caller.subject : withoutAuthentication);
  return { actor, action, target: targetOf(parameters) };
}

/** The ARM id of what it is about, as other lines have it; empty when that is this process, or all clusters. */
function targetOf(parameters: AdminExchange["parameters"]): string {
  const { subscriptionId, resourceGroupName, resourceName, operationId } = parameters;
  const parts = [
    ["subscriptions", subscriptionId],
    ["resourceGroups", resourceGroupName],
    [`providers/${clusterResourceType}`, resourceName],
    ["operations", operationId],
  ] as const;
  return parts
    .flatMap(([name, value]) => (value === undefined ? [] : [`/${name}/${visible(value)}`]))
    .join("");
}

/** Neither control characters, nor what ends a line or turns the direction of a text, nor what can't be seen. */
function visible(text: string): string {
  return shown(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}
