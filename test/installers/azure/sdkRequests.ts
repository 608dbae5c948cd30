/**
 * What the SDK's clients would send to Azure to make a resource, without sending it: the SDK's own serialisation, as the measure of
 * whether a template says the same in ARM's words.
 */
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ComputeManagementClient } from "@azure/arm-compute";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { NetworkManagementClient } from "@azure/arm-network";
import { PrivateDnsManagementClient } from "@azure/arm-privatedns";
import { StorageManagementClient } from "@azure/arm-storage";
import type { HttpClient } from "@azure/core-rest-pipeline";
import { createHttpHeaders } from "@azure/core-rest-pipeline";
import type { ResourceType } from "../../../src/installers/azure/template/apiVersions.ts";

export interface SdkRequest {
  /** Below the resource group's `/providers/`. */
  readonly resource: string;
  readonly apiVersion: string | null;
  readonly body: unknown;
}

const group = "managed";
const subscriptionId = "5f0c2a1e-8d34-4f6a-9b7c-1e2d3c4b5a69";
const scope = `subscriptions/${subscriptionId}/resourceGroups/${group}`;
const credential = {
  getToken: async () => ({ token: "none", expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
};

/**
 * @param names of the resource, after those of its parents.
 * @param model in the SDK's flattened form, as one of its methods takes it.
 */
export async function sdkRequest(
  type: ResourceType,
  names: readonly string[],
  model: object,
): Promise<SdkRequest> {
  const sent: SdkRequest[] = [];
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      const url = new URL(request.url);
      sent.push({
        resource: decodeURIComponent(url.pathname).replace(`/${scope}/providers/`, ""),
        apiVersion: url.searchParams.get("api-version"),
        body: typeof request.body === "string" ? JSON.parse(request.body) : undefined,
      });
      return { request, status: 200, headers: createHttpHeaders(), bodyAsText: "{}" };
    },
  };
  await senders[type]({
    connection: [credential, subscriptionId, { httpClient }],
    names: [...names, "", "", ""] as unknown as Call["names"],
    // each method checks its own model; here the question is what it makes of any
    model: model as never,
  });
  const request = sent[0];
  if (request === undefined) throw new Error(`the SDK has sent nothing for ${type}`);
  return request;
}

interface Call {
  readonly connection: readonly [typeof credential, string, { readonly httpClient: HttpClient }];
  readonly names: readonly [string, string, string];
  readonly model: never;
}

const senders: Record<ResourceType, (call: Call) => PromiseLike<unknown>> = {
  "Microsoft.Authorization/roleAssignments": ({ connection, names, model }) =>
    new AuthorizationManagementClient(...connection).roleAssignments.create(scope, names[0], model),
  "Microsoft.Compute/disks": ({ connection, names, model }) =>
    new ComputeManagementClient(...connection).disks.createOrUpdate(group, names[0], model),
  "Microsoft.Compute/images": ({ connection, names, model }) =>
    new ComputeManagementClient(...connection).images.createOrUpdate(group, names[0], model),
  "Microsoft.Compute/virtualMachines": ({ connection, names, model }) =>
    new ComputeManagementClient(...connection).virtualMachines.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.ManagedIdentity/userAssignedIdentities": ({ connection, names, model }) =>
    new ManagedServiceIdentityClient(...connection).userAssignedIdentities.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.Network/loadBalancers": ({ connection, names, model }) =>
    new NetworkManagementClient(...connection).loadBalancers.createOrUpdate(group, names[0], model),
  "Microsoft.Network/networkInterfaces": ({ connection, names, model }) =>
    new NetworkManagementClient(...connection).networkInterfaces.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.Network/networkSecurityGroups": ({ connection, names, model }) =>
    new NetworkManagementClient(...connection).networkSecurityGroups.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.Network/privateDnsZones": ({ connection, names, model }) =>
    new PrivateDnsManagementClient(...connection).privateZones.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.Network/privateDnsZones/A": ({ connection, names, model }) =>
    new PrivateDnsManagementClient(...connection).recordSets.createOrUpdate(
      group,
      names[0],
      "A",
      names[1],
      model,
    ),
  "Microsoft.Network/privateDnsZones/SRV": ({ connection, names, model }) =>
    new PrivateDnsManagementClient(...connection).recordSets.createOrUpdate(
      group,
      names[0],
      "SRV",
      names[1],
      model,
    ),
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ({ connection, names, model }) =>
    new PrivateDnsManagementClient(...connection).virtualNetworkLinks.createOrUpdate(
      group,
      names[0],
      names[1],
      model,
    ),
  "Microsoft.Network/publicIPAddresses": ({ connection, names, model }) =>
    new NetworkManagementClient(...connection).publicIPAddresses.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.Network/routeTables": ({ connection, names, model }) =>
    new NetworkManagementClient(...connection).routeTables.createOrUpdate(group, names[0], model),
  "Microsoft.Network/virtualNetworks": ({ connection, names, model }) =>
    new NetworkManagementClient(...connection).virtualNetworks.createOrUpdate(
      group,
      names[0],
      model,
    ),
  "Microsoft.Storage/storageAccounts": ({ connection, names, model }) =>
    new StorageManagementClient(...connection).storageAccounts.create(group, names[0], model),
  "Microsoft.Storage/storageAccounts/blobServices/containers": ({ connection, names, model }) =>
    // the middle name is always `default`, and no argument of the method
    new StorageManagementClient(...connection).blobContainers.create(
      group,
      names[0],
      names[2],
      model,
    ),
};
