/**
 * What the template of a cluster's machines is made from, and what its parts share: names, places, and where in the network
 * everything lies. Pure.
 */
import { controlPlaneCount, type Visibility } from "../../../model/cluster.ts";
import { addressPlan } from "./addressPlan.ts";
import { incarnationTag, infraNames } from "../azureNames.ts";
import type { MachineOffer } from "../azureNotes.ts";
import { expression, idOf, literal, quoted, resourceId } from "./azureTemplate.ts";

/** What the template is made from: the snapshot's cluster and incarnation, and what earlier steps have noted. */
export interface ResourcesInput {
  /** Prefix of all names, which `openshift-install` has chosen. */
  readonly infraId: string;
  readonly incarnationId: string;
  /** As the user wrote it. */
  readonly location: string;
  /** The name of the private zone. */
  readonly clusterDomain: string;
  readonly apiserverVisibility: Visibility;
  readonly network: NewNetwork | GivenNetwork;
  /** Of each control plane machine, and of the bootstrap machine. */
  readonly machineSize: string;
  readonly machines: MachineOffer;
  /** Where the copied image lies: the URL of a blob in the cluster's storage account, without a SAS. */
  readonly imageBlobUrl: string;
  /** Of the machines' identity. */
  readonly identityObjectId: string;
  /** Of the service principal by which the cluster acts. */
  readonly principalObjectId: string;
}

/** A virtual network to be made. */
export interface NewNetwork {
  /** At least a /24. */
  readonly vnetCidr: string;
}

/** Subnets that the user has. */
export interface GivenNetwork {
  /** The ARM id of the subnet of the control plane. */
  readonly controlPlaneSubnetId: string;
}

/** The types of resources, by what they are called here. */
export const types = {
  image: "Microsoft.Compute/images",
  addressRecord: "Microsoft.Network/privateDnsZones/A",
  identity: "Microsoft.ManagedIdentity/userAssignedIdentities",
  loadBalancer: "Microsoft.Network/loadBalancers",
  nic: "Microsoft.Network/networkInterfaces",
  publicAddress: "Microsoft.Network/publicIPAddresses",
  roleAssignment: "Microsoft.Authorization/roleAssignments",
  routeTable: "Microsoft.Network/routeTables",
  securityGroup: "Microsoft.Network/networkSecurityGroups",
  serviceRecord: "Microsoft.Network/privateDnsZones/SRV",
  virtualMachine: "Microsoft.Compute/virtualMachines",
  virtualNetwork: "Microsoft.Network/virtualNetworks",
  zone: "Microsoft.Network/privateDnsZones",
  zoneLink: "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
} as const;

/** What the parts of the template share. */
export interface ResourcesPlan {
  readonly input: ResourcesInput;
  readonly names: ReturnType<typeof infraNames>;
  readonly isPublic: boolean;
  /** Of everything that is in a region and can be tagged. */
  readonly placed: { readonly location: string; readonly tags: Record<string, string> };
  /** Of an address that has to survive the loss of a zone; unless they are named, it is in none. */
  readonly addressZones: { readonly zones?: string[] };
  readonly network: PlannedNetwork;
  /** Names of the control plane's machines and their network interfaces. */
  readonly controlPlane: readonly { readonly machine: string; readonly nic: string }[];
}

interface PlannedNetwork {
  /** Absent when the subnets are given. */
  readonly made?: {
    readonly vnetCidr: string;
    readonly controlPlaneSubnet: string;
    readonly workerSubnet: string;
  };
  readonly id: string;
  readonly controlPlaneSubnetId: string;
  /** Without it Azure chooses one. */
  readonly internalAddress?: string;
  /** What has to exist before something joins the subnets. */
  readonly dependsOn: readonly string[];
}

export function planOf(input: ResourcesInput): ResourcesPlan {
  const names = infraNames(input.infraId);
  return {
    input,
    names,
    isPublic: input.apiserverVisibility === "Public",
    placed: {
      location: literal(input.location),
      tags: { [incarnationTag]: input.incarnationId },
    },
    addressZones: addressZones(input.machines),
    network: planNetwork(input.network, names),
    controlPlane: Array.from({ length: controlPlaneCount }, (_, index) => ({
      machine: names.controlPlaneMachine(index),
      nic: names.controlPlaneNic(index),
    })),
  };
}

/** An address is in one zone or in all three, and a region with zones has three; a size of machines may be in fewer. */
function addressZones({ zones }: MachineOffer): ResourcesPlan["addressZones"] {
  return zones.length === 3 ? { zones: [...zones] } : {};
}

function planNetwork(
  network: ResourcesInput["network"],
  names: ResourcesPlan["names"],
): PlannedNetwork {
  if ("controlPlaneSubnetId" in network) {
    const { controlPlaneSubnetId } = network;
    return {
      id: literal(controlPlaneSubnetId.replace(/\/subnets\/[^/]*$/i, "")),
      controlPlaneSubnetId: literal(controlPlaneSubnetId),
      dependsOn: [],
    };
  }
  const { controlPlaneSubnet, workerSubnet, internalLoadBalancer } = addressPlan(network.vnetCidr);
  const id = resourceId(types.virtualNetwork, names.network);
  return {
    made: { vnetCidr: network.vnetCidr, controlPlaneSubnet, workerSubnet },
    id,
    controlPlaneSubnetId: expression(
      `concat(${idOf(types.virtualNetwork, names.network)}, ${quoted(`/subnets/${names.controlPlaneSubnet}`)})`,
    ),
    internalAddress: internalLoadBalancer,
    dependsOn: [id],
  };
}

/** Of the link by which the virtual network sees the private zone. */
export function zoneLinkName({ network }: ResourcesPlan["names"]): string {
  return `${network}-link`;
}
