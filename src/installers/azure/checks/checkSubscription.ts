/** Whether the cluster's subscription is ready: resource providers registered, and the resource provider let in by its role. */
import type { Step } from "../../installer.ts";
import type { AzureClients } from "../azureConnection.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { checkStep, propagationMs, type CheckFault } from "./checkStep.ts";
import { missingActions, permissionsAt } from "./permissions.ts";
import { requiredActions } from "./requiredActions.ts";

const namespaces = [
  "Microsoft.Authorization",
  "Microsoft.Compute",
  "Microsoft.ManagedIdentity",
  "Microsoft.Network",
  "Microsoft.Storage",
] as const;

/** Registering takes some minutes. */
const registeringMs = 15 * 60_000;
/** A message has no room for all. */
const shownActionsMax = 6;

export function checkSubscription(effects: AzureEffects): Step {
  return checkStep(effects, "CheckSubscription", async ({ snapshot }, signal) => {
    const { subscriptionId } = snapshot;
    const clients = effects.azure.of(subscriptionId);
    const faults = await Promise.all([
      registrationFaults(clients, subscriptionId, signal),
      permissionFaults(clients, subscriptionId, signal),
    ]);
    return { faults: faults.flat() };
  });
}

async function registrationFaults(
  clients: AzureClients,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<CheckFault[]> {
  const states = await Promise.all(
    namespaces.map(async (namespace) => {
      const provider = await clients.resources.providers.get(namespace, { abortSignal: signal });
      return { namespace, state: provider.registrationState?.toLowerCase() };
    }),
  );
  const missing = states.filter(({ state }) => state !== "registered");
  if (missing.length === 0) return [];
  const comesByItself = missing.every(({ state }) => state === "registering");
  const commands = missing.map(({ namespace }) => `az provider register --namespace ${namespace}`);
  return [
    {
      code: "ResourceProviderNotRegistered",
      message:
        `The subscription ${subscriptionId} has not registered what the cluster is made of; ` +
        `an owner or contributor of it does: ${commands.join("; ")}`,
      patienceMs: comesByItself ? registeringMs : 0,
    },
  ];
}

async function permissionFaults(
  clients: AzureClients,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<CheckFault[]> {
  const scope = `/subscriptions/${subscriptionId}`;
  const permissions = await permissionsAt(clients, scope, signal);
  const missing = permissions === undefined ? [] : missingActions(requiredActions, permissions);
  if (missing.length === 0) return [];
  return [
    {
      code: "AuthorizationFailed",
      message:
        `The resource provider may not do in the subscription ${subscriptionId} what the cluster ` +
        `needs: ${listed(missing)}. Assign it the custom role of its documentation there.`,
      patienceMs: propagationMs,
    },
  ];
}

function listed(actions: readonly string[]): string {
  const shown = actions.slice(0, shownActionsMax).join(", ");
  const more = actions.length - shownActionsMax;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
