/**
 * The template of a cluster's storage account: it holds the machines' image, the bootstrap machine's configuration and the sealed
 * state of the installation. Pure; it has no secret.
 */
import { containers, incarnationTag } from "../azureNames.ts";
import { literal, resource, resourceId, template } from "./azureTemplate.ts";
import type { DeploymentTemplate } from "./azureTemplate.ts";

export interface StorageInput {
  /** Name of the account. */
  readonly storageAccount: string;
  /** As the user wrote it. */
  readonly location: string;
  readonly incarnationId: string;
}

const account = "Microsoft.Storage/storageAccounts";

export function storageTemplate(input: StorageInput): DeploymentTemplate {
  const { storageAccount, location, incarnationId } = input;
  return template([
    resource(account, storageAccount, {
      location: literal(location),
      tags: { [incarnationTag]: incarnationId },
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
      properties: {
        minimumTlsVersion: "TLS1_2",
        supportsHttpsTrafficOnly: true,
        allowBlobPublicAccess: false,
        // the bootstrap machine reads its configuration by a SAS, which the account's key signs
        allowSharedKeyAccess: true,
        allowCrossTenantReplication: false,
        // it isn't in the cluster's network: the resource provider writes to it, and the bootstrap machine reads before it has any
        publicNetworkAccess: "Enabled",
      },
    }),
    ...Object.values(containers).map((container) =>
      resource(
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        `${storageAccount}/default/${container}`,
        {
          dependsOn: [resourceId(account, storageAccount)],
          properties: { publicAccess: "None" },
        },
      ),
    ),
  ]);
}
