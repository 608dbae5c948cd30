/**
 * ARM's deployment templates as types: each resource has the members that its SDK's models know, so a misspelt or misplaced
 * property doesn't compile. The SDKs' models are flattened (what ARM has under `properties` stands beside it) and a few members
 * have other names than in ARM; here everything is as ARM reads it. Pure. Whatever a user wrote must pass through `literal`, or ARM
 * would evaluate it with the rights of the resource provider.
 */
import type { RoleAssignmentCreateParameters } from "@azure/arm-authorization";
import type {
  Image,
  ImageProperties,
  VirtualMachine,
  VirtualMachineProperties,
} from "@azure/arm-compute";
import type {
  BackendAddressPool,
  FrontendIPConfiguration,
  FrontendIPConfigurationPropertiesFormat,
  LoadBalancer,
  LoadBalancerPropertiesFormat,
  LoadBalancingRulePropertiesFormat,
  NetworkInterface,
  NetworkInterfaceIPConfigurationPropertiesFormat,
  NetworkInterfacePropertiesFormat,
  NetworkSecurityGroup,
  NetworkSecurityGroupPropertiesFormat,
  OutboundRulePropertiesFormat,
  ProbePropertiesFormat,
  PublicIPAddress,
  PublicIPAddressPropertiesFormat,
  RouteTable,
  RouteTablePropertiesFormat,
  RoutePropertiesFormat,
  SecurityRulePropertiesFormat,
  SubnetPropertiesFormat,
  VirtualNetwork,
  VirtualNetworkPropertiesFormat,
} from "@azure/arm-network";
import type {
  PrivateZone,
  RecordSetProperties,
  VirtualNetworkLink,
  VirtualNetworkLinkProperties,
} from "@azure/arm-privatedns";
import type {
  ContainerProperties,
  StorageAccountCreateParameters,
  StorageAccountPropertiesCreateParameters,
} from "@azure/arm-storage";
import { apiVersions } from "./apiVersions.ts";
import type { ResourceType } from "./apiVersions.ts";

/** A template, to be deployed into a resource group. */
export interface DeploymentTemplate {
  readonly $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
  readonly contentVersion: "1.0.0.0";
  /** All hold secrets: what isn't secret is in the template itself. */
  readonly parameters: Readonly<Record<string, { readonly type: "secureString" }>>;
  readonly resources: readonly TemplateResource[];
}

/** What to deploy a template with: the values of its parameters. */
export type DeploymentParameters = Readonly<Record<string, { readonly value: string }>>;

/** A resource that is meant by its ARM id. */
export interface Reference {
  readonly id: string;
}

/** A part of a resource. */
interface Named<Properties> {
  readonly name: string;
  readonly properties: Properties;
}

/** A model with some members as ARM has them. */
type As<Model, Members> = Omit<Model, keyof Members> & Members;

type Subnet = Named<
  As<
    SubnetPropertiesFormat,
    { readonly networkSecurityGroup?: Reference; readonly routeTable?: Reference }
  >
>;

type IpConfiguration = Named<
  As<
    NetworkInterfaceIPConfigurationPropertiesFormat,
    {
      readonly subnet: Reference;
      readonly publicIPAddress?: Reference;
      readonly loadBalancerBackendAddressPools?: readonly Reference[];
    }
  >
>;

type FrontendIpConfiguration = Pick<FrontendIPConfiguration, "zones"> &
  Named<
    As<
      FrontendIPConfigurationPropertiesFormat,
      { readonly subnet?: Reference; readonly publicIPAddress?: Reference }
    >
  >;

/** The members of each type of resource besides its name, type, api-version and dependencies. */
interface ResourceMembers {
  "Microsoft.Authorization/roleAssignments": {
    readonly properties: RoleAssignmentCreateParameters;
  };
  "Microsoft.Compute/images": Pick<Image, "location" | "tags"> & {
    readonly properties: ImageProperties;
  };
  "Microsoft.Compute/virtualMachines": Pick<
    VirtualMachine,
    "location" | "tags" | "zones" | "identity"
  > & { readonly properties: VirtualMachineProperties };
  "Microsoft.Network/loadBalancers": Pick<LoadBalancer, "location" | "tags" | "sku"> & {
    readonly properties: As<
      LoadBalancerPropertiesFormat,
      {
        readonly frontendIPConfigurations: readonly FrontendIpConfiguration[];
        readonly backendAddressPools: readonly Pick<BackendAddressPool, "name">[];
        readonly loadBalancingRules?: readonly Named<LoadBalancingRulePropertiesFormat>[];
        readonly probes?: readonly Named<ProbePropertiesFormat>[];
        readonly outboundRules?: readonly Named<OutboundRulePropertiesFormat>[];
      }
    >;
  };
  "Microsoft.Network/networkInterfaces": Pick<NetworkInterface, "location" | "tags"> & {
    readonly properties: As<
      NetworkInterfacePropertiesFormat,
      {
        readonly ipConfigurations: readonly IpConfiguration[];
        readonly networkSecurityGroup?: Reference;
      }
    >;
  };
  "Microsoft.Network/networkSecurityGroups": Pick<NetworkSecurityGroup, "location" | "tags"> & {
    readonly properties: As<
      NetworkSecurityGroupPropertiesFormat,
      { readonly securityRules: readonly Named<SecurityRulePropertiesFormat>[] }
    >;
  };
  "Microsoft.Network/privateDnsZones": Pick<PrivateZone, "location" | "tags">;
  "Microsoft.Network/privateDnsZones/A": { readonly properties: RecordSetProperties };
  "Microsoft.Network/privateDnsZones/SRV": { readonly properties: RecordSetProperties };
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks": Pick<
    VirtualNetworkLink,
    "location" | "tags"
  > & { readonly properties: VirtualNetworkLinkProperties };
  "Microsoft.Network/publicIPAddresses": Pick<
    PublicIPAddress,
    "location" | "tags" | "sku" | "zones"
  > & {
    readonly properties: PublicIPAddressPropertiesFormat;
  };
  "Microsoft.Network/routeTables": Pick<RouteTable, "location" | "tags"> & {
    readonly properties: As<
      RouteTablePropertiesFormat,
      { readonly routes: readonly Named<RoutePropertiesFormat>[] }
    >;
  };
  "Microsoft.Network/virtualNetworks": Pick<VirtualNetwork, "location" | "tags"> & {
    readonly properties: As<
      VirtualNetworkPropertiesFormat,
      { readonly subnets: readonly Subnet[] }
    >;
  };
  "Microsoft.Storage/storageAccounts": Pick<
    StorageAccountCreateParameters,
    "location" | "tags" | "sku" | "kind"
  > & {
    readonly properties: Omit<
      StorageAccountPropertiesCreateParameters,
      "enableHttpsTrafficOnly" | "networkRuleSet" | "enableNfsV3"
    > & { readonly supportsHttpsTrafficOnly: boolean };
  };
  "Microsoft.Storage/storageAccounts/blobServices/containers": {
    readonly properties: ContainerProperties;
  };
}

/** A type that templates may have. */
export type TemplateType = keyof ResourceMembers & ResourceType;

interface Dependent {
  /** Ids, as `resourceId` makes them, of resources of the same template. */
  readonly dependsOn?: readonly string[];
}

/** A resource of a template. */
export type TemplateResource = {
  [Type in TemplateType]: ResourceMembers[Type] &
    Dependent & {
      readonly type: Type;
      readonly apiVersion: (typeof apiVersions)[Type];
      readonly name: string;
    };
}[TemplateType];

/** A resource, with the api-version of its type. */
export function resource<Type extends TemplateType>(
  type: Type,
  name: string,
  members: ResourceMembers[Type] & Dependent,
): TemplateResource {
  // the compiler doesn't follow that one `Type` names one member of the union
  return { type, apiVersion: apiVersions[type], name, ...members } as TemplateResource;
}

export function template(
  resources: readonly TemplateResource[],
  secretParameters: readonly string[] = [],
): DeploymentTemplate {
  return {
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    parameters: Object.fromEntries(
      secretParameters.map((name) => [name, { type: "secureString" } as const]),
    ),
    resources,
  };
}

/** A string as it is, even if it looks like an expression. */
export function literal(text: string): string {
  return text.startsWith("[") && text.endsWith("]") ? `[${text}` : text;
}

/** An expression that ARM evaluates. */
export function expression(source: string): string {
  return `[${source}]`;
}

/** A string inside of an expression. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Inside of an expression, the ARM id of a resource in the deployment's group. */
export function idOf(type: ResourceType, ...names: readonly string[]): string {
  return `resourceId(${[type, ...names].map(quoted).join(", ")})`;
}

/** The ARM id of a resource in the deployment's group. */
export function resourceId(type: ResourceType, ...names: readonly string[]): string {
  return expression(idOf(type, ...names));
}
