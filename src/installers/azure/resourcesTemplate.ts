/**
 * The template of a cluster's machines and of everything they need: network, DNS, load balancers, image, the bootstrap machine and
 * the control plane. Workers are none of its business: the cluster makes them itself. Pure; secrets are in its parameters alone.
 */
import type {
  LoadBalancingRulePropertiesFormat,
  ProbePropertiesFormat,
  SecurityRulePropertiesFormat,
} from "@azure/arm-network";
import type { Visibility } from "../../model/cluster.ts";
import { addressPlan } from "./addressPlan.ts";
import { controlPlaneCount, incarnationTag, infraNames } from "./azureNames.ts";
import type { MachineOffer } from "./azureNotes.ts";
import {
  expression,
  idOf,
  literal,
  quoted,
  resource,
  resourceId,
  template,
} from "./azureTemplate.ts";
import type {
  DeploymentParameters,
  DeploymentTemplate,
  Reference,
  TemplateResource,
} from "./azureTemplate.ts";

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

/** What the machines are started with. */
export interface MachineConfigurations {
  /** Where the bootstrap machine reads its configuration, with a SAS. */
  readonly bootstrapIgnitionUrl: string;
  /** The file `master.ign` as `openshift-install` has made it. */
  readonly masterIgnition: string;
}

const apiPort = 6443;
const machineConfigPort = 22_623;
const idleMinutes = 30;
const recordTtl = 300;
const etcdRecordTtl = 60;
/** Of Azure's built-in role, in every tenant. */
const contributorRole = "b24988ac-6180-42a0-ab88-20f7382dd24c";

const types = {
  image: "Microsoft.Compute/images",
  loadBalancer: "Microsoft.Network/loadBalancers",
  nic: "Microsoft.Network/networkInterfaces",
  publicAddress: "Microsoft.Network/publicIPAddresses",
  roleAssignment: "Microsoft.Authorization/roleAssignments",
  routeTable: "Microsoft.Network/routeTables",
  securityGroup: "Microsoft.Network/networkSecurityGroups",
  virtualNetwork: "Microsoft.Network/virtualNetworks",
  zone: "Microsoft.Network/privateDnsZones",
  zoneLink: "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
} as const;

const bootstrapParameter = "bootstrapIgnition";
const controlPlaneParameter = "masterIgnition";

/** Values of the template's parameters, which are secrets. They must be the same each time: Azure refuses to change them. */
export function resourcesParameters(configurations: MachineConfigurations): DeploymentParameters {
  const { bootstrapIgnitionUrl, masterIgnition } = configurations;
  const base64 = (text: string) => ({ value: Buffer.from(text).toString("base64") });
  return {
    [bootstrapParameter]: base64(pointerIgnition(bootstrapIgnitionUrl, masterIgnition)),
    [controlPlaneParameter]: base64(masterIgnition),
  };
}

/**
 * A configuration that says no more than where the whole one is: Azure hands at most 64 KiB to a machine. In the form of
 * Ignition that the other configurations have, as the machines' system knows only some.
 *
 * @throws {SyntaxError} when the other configuration isn't JSON.
 */
function pointerIgnition(source: string, sibling: string): string {
  const { ignition } = JSON.parse(sibling) as { ignition: { version: string } };
  return JSON.stringify({
    ignition: { version: ignition.version, config: { replace: { source } } },
  });
}

export function resourcesTemplate(input: ResourcesInput): DeploymentTemplate {
  const plan = planOf(input);
  return template(
    [
      ...roleAssignments(input),
      ...securityGroups(plan),
      ...virtualNetwork(plan),
      ...privateDns(plan),
      routeTable(plan),
      ...publicAddresses(plan),
      publicLoadBalancer(plan),
      internalLoadBalancer(plan),
      ...nics(plan),
      image(plan),
      ...machines(plan),
    ],
    [bootstrapParameter, controlPlaneParameter],
  );
}

/** What the parts of the template share. */
interface Plan {
  readonly input: ResourcesInput;
  readonly names: ReturnType<typeof infraNames>;
  readonly isPublic: boolean;
  /** Of everything that is in a region and can be tagged. */
  readonly placed: { readonly location: string; readonly tags: Record<string, string> };
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

function planOf(input: ResourcesInput): Plan {
  const names = infraNames(input.infraId);
  return {
    input,
    names,
    isPublic: input.apiserverVisibility === "Public",
    placed: {
      location: literal(input.location),
      tags: { [incarnationTag]: input.incarnationId },
    },
    network: planNetwork(input.network, names),
    controlPlane: Array.from({ length: controlPlaneCount }, (_, index) => ({
      machine: names.controlPlaneMachine(index),
      nic: names.controlPlaneNic(index),
    })),
  };
}

function planNetwork(network: ResourcesInput["network"], names: Plan["names"]): PlannedNetwork {
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

/** For the machines' identity, and for the principal by which the cluster makes its workers. */
function roleAssignments(input: ResourcesInput): TemplateResource[] {
  return assignmentNames(input).map(({ principalId, name }) =>
    resource(types.roleAssignment, name, {
      properties: {
        roleDefinitionId: expression(
          `subscriptionResourceId('Microsoft.Authorization/roleDefinitions', ${quoted(contributorRole)})`,
        ),
        principalId,
        // without it Azure looks the principal up, and doesn't find one that is younger than its directory's replication
        principalType: "ServicePrincipal",
      },
    }),
  );
}

/** The names are digests, so that a repeated deployment meets its own assignments. */
function assignmentNames({ identityObjectId, principalObjectId }: ResourcesInput) {
  return [identityObjectId, principalObjectId].map((principalId) => ({
    principalId,
    name: expression(
      `guid(resourceGroup().id, ${quoted(principalId)}, ${quoted(contributorRole)})`,
    ),
  }));
}

function securityGroups({ names, placed, isPublic }: Plan): TemplateResource[] {
  return [
    resource(types.securityGroup, names.controlPlaneSecurityGroup, {
      ...placed,
      properties: {
        securityRules: isPublic ? [{ name: "apiserver_in", properties: apiRule }] : [],
      },
    }),
    resource(types.securityGroup, names.nodeSecurityGroup, {
      ...placed,
      // the cluster adds what its ingress needs
      properties: { securityRules: [] },
    }),
  ];
}

const apiRule: SecurityRulePropertiesFormat = {
  priority: 101,
  direction: "Inbound",
  access: "Allow",
  protocol: "Tcp",
  sourceAddressPrefix: "*",
  sourcePortRange: "*",
  destinationAddressPrefix: "*",
  destinationPortRange: String(apiPort),
};

/** Nothing when the subnets are given. */
function virtualNetwork({ names, placed, network: { made } }: Plan): TemplateResource[] {
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

/** The cluster's domain as its machines see it. */
function privateDns(plan: Plan): TemplateResource[] {
  const { input, names, network, placed, controlPlane } = plan;
  const zone = input.clusterDomain;
  const zoneId = resourceId(types.zone, zone);
  const metadata = { [incarnationTag]: input.incarnationId };
  const api = internalAddressOf(plan);
  const apiRecord = (name: string) =>
    resource("Microsoft.Network/privateDnsZones/A", `${zone}/${name}`, {
      dependsOn: [zoneId, ...api.dependsOn],
      properties: { metadata, ttl: recordTtl, aRecords: [{ ipv4Address: api.address }] },
    });
  return [
    // a zone is in no region
    resource(types.zone, zone, { location: "global", tags: placed.tags }),
    resource(types.zoneLink, `${zone}/${linkName(names)}`, {
      location: "global",
      tags: placed.tags,
      dependsOn: [zoneId, ...network.dependsOn],
      properties: { registrationEnabled: false, virtualNetwork: { id: network.id } },
    }),
    apiRecord("api-int"),
    apiRecord("api"),
    // releases before 4.4 find the members of etcd by these
    resource("Microsoft.Network/privateDnsZones/SRV", `${zone}/_etcd-server-ssl._tcp`, {
      dependsOn: [zoneId],
      properties: {
        metadata,
        ttl: etcdRecordTtl,
        srvRecords: controlPlane.map((_, index) => ({
          priority: 10,
          weight: 10,
          port: 2380,
          target: `etcd-${index}.${zone}`,
        })),
      },
    }),
    ...controlPlane.map(({ nic }, index) =>
      resource("Microsoft.Network/privateDnsZones/A", `${zone}/etcd-${index}`, {
        dependsOn: [zoneId, resourceId(types.nic, nic)],
        properties: {
          metadata,
          ttl: etcdRecordTtl,
          aRecords: [
            {
              ipv4Address: expression(
                `reference(${idOf(types.nic, nic)}).ipConfigurations[0].properties.privateIPAddress`,
              ),
            },
          ],
        },
      }),
    ),
  ];
}

function linkName({ network }: Plan["names"]): string {
  return `${network}-link`;
}

/** The address of the internal load balancer, and what it takes to know it. */
function internalAddressOf({ names, network }: Plan): {
  readonly address: string;
  readonly dependsOn: readonly string[];
} {
  if (network.internalAddress !== undefined) {
    return { address: network.internalAddress, dependsOn: [] };
  }
  return {
    address: expression(
      `reference(${idOf(types.loadBalancer, names.internalLoadBalancer)}).frontendIPConfigurations[0].properties.privateIPAddress`,
    ),
    dependsOn: [resourceId(types.loadBalancer, names.internalLoadBalancer)],
  };
}

/** The cluster's own cloud provider looks for it; it stays empty. */
function routeTable({ names, placed }: Plan): TemplateResource {
  return resource(types.routeTable, names.routeTable, { ...placed, properties: { routes: [] } });
}

function publicAddresses({ input, names, placed, isPublic }: Plan): TemplateResource[] {
  const address = (name: string, domainNameLabel?: string): TemplateResource =>
    resource(types.publicAddress, name, {
      ...placed,
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

/** Names of the parts of a load balancer, and references to them. */
interface BalancerParts {
  readonly frontend: Reference;
  readonly pool: Reference;
  readonly probe: (name: string) => Reference;
}

const frontendName = "frontend";
const poolName = "control-plane";

function partsOf(loadBalancer: string): BalancerParts {
  const part = (kind: string, name: string): Reference => ({
    id: expression(
      `concat(${idOf(types.loadBalancer, loadBalancer)}, ${quoted(`/${kind}/${name}`)})`,
    ),
  });
  return {
    frontend: part("frontendIPConfigurations", frontendName),
    pool: part("backendAddressPools", poolName),
    probe: (name) => part("probes", name),
  };
}

function balancingRule(
  { frontend, pool, probe }: BalancerParts,
  { port, probeName }: { readonly port: number; readonly probeName: string },
): LoadBalancingRulePropertiesFormat {
  return {
    protocol: "Tcp",
    frontendIPConfiguration: frontend,
    frontendPort: port,
    backendAddressPool: pool,
    backendPort: port,
    probe: probe(probeName),
    idleTimeoutInMinutes: idleMinutes,
    loadDistribution: "Default",
  };
}

function probe(port: number): ProbePropertiesFormat {
  return { protocol: "Tcp", port, intervalInSeconds: 10, numberOfProbes: 3 };
}

/** The way out of the control plane, and the way in from the internet unless the API is private. */
function publicLoadBalancer({ names, placed, isPublic }: Plan): TemplateResource {
  const parts = partsOf(names.publicLoadBalancer);
  const address = resourceId(types.publicAddress, names.apiAddress);
  return resource(types.loadBalancer, names.publicLoadBalancer, {
    ...placed,
    sku: { name: "Standard" },
    dependsOn: [address],
    properties: {
      frontendIPConfigurations: [
        { name: frontendName, properties: { publicIPAddress: { id: address } } },
      ],
      backendAddressPools: [{ name: poolName, properties: {} }],
      ...(isPublic
        ? {
            loadBalancingRules: [
              {
                name: "api",
                properties: {
                  ...balancingRule(parts, { port: apiPort, probeName: "api-probe" }),
                  // a frontend that has an outbound rule must not be a way out by another one too
                  disableOutboundSnat: true,
                },
              },
            ],
            probes: [{ name: "api-probe", properties: probe(apiPort) }],
          }
        : {}),
      outboundRules: [
        {
          name: "outbound",
          properties: {
            protocol: "All",
            frontendIPConfigurations: [parts.frontend],
            backendAddressPool: parts.pool,
            idleTimeoutInMinutes: idleMinutes,
          },
        },
      ],
    },
  });
}

/** Of the API, and of the configurations that machines start with. */
function internalLoadBalancer({ names, placed, network }: Plan): TemplateResource {
  const parts = partsOf(names.internalLoadBalancer);
  const ports = [
    { name: "api-int", port: apiPort },
    { name: "machine-config", port: machineConfigPort },
  ];
  const { internalAddress } = network;
  return resource(types.loadBalancer, names.internalLoadBalancer, {
    ...placed,
    sku: { name: "Standard" },
    dependsOn: network.dependsOn,
    properties: {
      frontendIPConfigurations: [
        {
          name: frontendName,
          properties: {
            subnet: { id: network.controlPlaneSubnetId },
            ...(internalAddress === undefined
              ? { privateIPAllocationMethod: "Dynamic" }
              : { privateIPAllocationMethod: "Static", privateIPAddress: internalAddress }),
          },
        },
      ],
      backendAddressPools: [{ name: poolName, properties: {} }],
      loadBalancingRules: ports.map(({ name, port }) => ({
        name,
        properties: balancingRule(parts, { port, probeName: `${name}-probe` }),
      })),
      probes: ports.map(({ name, port }) => ({ name: `${name}-probe`, properties: probe(port) })),
    },
  });
}

/** All are behind both load balancers, the bootstrap machine too: it is the API until the control plane has one. */
function nics({ names, placed, network, isPublic, controlPlane }: Plan): TemplateResource[] {
  const balancers = [names.publicLoadBalancer, names.internalLoadBalancer];
  const balancerIds = balancers.map((name) => resourceId(types.loadBalancer, name));
  const nic = (name: string, publicAddress?: string): TemplateResource =>
    resource(types.nic, name, {
      ...placed,
      dependsOn: [
        ...network.dependsOn,
        ...balancerIds,
        ...(publicAddress === undefined ? [] : [publicAddress]),
      ],
      properties: {
        ipConfigurations: [
          {
            name: "pipConfig",
            properties: {
              subnet: { id: network.controlPlaneSubnetId },
              privateIPAllocationMethod: "Dynamic",
              loadBalancerBackendAddressPools: balancers.map((balancer) => partsOf(balancer).pool),
              ...(publicAddress === undefined ? {} : { publicIPAddress: { id: publicAddress } }),
            },
          },
        ],
      },
    });
  return [
    nic(
      names.bootstrapNic,
      isPublic ? resourceId(types.publicAddress, names.bootstrapAddress) : undefined,
    ),
    ...controlPlane.map((each) => nic(each.nic)),
  ];
}

/** The cluster makes its workers from it too. */
function image({ input, names, placed }: Plan): TemplateResource {
  return resource(types.image, names.image, {
    ...placed,
    properties: {
      hyperVGeneration: input.machines.hyperVGeneration,
      storageProfile: {
        osDisk: { osType: "Linux", osState: "Generalized", blobUri: literal(input.imageBlobUrl) },
      },
    },
  });
}

interface MachinePlan {
  readonly name: string;
  readonly nic: string;
  /** Its parameter of the template. */
  readonly configuration: string;
  readonly diskSizeGB: number;
  readonly zone?: string | undefined;
}

/** What `openshift-install` takes: at this size a Premium disk is as fast as etcd needs. */
const controlPlaneDiskGB = 1024;
const bootstrapDiskGB = 100;

function machines(plan: Plan): TemplateResource[] {
  const { input, names, controlPlane } = plan;
  const { zones } = input.machines;
  return [
    machine(plan, {
      name: names.bootstrapMachine,
      nic: names.bootstrapNic,
      configuration: bootstrapParameter,
      diskSizeGB: bootstrapDiskGB,
    }),
    ...controlPlane.map(({ machine: name, nic }, index) =>
      machine(plan, {
        name,
        nic,
        configuration: controlPlaneParameter,
        diskSizeGB: controlPlaneDiskGB,
        zone: zones[index % zones.length],
      }),
    ),
  ];
}

/**
 * All have the control plane's size: what the region offers, its quota and the generation of the image were checked for that one; another
 * might be missing there or not know that generation.
 */
function machine(plan: Plan, { name, nic, configuration, diskSizeGB, zone }: MachinePlan) {
  const { input, names, placed } = plan;
  const identity = resourceId("Microsoft.ManagedIdentity/userAssignedIdentities", names.identity);
  const nicId = resourceId(types.nic, nic);
  return resource("Microsoft.Compute/virtualMachines", name, {
    ...placed,
    ...(zone === undefined ? {} : { zones: [zone] }),
    identity: { type: "UserAssigned", userAssignedIdentities: { [identity]: {} } },
    dependsOn: [nicId, resourceId(types.image, names.image), ...neededToStart(plan)],
    properties: {
      hardwareProfile: { vmSize: literal(input.machineSize) },
      osProfile: {
        computerName: name,
        adminUsername: "core",
        // Azure wants one, but the machines' system has no agent that would set it. Azure refuses to change it, so that it can't be random
        adminPassword: expression(`concat('Aa1!', guid(parameters('${configuration}')))`),
        customData: expression(`parameters('${configuration}')`),
        linuxConfiguration: { disablePasswordAuthentication: false },
      },
      storageProfile: {
        imageReference: { id: resourceId(types.image, names.image) },
        osDisk: {
          name: names.osDisk(name),
          osType: "Linux",
          createOption: "FromImage",
          caching: "ReadOnly",
          diskSizeGB,
          managedDisk: { storageAccountType: "Premium_LRS" },
        },
      },
      networkProfile: { networkInterfaces: [{ id: nicId }] },
      // without a URI Azure keeps what it writes in storage of its own
      diagnosticsProfile: { bootDiagnostics: { enabled: true } },
    },
  });
}

/** Machines look for the API and use their identity as soon as they run: waiting here is shorter than their retries. */
function neededToStart({ input, names }: Plan): string[] {
  const { clusterDomain } = input;
  return [
    ...assignmentNames(input).map(({ name }) =>
      expression(`resourceId('${types.roleAssignment}', ${name.slice(1, -1)})`),
    ),
    resourceId(types.zoneLink, clusterDomain, linkName(names)),
    resourceId("Microsoft.Network/privateDnsZones/A", clusterDomain, "api-int"),
  ];
}
