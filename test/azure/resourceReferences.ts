/**
 * Which resources refer to which, and the deletions that Azure refuses for it. It must only read: the error that it throws is
 * all it does.
 */
import { sameId } from "./armIds.ts";
import { AzureError } from "./azureService.ts";
import type { AzureResource } from "./azureState.ts";

/** Every id that a resource refers to: the `id` of any object within its properties, and its identities. */
export function referencesIn(resource: AzureResource): string[] {
  const found: string[] = [];
  const identities = (resource["identity"] ?? {}) as { userAssignedIdentities?: object };
  found.push(...Object.keys(identities.userAssignedIdentities ?? {}));
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    for (const [member, inner] of Object.entries(value)) {
      if (member === "id" && typeof inner === "string" && inner.startsWith("/subscriptions/")) {
        found.push(inner);
      } else visit(inner);
    }
  };
  visit(resource.properties);
  // what lies inside has an id of its own, which is no reference
  return found.filter((id) => !isOwnChild(resource, id));
}

function isOwnChild(resource: AzureResource, id: string): boolean {
  if (!id.toLowerCase().startsWith(`${resource.id.toLowerCase()}/`)) return false;
  const own = Object.values(resource.properties).filter((value) => Array.isArray(value));
  return own.flat().some((child) => {
    const childId = (child as { id?: unknown } | null)?.id;
    return typeof childId === "string" && sameId(childId, id);
  });
}

/**
 * The places that refer to a resource or to something inside of it: ids of the things inside the referring resources where
 * they have one, such as an IP configuration, else of the resources.
 */
export function referrersTo(
  target: string,
  resources: readonly AzureResource[],
): { readonly resource: AzureResource; readonly place: string }[] {
  const wanted = target.toLowerCase();
  const found: { resource: AzureResource; place: string }[] = [];
  for (const resource of resources) {
    const start = resource.id.toLowerCase();
    if (start === wanted || start.startsWith(`${wanted}/`) || wanted.startsWith(`${start}/`)) {
      continue;
    }
    const refers = (value: unknown, place: string): void => {
      if (Array.isArray(value)) {
        for (const item of value) refers(item, place);
        return;
      }
      if (typeof value !== "object" || value === null) return;
      const { id } = value as { id?: unknown };
      const named = typeof id === "string" ? id.toLowerCase() : "";
      if (named === wanted || named.startsWith(`${wanted}/`)) found.push({ resource, place });
      const inner = named.startsWith(`${start}/`) ? String(id) : place;
      for (const member of Object.values(value)) refers(member, inner);
    };
    refers(resource.properties, resource.id);
  }
  return found;
}

/**
 * Refuses what Azure refuses.
 *
 * @throws {AzureError} when another resource needs it.
 */
export function refuseDeletion(target: AzureResource, resources: readonly AzureResource[]): void {
  const type = target.type.toLowerCase();
  const users = referrersTo(target.id, resources);
  const places = users.map(({ place }) => place);
  const [first] = places;
  switch (type) {
    case "microsoft.network/networkinterfaces": {
      if (first === undefined) return;
      throw new AzureError(
        400,
        "NicInUse",
        `Network Interface ${target.id} is used by existing resource ${first}. In order to delete the network interface, it ` +
          "must be dissociated from the resource. To learn more, see aka.ms/deletenic.",
        { details: [] },
      );
    }
    case "microsoft.network/publicipaddresses": {
      if (first === undefined) return;
      throw new AzureError(
        400,
        "PublicIPAddressCannotBeDeleted",
        `Public IP address ${target.id} can not be deleted since it is still allocated to resource ${first}. In order to ` +
          "delete the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see " +
          "aka.ms/deletepublicip.",
        { details: [] },
      );
    }
    case "microsoft.network/networksecuritygroups": {
      if (first === undefined) return;
      throw new AzureError(
        400,
        "InUseNetworkSecurityGroupCannotBeDeleted",
        `Network security group ${target.id} cannot be deleted because it is in use by the following resources: ` +
          `${places.join(", ")}. In order to delete the Network security group, remove the association with the resource(s). ` +
          "To learn how to do this, see aka.ms/deletensg.",
        { details: [] },
      );
    }
    case "microsoft.network/routetables": {
      if (first === undefined) return;
      throw new AzureError(
        400,
        "InUseRouteTableCannotBeDeleted",
        `Route table ${target.name} is in use and cannot be deleted. It is used by ${places.join(", ")}.`,
        { details: [] },
      );
    }
    case "microsoft.network/virtualnetworks":
    case "microsoft.network/virtualnetworks/subnets": {
      const inSubnets = users.filter(
        ({ resource }) =>
          resource.type.toLowerCase() !== "microsoft.network/privatednszones/virtualnetworklinks",
      );
      if (inSubnets[0] === undefined) return;
      throw new AzureError(
        400,
        "InUseSubnetCannotBeDeleted",
        `Subnet ${target.name} is in use by ${inSubnets[0].place} and cannot be deleted. In order to delete the subnet, ` +
          "delete all the resources within the subnet. See aka.ms/deletesubnet.",
        { details: [] },
      );
    }
    case "microsoft.network/loadbalancers": {
      return;
    }
    case "microsoft.network/privatednszones": {
      const links = resources.filter(({ id }) =>
        id.toLowerCase().startsWith(`${target.id.toLowerCase()}/virtualnetworklinks/`),
      );
      if (links.length === 0) return;
      throw new AzureError(
        409,
        "CannotDeleteResource",
        "Can not delete resource before nested resources are deleted.",
      );
    }
    case "microsoft.compute/disks": {
      if (target.managedBy === undefined) return;
      throw new AzureError(
        409,
        "OperationNotAllowed",
        `Disk ${target.name} is attached to VM ${target.managedBy}.`,
      );
    }
    default:
  }
}
