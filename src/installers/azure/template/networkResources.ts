/** The network that the machines are in, its security groups and public addresses, as parts of the template. Pure. */
import type { SecurityRulePropertiesFormat } from "@azure/arm-network";
import type { Visibility } from "../../../model/cluster.ts";
import { resource, resourceId } from "./azureTemplate.ts";
import type { TemplateResource } from "./azureTemplate.ts";
import { types } from "./resourcesPlan.ts";
import type { ResourcesPlan } from "./resourcesPlan.ts";

export function securityGroups({ input, names, placed }: ResourcesPlan): TemplateResource[] {
  return [
    resource(types.securityGroup, names.controlPlaneSecurityGroup, {
      ...placed,
      properties: { securityRules: controlPlaneRules(input.apiserverVisibility) },
    }),
    resource(types.securityGroup, names.nodeSecurityGroup, {
      ...placed,
      // the cluster adds what its ingress needs
      properties: { securityRules: [] },
    }),
  ];
}

/** What the security group of the control plane lets in from outside of the virtual network: never SSH. */
function controlPlaneRules(
  visibility: Visibility,
): { readonly name: string; readonly properties: SecurityRulePropertiesFormat }[] {
  if (visibility === "Private") return [];
  return [
    {
      name: "apiserver_in",
      properties: {
        priority: 101,
        direction: "Inbound",
        access: "Allow",
        protocol: "Tcp",
        sourceAddressPrefix: "*",
        sourcePortRange: "*",
        destinationAddressPrefix: "*",
        destinationPortRange: "6443",
      },
    },
  ];
}

/** Nothing when the subnets are given. */
export function virtualNetwork({
  names,
  placed,
  network: { made },
}: ResourcesPlan): TemplateResource[] {
  if (made === undefined) return [];
  const { controlPlaneSecurityGroup, nodeSecurityGroup } = names;
  const controlPlaneGroup = resourceId(types.securityGroup, controlPlaneSecurityGroup);
  const nodeGroup = resourceId(types.securityGroup, nodeSecurityGroup);
  return [
    resource(types.virtualNetwork, names.network, {
      ...placed,
      dependsOn: [controlPlaneGroup, nodeGroup],
      properties: {
        addressSpace: { addressPrefixes: [made.vnetCidr] },
        subnets: [
          {
            name: names.controlPlaneSubnet,
            properties: {
              addressPrefix: made.controlPlaneSubnet,
              networkSecurityGroup: { id: controlPlaneGroup },
            },
          },
          {
            name: names.workerSubnet,
            properties: {
              addressPrefix: made.workerSubnet,
              networkSecurityGroup: { id: nodeGroup },
              // workers pull images before the cluster has a load balancer that lets them out; newer api-versions have it off
              defaultOutboundAccess: true,
            },
          },
        ],
      },
    }),
  ];
}

/** The cluster's own cloud provider looks for it; it stays empty. */
export function routeTable({ names, placed }: ResourcesPlan): TemplateResource {
  return resource(types.routeTable, names.routeTable, { ...placed, properties: { routes: [] } });
}

export function publicAddresses(plan: ResourcesPlan): TemplateResource[] {
  const { input, names, placed, addressZones, isPublic } = plan;
  const address = (name: string, domainNameLabel?: string): TemplateResource =>
    resource(types.publicAddress, name, {
      ...placed,
      ...addressZones,
      sku: { name: "Standard" },
      properties: {
        publicIPAllocationMethod: "Static",
        ...(domainNameLabel === undefined ? {} : { dnsSettings: { domainNameLabel } }),
      },
    });
  return isPublic
    ? [address(names.bootstrapAddress), address(names.apiAddress, input.infraId)]
    : [address(names.apiAddress)];
}
