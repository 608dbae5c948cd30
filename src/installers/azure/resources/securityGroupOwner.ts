/**
 * Whose a network security group is that guards a subnet already: another cluster's must not be taken off, as its machines would be
 * left unguarded. It must never change anything.
 */
import type { InstallationSnapshot } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { statusOf } from "../failures/azureErrors.ts";
import { incarnationTag } from "../azureNames.ts";
import { orAbsent } from "../failures/orAbsent.ts";

const form =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/networkSecurityGroups\/([^/]+)$/i;

/**
 * Whether the group, or the resource group that it is in, was made for another cluster. One that may not be read wasn't.
 *
 * @param id of ARM.
 */
export async function isOfAnotherCluster(
  { azure }: Pick<AzureEffects, "azure">,
  { incarnationId }: Pick<InstallationSnapshot, "incarnationId">,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const [, subscriptionId, resourceGroup, name] = form.exec(id) ?? [];
  if (subscriptionId === undefined || resourceGroup === undefined || name === undefined) {
    return false;
  }
  const { network, resources } = azure.of(subscriptionId.toLowerCase());
  const options = { abortSignal: signal };
  const isAnothers = (tagged: { readonly tags?: Record<string, string> } | undefined): boolean => {
    const owner = tagged?.tags?.[incarnationTag];
    return owner !== undefined && owner !== incarnationId;
  };
  return (
    isAnothers(await readable(network.networkSecurityGroups.get(resourceGroup, name, options))) ||
    isAnothers(await readable(resources.resourceGroups.get(resourceGroup, options)))
  );
}

async function readable<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await orAbsent(read);
  } catch (error) {
    if (statusOf(error) === 403) return undefined;
    throw error;
  }
}
