/** The ways in to the control plane and out of it, and the network interfaces behind them, as parts of the template. Pure. */
import type { LoadBalancingRulePropertiesFormat, ProbePropertiesFormat } from "@azure/arm-network";
import { expression, idOf, quoted, resource, resourceId } from "./azureTemplate.ts";
import type { Reference, TemplateResource } from "./azureTemplate.ts";
import { types } from "./resourcesPlan.ts";
import type { ResourcesPlan } from "./resourcesPlan.ts";

const apiPort = 6443;
const machineConfigPort = 22_623;
const idleMinutes = 30;

/** Names of the parts of a load balancer, and references to them. */
interface BalancerParts {
  readonly frontend: Reference;
  readonly pool: Reference;
  readonly probe: (name: string) => Reference;
}

const frontendName = "frontend";

function partsOf(loadBalancer: string, { backendPool }: ResourcesPlan["names"]): BalancerParts {
  const part = (kind: string, name: string): Reference => ({
    id: expression(
      `concat(${idOf(types.loadBalancer, loadBalancer)}, ${quoted(`/${kind}/${name}`)})`,
    ),
  });
  return {
    frontend: part("frontendIPConfigurations", frontendName),
    pool: part("backendAddressPools", backendPool),
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
export function publicLoadBalancer({ names, placed, isPublic }: ResourcesPlan): TemplateResource {
  const parts = partsOf(names.publicLoadBalancer, names);
  const address = resourceId(types.publicAddress, names.apiAddress);
  return resource(types.loadBalancer, names.publicLoadBalancer, {
    ...placed,
    sku: { name: "Standard" },
    dependsOn: [address],
    properties: {
      frontendIPConfigurations: [
        { name: frontendName, properties: { publicIPAddress: { id: address } } },
      ],
      backendAddressPools: [{ name: names.backendPool }],
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
export function internalLoadBalancer(plan: ResourcesPlan): TemplateResource {
  const { names, placed, network, addressZones } = plan;
  const parts = partsOf(names.internalLoadBalancer, names);
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
          ...addressZones,
          properties: {
            subnet: { id: network.controlPlaneSubnetId },
            ...(internalAddress === undefined
              ? { privateIPAllocationMethod: "Dynamic" }
              : { privateIPAllocationMethod: "Static", privateIPAddress: internalAddress }),
          },
        },
      ],
      backendAddressPools: [{ name: names.backendPool }],
      loadBalancingRules: ports.map(({ name, port }) => ({
        name,
        properties: balancingRule(parts, { port, probeName: `${name}-probe` }),
      })),
      probes: ports.map(({ name, port }) => ({ name: `${name}-probe`, properties: probe(port) })),
    },
  });
}

/** All are behind both load balancers, the bootstrap machine too: it is the API until the control plane has one. */
export function nics({
  names,
  placed,
  network,
  isPublic,
  controlPlane,
}: ResourcesPlan): TemplateResource[] {
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
              loadBalancerBackendAddressPools: balancers.map(
                (balancer) => partsOf(balancer, names).pool,
              ),
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
