/** The cluster's domain as its own machines see it, as parts of the template. Pure. */
import { incarnationTag } from "../azureNames.ts";
import { expression, idOf, literal, resource, resourceId } from "./azureTemplate.ts";
import type { TemplateResource } from "./azureTemplate.ts";
import { types, zoneLinkName } from "./resourcesPlan.ts";
import type { ResourcesPlan } from "./resourcesPlan.ts";

const recordTtl = 300;
const etcdRecordTtl = 60;

export function privateDns(plan: ResourcesPlan): TemplateResource[] {
  const { input, names, network, placed, controlPlane } = plan;
  const zone = input.clusterDomain;
  const zoneId = resourceId(types.zone, zone);
  const metadata = { [incarnationTag]: input.incarnationId };
  const api = internalAddressOf(plan);
  const apiRecord = (name: string) =>
    resource(types.addressRecord, `${zone}/${name}`, {
      dependsOn: [zoneId, ...api.dependsOn],
      properties: { metadata, ttl: recordTtl, aRecords: [{ ipv4Address: api.address }] },
    });
  return [
    // a zone is in no region
    resource(types.zone, literal(zone), { location: "global", tags: placed.tags }),
    resource(types.zoneLink, `${zone}/${zoneLinkName(names)}`, {
      location: "global",
      tags: placed.tags,
      dependsOn: [zoneId, ...network.dependsOn],
      properties: { registrationEnabled: false, virtualNetwork: { id: network.id } },
    }),
    apiRecord("api-int"),
    apiRecord("api"),
    // releases before 4.4 find the members of etcd by these
    resource(types.serviceRecord, `${zone}/_etcd-server-ssl._tcp`, {
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
      resource(types.addressRecord, `${zone}/etcd-${index}`, {
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

/** The address of the internal load balancer, and what it takes to know it. */
function internalAddressOf({ names, network }: ResourcesPlan): {
  readonly address: string;
  readonly dependsOn: readonly string[];
} {
  if (network.internalAddress !== undefined) {
    return { address: network.internalAddress, dependsOn: [] };
  }
  const referenceTo = `reference(${idOf(types.loadBalancer, names.internalLoadBalancer)})`;
  return {
    address: expression(`${referenceTo}.frontendIPConfigurations[0].properties.privateIPAddress`),
    dependsOn: [resourceId(types.loadBalancer, names.internalLoadBalancer)],
  };
}
