/**
 * Tells the address of the cluster's API, and makes the name under which the cluster's API is
 * found from outside, in the parent zone. A cluster whose API is private, or whose domain lies
 * elsewhere, must get none.
 */
import { regionName } from "../../../model/regionName.ts";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { infraNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { createRecord } from "./dnsRecords.ts";
import { orAbsent } from "../failures/orAbsent.ts";

/** Of the names that Azure's public cloud gives to public addresses. */
const addressSuffix = "cloudapp.azure.com";

export function createApiRecord(
  effects: Pick<AzureEffects, "azure" | "pollMs" | "settings">,
): Step {
  return {
    name: "CreateApiRecord",
    deadlineMs: 30 * 60_000,
    run: async (context) => {
      const { cluster } = context.snapshot;
      const { label } = noted(context.snapshot, "names");
      // whoever keeps the records of the domain needs it while the cluster is waited for
      const { ip: apiserverIp, fqdn } = await apiAddress(effects, context);
      if (apiserverIp !== undefined) await context.save({ apiserverIp });
      if (label === undefined || cluster.apiserverVisibility === "Private") return { done: true };
      // as Azure shortens "East US"
      const region = regionName(cluster.location);
      return createRecord(effects, context, {
        name: `api.${label}`,
        type: "CNAME",
        value: fqdn ?? `${noted(context.snapshot, "infraId")}.${region}.${addressSuffix}`,
      });
    },
  };
}

/**
 * Of the load balancer through which the API is meant to be reached, and a public one's own name;
 * nothing as long as Azure doesn't tell it.
 */
async function apiAddress(
  { azure }: Pick<AzureEffects, "azure">,
  { snapshot, signal }: StepContext,
): Promise<{ readonly ip: string | undefined; readonly fqdn?: string | undefined }> {
  const { managedGroup } = noted(snapshot, "names");
  const names = infraNames(noted(snapshot, "infraId"));
  const { network } = azure.of(snapshot.subscriptionId);
  const options = { abortSignal: signal };
  if (snapshot.cluster.apiserverVisibility === "Private") {
    const { internalLoadBalancer } = names;
    const balancer = await orAbsent(
      network.loadBalancers.get(managedGroup, internalLoadBalancer, options),
    );
    return { ip: balancer?.frontendIPConfigurations?.[0]?.privateIPAddress };
  }
  const address = await orAbsent(
    network.publicIPAddresses.get(managedGroup, names.apiAddress, options),
  );
  return { ip: address?.ipAddress, fqdn: address?.dnsSettings?.fqdn };
}
