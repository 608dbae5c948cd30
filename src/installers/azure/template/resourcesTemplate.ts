/**
 * The template of a cluster's machines and of everything they need: network, DNS, load balancers, image, the bootstrap machine and
 * the control plane. Workers are none of its business: the cluster makes them itself. Pure; secrets are in its parameters alone.
 */
import { template } from "./azureTemplate.ts";
import type { DeploymentTemplate } from "./azureTemplate.ts";
import { internalLoadBalancer, nics, publicLoadBalancer } from "./loadBalancerResources.ts";
import { configurationParameters } from "./machineConfigurations.ts";
import { image, machines, roleAssignments } from "./machineResources.ts";
import { publicAddresses, routeTable, securityGroups, virtualNetwork } from "./networkResources.ts";
import { privateDns } from "./privateDnsResources.ts";
import { planOf } from "./resourcesPlan.ts";
import type { ResourcesInput } from "./resourcesPlan.ts";

/** To be deployed with `resourcesParameters`. */
export function resourcesTemplate(input: ResourcesInput): DeploymentTemplate {
  const plan = planOf(input);
  return template(
    [
      ...roleAssignments(plan),
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
    Object.values(configurationParameters),
  );
}
