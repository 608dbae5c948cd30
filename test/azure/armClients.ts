/** Clients of Azure's SDKs that talk to the stand-in. They must be the SDKs' own, with nothing changed but the address. */
import { ClientSecretCredential } from "@azure/identity";
import { DeploymentsClient } from "@azure/arm-resourcesdeployments";
import { ResourceManagementClient } from "@azure/arm-resources";
import type { LocalAzure } from "./localAzure.ts";

export const subscriptionId = "0b1f6471-1bf0-4dda-aec3-111122223333";

/** Signs in as the resource provider does. */
export function credentialFor(azure: LocalAzure): ClientSecretCredential {
  const { clientId, clientSecret } = azure.providerApplication;
  return new ClientSecretCredential(azure.tenantId, clientId, clientSecret, {
    authorityHost: azure.url,
    disableInstanceDiscovery: true,
  });
}

/** Options of every client: the stand-in's address, and no retries that a test would have to wait for. */
export function clientOptions(azure: LocalAzure) {
  return {
    endpoint: azure.url,
    credentials: { scopes: [`${azure.url}/.default`] },
    retryOptions: { maxRetries: 0 },
  };
}

/** Clients for groups, generic resources and deployments; trusts the stand-in in this thread. */
export function armClients(azure: LocalAzure) {
  azure.trust();
  const credential = credentialFor(azure);
  const options = clientOptions(azure);
  return {
    credential,
    resources: new ResourceManagementClient(credential, subscriptionId, options),
    deployments: new DeploymentsClient(credential, subscriptionId, options),
  };
}
