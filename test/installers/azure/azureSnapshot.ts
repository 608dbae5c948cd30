/** A cluster as the steps of the installer on Azure see it, with what earlier steps have noted. */
import type { DnsZoneId } from "../../../src/installers/azure/azureInstallerSettings.ts";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import type { InstallationSnapshot } from "../../../src/installers/installer.ts";
import type { Cluster } from "../../../src/model/cluster.ts";
import { generateSshKey } from "../../../src/installers/sshKey.ts";
import { planted } from "../../leaks/leakWatch.ts";

export const subscriptionId = "00000000-0000-4000-8000-00000000000a";
export const dnsZone: DnsZoneId = {
  subscriptionId: "00000000-0000-4000-8000-00000000000d",
  resourceGroup: "zones",
  name: "clusters.example.com",
};
export const resourceManager = "https://management.azure.com";
export const pullSecret = JSON.stringify({
  auths: { "registry.example.com": { auth: planted("cHVsbDpzZWNyZXQtb2YtdGhlLWNsdXN0ZXI=") } },
});
export const clientSecret = planted("client~secret.of-the-cluster");
export const sshPrivateKey = await generateSshKey();

const goal: Cluster = {
  location: "West Europe",
  clientId: "00000000-0000-4000-8000-00000000000c",
  network: { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
  controlPlane: { vmSize: "Standard_D8s_v3" },
  workers: [{ name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 128, count: 3 }],
};

const notes: AzureNotes = {
  names: {
    mark: "abcdefgh",
    managedGroup: "aro-shop-abcdefgh",
    clusterDomain: "shop-abcdefgh.clusters.example.com",
    label: "shop-abcdefgh",
    storageAccount: "clusterabcdefgh",
  },
  tenantId: "00000000-0000-4000-8000-00000000000e",
  machines: { zones: ["1", "2", "3"], hyperVGeneration: "V2" },
};

export function azureSnapshot(
  changed: Partial<Omit<InstallationSnapshot, "cluster">> & {
    readonly cluster?: Partial<Cluster>;
    readonly notes?: AzureNotes;
  } = {},
): InstallationSnapshot {
  const { cluster, notes: otherNotes, ...rest } = changed;
  return {
    resourceId: `/subscriptions/${subscriptionId}/resourceGroups/Group/providers/RedHat.OpenShift/OpenShiftClusters/Shop`,
    name: "Shop",
    resourceGroup: "Group",
    subscriptionId,
    incarnationId: "11111111-1111-4111-8111-111111111111",
    operationId: "22222222-2222-4222-8222-222222222222",
    epoch: 1,
    secrets: { pullSecret, clientSecret, sshPrivateKey },
    installation: { azure: { ...notes, ...otherNotes } },
    ...rest,
    cluster: { ...goal, ...cluster },
  };
}

const network = `/subscriptions/${subscriptionId}/resourceGroups/Networks/providers/Microsoft.Network/virtualNetworks/office`;

/** A cluster that joins subnets of its user's. */
export const joining: Partial<Cluster> = {
  network: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
  controlPlane: { vmSize: "Standard_D8s_v3", subnetId: `${network}/subnets/masters` },
  workers: [
    {
      name: "worker",
      vmSize: "Standard_D4s_v3",
      diskSizeGB: 128,
      count: 3,
      subnetId: `${network.toUpperCase()}/subnets/workers`,
    },
  ],
};
