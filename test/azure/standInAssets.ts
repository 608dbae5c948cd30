/**
 * What an installer brings about before a cluster can begin, put into the stand-in for Azure directly: for tests of the cluster
 * alone. It must use the program that stands in for openshift-install, so that both fit together.
 */
import {
  BlobSASPermissions,
  BlobServiceClient,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import sshpk from "sshpk";
import { stringify } from "yaml";
import { writeInstallProgram } from "./installProgram.ts";
import type { LocalAzure } from "./localAzure.ts";
import { storageAccountKey } from "./storageAccountKeys.ts";

const subscriptionId = "11111111-1111-4111-8111-111111111111";
/** The id of the group that all of it is in. */
export const group = `/subscriptions/${subscriptionId}/resourceGroups/shop`;

const sshKey = sshpk
  .parseKey(
    generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString(),
    "pem",
  )
  .toString("ssh");
/** One that openshift-install accepts: a public cluster with three workers in two zones. */
export const installConfig = {
  apiVersion: "v1",
  metadata: { name: "shop" },
  baseDomain: "example.com",
  controlPlane: { name: "master", replicas: 3 },
  compute: [{ name: "worker", replicas: 3, platform: { azure: { zones: ["1", "2"] } } }],
  networking: {
    clusterNetwork: [{ cidr: "10.128.0.0/14", hostPrefix: 23 }],
    machineNetwork: [{ cidr: "10.0.0.0/16" }],
    serviceNetwork: ["172.30.0.0/16"],
  },
  platform: {
    azure: {
      region: "westeurope",
      baseDomainResourceGroupName: "dns",
      resourceGroupName: "shop",
    },
  },
  pullSecret: '{"auths":{"registry.example.com":{"auth":"dXNlcjpwYXNz"}}}',
  sshKey,
};
export interface Assets {
  readonly infraId: string;
  readonly kubeconfig: string;
  readonly bootstrapIgnition: string;
  readonly masterIgnition: string;
}

export interface AssetsOptions {
  /** An empty one. */
  readonly folder: string;
  readonly installConfig: object;
  /** Changes the manifests in the folder. */
  readonly edit?: (folder: string, infraId: string) => void;
}

/** Makes the assets of a cluster. */
export async function makeAssets(azure: LocalAzure, options: AssetsOptions): Promise<Assets> {
  const { folder, installConfig, edit } = options;
  const authorityFile = join(folder, "ca.crt");
  writeFileSync(authorityFile, azure.caCertificatePem);
  const program = writeInstallProgram(folder, { url: azure.url, authorityFile });
  const credentials = join(folder, "principal.json");
  const { clientId, clientSecret } = azure.clusterApplication;
  const principal = { subscriptionId, tenantId: "t", clientId, clientSecret };
  writeFileSync(credentials, JSON.stringify(principal));
  writeFileSync(join(folder, "install-config.yaml"), stringify(installConfig));
  const run = async (what: string) =>
    await promisify(execFile)(program, ["create", what, "--dir", folder], {
      env: { AZURE_AUTH_LOCATION: credentials },
    });
  await run("manifests");
  const state = join(folder, ".openshift_install_state.json");
  const { infraId } = JSON.parse(readFileSync(state, "utf8")) as { infraId: string };
  edit?.(folder, infraId);
  await run("ignition-configs");
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  return {
    infraId,
    kubeconfig: text("auth/kubeconfig"),
    bootstrapIgnition: text("bootstrap.ign"),
    masterIgnition: text("master.ign"),
  };
}

/**
 * Makes all resources of a cluster but its machines.
 *
 * @returns the custom data of the machines, base64.
 */
export async function putSurroundings(
  azure: LocalAzure,
  assets: Assets,
  sasExpiresAt: number,
): Promise<Readonly<Record<"bootstrap" | "master", string>>> {
  const { infraId, bootstrapIgnition, masterIgnition } = assets;
  putResources(azure, infraId);
  const blob = new BlobServiceClient(
    `${azure.url}/cluster1`,
    new StorageSharedKeyCredential("cluster1", storageAccountKey("cluster1")),
  )
    .getContainerClient("ignition")
    .getBlockBlobClient("bootstrap.ign");
  await blob.upload(bootstrapIgnition, Buffer.byteLength(bootstrapIgnition));
  const source = await blob.generateSasUrl({
    permissions: BlobSASPermissions.parse("r"),
    protocol: SASProtocol.Https,
    expiresOn: new Date(sasExpiresAt),
  });
  const pointer = JSON.stringify({
    ignition: { version: "3.2.0", config: { replace: { source } } },
  });
  const base64 = (config: string) => Buffer.from(config).toString("base64");
  return { bootstrap: base64(pointer), master: base64(masterIgnition) };
}

function putResources(azure: LocalAzure, infraId: string): void {
  const account = `${group}/providers/Microsoft.Storage/storageAccounts/cluster1`;
  const network = `${group}/providers/Microsoft.Network`;
  const vnet = `${network}/virtualNetworks/${infraId}-vnet`;
  const subnet = `${infraId}-worker-subnet`;
  const zone = `${network}/privateDnsZones/shop.example.com`;
  const resources: [string, string, object?][] = [
    [group, "Microsoft.Resources/resourceGroups"],
    [account, "Microsoft.Storage/storageAccounts"],
    [
      `${account}/blobServices/default/containers/ignition`,
      "Microsoft.Storage/storageAccounts/blobServices/containers",
    ],
    [
      vnet,
      "Microsoft.Network/virtualNetworks",
      {
        subnets: [
          {
            id: `${vnet}/subnets/${subnet}`,
            name: subnet,
            properties: { addressPrefix: "10.0.32.0/19" },
          },
        ],
      },
    ],
    [zone, "Microsoft.Network/privateDnsZones"],
    [`${zone}/A/api-int`, "Microsoft.Network/privateDnsZones/A"],
    [`${network}/loadBalancers/${infraId}`, "Microsoft.Network/loadBalancers"],
    [`${group}/providers/Microsoft.Compute/images/${infraId}`, "Microsoft.Compute/images"],
    [
      `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${infraId}-identity`,
      "Microsoft.ManagedIdentity/userAssignedIdentities",
    ],
  ];
  for (const [id, type, properties = {}] of resources) put(azure, { id, type, properties });
}

/** Makes a machine, or changes it. */
export function putMachine(
  azure: LocalAzure,
  name: string,
  options: { readonly customData: string; readonly provisioningState?: string },
): void {
  const { customData, provisioningState = "Succeeded" } = options;
  put(azure, {
    id: `${group}/providers/Microsoft.Compute/virtualMachines/${name}`,
    type: "Microsoft.Compute/virtualMachines",
    properties: { provisioningState },
    hidden: { customData },
  });
}

function put(
  azure: LocalAzure,
  resource: {
    readonly id: string;
    readonly type: string;
    readonly properties: object;
    readonly hidden?: object;
  },
): void {
  const name = resource.id.slice(resource.id.lastIndexOf("/") + 1);
  azure.state.put({
    location: "westeurope",
    ...resource,
    name,
    properties: { provisioningState: "Succeeded", ...resource.properties },
  });
}
