/**
 * install-config.yaml, by which `openshift-install` is told of a cluster. It must hold no more secrets than the pull secret that
 * has to be in it. Pure.
 */
import { regionName } from "../../../model/regionName.ts";
import { stringify } from "yaml";
import { controlPlaneCount } from "../../../model/cluster.ts";
import { domainRefusal } from "../../../model/clusterDomain.ts";
import { hostPrefix } from "../../../model/podRange.ts";
import { TerminalError } from "../../../model/rpError.ts";
import type { InstallationSnapshot } from "../../installer.ts";
import type { DnsZoneId } from "../azureInstallerSettings.ts";
import { parentZone } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { givenSubnets } from "../resources/givenSubnets.ts";

export interface InstallConfigOptions {
  /** One line, as for `authorized_keys`. */
  readonly sshPublicKey: string;
  /** In CIDR form: the ranges that machines are in. */
  readonly machineNetworks: readonly string[];
  /** The public zone of clusters that are named now; what is noted of this one goes before. */
  readonly dnsZone: DnsZoneId;
  /** The address of ARM, which tells the cloud. */
  readonly resourceManager: string;
}

/** What the program calls the clouds that aren't the public one, by the host of their ARM. */
const otherClouds: Readonly<Record<string, string>> = {
  "management.usgovcloudapi.net": "AzureUSGovernmentCloud",
  "management.chinacloudapi.cn": "AzureChinaCloud",
};

/**
 * @throws {TerminalError} when the cluster's domain is one that `openshift-install` can't make a cluster for.
 */
export function installConfig(
  snapshot: InstallationSnapshot,
  options: InstallConfigOptions,
): string {
  const { cluster, secrets } = snapshot;
  const names = noted(snapshot, "names");
  const { managedGroup, clusterDomain } = names;
  const { sshPublicKey, machineNetworks, resourceManager } = options;
  const { name, baseDomain } = splitDomain(clusterDomain);
  const { zones } = noted(snapshot, "machines");
  const [workers] = cluster.workers;
  if (workers === undefined || cluster.workers.length > 1) {
    throw new TypeError("openshift-install makes one pool of workers");
  }
  const subnets = givenSubnets(cluster);
  const config = {
    apiVersion: "v1",
    metadata: { name },
    baseDomain,
    // its service principal has rights in its own group alone, so it can't make others for its parts
    credentialsMode: "Passthrough",
    controlPlane: {
      name: "master",
      architecture: "amd64",
      replicas: controlPlaneCount,
      platform: { azure: { type: cluster.controlPlane.vmSize, zones } },
    },
    compute: [
      {
        name: "worker",
        architecture: "amd64",
        replicas: workers.count,
        platform: {
          azure: { type: workers.vmSize, osDisk: { diskSizeGB: workers.diskSizeGB } },
        },
      },
    ],
    networking: {
      networkType: "OVNKubernetes",
      machineNetwork: machineNetworks.map((cidr) => ({ cidr })),
      clusterNetwork: [{ cidr: cluster.network.podCidr, hostPrefix }],
      serviceNetwork: [cluster.network.serviceCidr],
    },
    platform: {
      azure: {
        cloudName: otherClouds[new URL(resourceManager).hostname] ?? "AzurePublicCloud",
        region: regionName(cluster.location),
        // the program wants it for public clusters; what it makes of it is taken out of the manifests
        baseDomainResourceGroupName: parentZone(names, options).resourceGroup,
        resourceGroupName: managedGroup,
        ...(subnets === undefined
          ? {}
          : {
              networkResourceGroupName: subnets.networkGroup,
              virtualNetwork: subnets.network,
              controlPlaneSubnet: subnets.controlPlane,
              computeSubnet: subnets.worker,
            }),
      },
    },
    // of what it decides, the machines and their load balancers being made here, the way into applications is left
    publish: cluster.ingresses?.[0]?.visibility === "Private" ? "Internal" : "External",
    pullSecret: secrets.pullSecret ?? "",
    sshKey: sshPublicKey,
  };
  // quoted, as YAML 1.1 and 1.2 differ in which plain words are strings
  return stringify(config, {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

function splitDomain(clusterDomain: string): {
  readonly name: string;
  readonly baseDomain: string;
} {
  const fault = installableFault(clusterDomain);
  if (fault !== undefined) throw new TerminalError({ code: "InstallationFailed", message: fault });
  const [name = "", ...rest] = clusterDomain.split(".");
  return { name, baseDomain: rest.join(".") };
}

/** What is wrong with a domain that `openshift-install` can't make a cluster for, and what to do. */
export function installableFault(clusterDomain: string): string | undefined {
  const refusal =
    domainRefusal(clusterDomain) ??
    (clusterDomain.includes(".") ? undefined : "it has no other domain above it");
  if (refusal === undefined) return undefined;
  return `OpenShift can't be installed for the domain ${clusterDomain}: ${refusal}. Delete the cluster and create it with another domain.`;
}
