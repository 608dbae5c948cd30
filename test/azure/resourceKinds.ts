/**
 * What is particular to each kind of resource: whether it is made in the background, what lies inside of it, what Azure fills in
 * or refuses. It must hold no state: all that it knows of other resources is given to it.
 */
import { randomBytes, randomUUID } from "node:crypto";
import ipaddr from "ipaddr.js";
import { parseArmId, sameId, type ArmId } from "./armIds.ts";
import { AzureError } from "./azureService.ts";
import type { AzureResource } from "./azureState.ts";
import type { ResourceBody } from "./resourceBody.ts";
import { referrersTo } from "./resourceReferences.ts";

/** What a kind is told when a resource of it is put. */
export interface Preparation {
  readonly id: ArmId;
  readonly body: ResourceBody;
  readonly existing: AzureResource | undefined;
  readonly find: (id: string) => AzureResource | undefined;
  readonly all: () => readonly AzureResource[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly url: string;
  readonly tenantId: string;
  readonly principalDelayMs: number;
  readonly isPrincipal: (objectId: string) => boolean;
}

interface ResourceKind {
  /** As Azure spells it. */
  readonly type: string | undefined;
  readonly needsParent: boolean;
  /** The body with what Azure fills in; `unchanged` leaves the existing resource as it is. */
  prepare(preparation: Preparation): ResourceBody | "unchanged";
  /** What comes into being with it. */
  companions(resource: AzureResource): readonly AzureResource[];
  /** Ids of what goes with it. */
  deletedWith(resource: AzureResource): readonly string[];
  /** Properties that are other resources' and are only shown with it. */
  seen(resource: AzureResource, all: readonly AzureResource[]): Readonly<Record<string, unknown>>;
}

const generic: ResourceKind = {
  type: undefined,
  needsParent: true,
  prepare: ({ body }) => body,
  companions: () => [],
  deletedWith: () => [],
  seen: () => ({}),
};

/** Lists within a resource whose items have ids of their own. */
const inline: Readonly<Record<string, readonly string[]>> = {
  "Microsoft.Network/virtualNetworks": ["subnets"],
  "Microsoft.Network/networkSecurityGroups": ["securityRules"],
  "Microsoft.Network/routeTables": ["routes"],
  "Microsoft.Network/networkInterfaces": ["ipConfigurations"],
  "Microsoft.Network/loadBalancers": [
    "frontendIPConfigurations",
    "backendAddressPools",
    "loadBalancingRules",
    "probes",
    "inboundNatRules",
    "outboundRules",
  ],
};

/** The lists inside of a resource of this type, with the types of their items. */
export function inlineChildren(
  type: string,
): readonly { readonly member: string; readonly type: string }[] {
  for (const [parent, members] of Object.entries(inline)) {
    if (parent.toLowerCase() !== type.toLowerCase()) continue;
    return members.map((member) => ({ member, type: `${parent}/${member}` }));
  }
  return [];
}

/** Whether a resource of the type is made and deleted in the background. */
export function isAsynchronous(type: string): boolean {
  const lower = type.toLowerCase();
  if (lower.startsWith("microsoft.network/dnszones")) return false;
  if (lower.startsWith("microsoft.network/privatednszones/")) {
    return lower.endsWith("/virtualnetworklinks");
  }
  return lower.startsWith("microsoft.network/") || lower.startsWith("microsoft.compute/");
}

/** Whether a resource of the type lies in a region, which it must name. */
export function isTracked(type: string): boolean {
  const [namespace = "", ...rest] = type.toLowerCase().split("/");
  if (
    namespace === "microsoft.network" &&
    rest.join("/") === "privatednszones/virtualnetworklinks"
  ) {
    return true;
  }
  return rest.length === 1 && namespace !== "microsoft.authorization";
}

/** Its name as Azure keeps it. */
export function nameOf(id: ArmId): string {
  return id.name;
}

const networkSecurityGroup: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/networkSecurityGroups",
  prepare: ({ body }) => ({ ...body, properties: { securityRules: [], ...body.properties } }),
  seen: (resource, all) => usersOf(resource, all),
};

const routeTable: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/routeTables",
  prepare: ({ body }) => ({ ...body, properties: { routes: [], ...body.properties } }),
  seen: (resource, all) => usersOf(resource, all),
};

const virtualNetwork: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/virtualNetworks",
  prepare: ({ id, body }) => {
    const space = (body.properties?.["addressSpace"] ?? {}) as { addressPrefixes?: string[] };
    const subnets = (body.properties?.["subnets"] ?? []) as NamedPart[];
    for (const subnet of subnets) {
      const prefix = subnetPrefix(subnet.properties);
      const isWithin = (space.addressPrefixes ?? []).some((outer) => isPrefixWithin(prefix, outer));
      if (!isWithin) {
        throw new AzureError(
          400,
          "NetcfgInvalidSubnet",
          `Subnet '${subnet.name}' is not valid in virtual network '${id.name}'.`,
          { details: [] },
        );
      }
    }
    return { ...body, properties: { ...body.properties, subnets } };
  },
  seen: (resource, all) => ({
    subnets: ((resource.properties["subnets"] ?? []) as AzureResource[]).map((subnet) => {
      const configurations = referrersTo(subnet.id, all).map(({ place }) => ({ id: place }));
      if (configurations.length === 0) return subnet;
      return { ...subnet, properties: { ...subnet.properties, ipConfigurations: configurations } };
    }),
  }),
};

const subnet: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/virtualNetworks/subnets",
  seen: (resource, all) => {
    const configurations = referrersTo(resource.id, all).map(({ place }) => ({ id: place }));
    return configurations.length === 0 ? {} : { ipConfigurations: configurations };
  },
};

const publicIpAddress: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/publicIPAddresses",
  prepare: ({ id, body, existing, all }) => {
    const settings = (body.properties?.["dnsSettings"] ?? {}) as { domainNameLabel?: string };
    const label = settings.domainNameLabel;
    const fqdn =
      label === undefined
        ? undefined
        : `${label}.${body.location}.cloudapp.azure.com`.toLowerCase();
    const addresses = all().filter(
      (other) => other.type === "Microsoft.Network/publicIPAddresses" && !sameId(other.id, id.id),
    );
    for (const other of addresses) {
      const theirs = (other.properties["dnsSettings"] ?? {}) as { fqdn?: string };
      if (fqdn === undefined || theirs.fqdn !== fqdn) continue;
      throw new AzureError(
        400,
        "DnsRecordInUse",
        `DNS record ${fqdn} is already used by another public IP.`,
        { details: [] },
      );
    }
    const taken = new Set(addresses.map((other) => other.properties["ipAddress"]));
    let host = 4;
    while (taken.has(`203.0.113.${host}`)) host += 1;
    return {
      ...body,
      properties: {
        publicIPAddressVersion: "IPv4",
        idleTimeoutInMinutes: 4,
        ...body.properties,
        ipAddress: existing?.properties["ipAddress"] ?? `203.0.113.${host}`,
        ...(fqdn === undefined ? {} : { dnsSettings: { ...settings, fqdn } }),
      },
    };
  },
  seen: (resource, all) => {
    const [user] = referrersTo(resource.id, all);
    return user === undefined ? {} : { ipConfiguration: { id: user.place } };
  },
};

interface NamedPart {
  readonly name: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

const networkInterface: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/networkInterfaces",
  prepare: ({ body, existing, find, all }) => ({
    ...body,
    properties: {
      ...body.properties,
      macAddress: existing?.properties["macAddress"] ?? randomMac(),
      ipConfigurations: withPrivateAddresses("ipConfigurations", { body, existing, find, all }),
    },
  }),
  seen: (resource, all) => {
    const machine = referrersTo(resource.id, all).find(({ resource: { type } }) =>
      type.toLowerCase().startsWith("microsoft.compute/"),
    );
    return machine === undefined ? {} : { virtualMachine: { id: machine.resource.id } };
  },
};

const loadBalancer: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/loadBalancers",
  prepare: ({ body, existing, find, all }) => ({
    ...body,
    properties: {
      ...body.properties,
      frontendIPConfigurations: withPrivateAddresses("frontendIPConfigurations", {
        body,
        existing,
        find,
        all,
      }),
    },
  }),
  seen: (resource, all) => {
    const pools = (resource.properties["backendAddressPools"] ?? []) as AzureResource[];
    return {
      backendAddressPools: pools.map((pool) => ({
        ...pool,
        properties: {
          ...pool.properties,
          backendIPConfigurations: referrersTo(pool.id, all).map(({ place }) => ({ id: place })),
        },
      })),
    };
  },
};

const virtualMachine: ResourceKind = {
  ...generic,
  type: "Microsoft.Compute/virtualMachines",
  prepare: ({ id, body, existing, now, find }) => {
    const properties = body.properties ?? {};
    const profile = (properties["osProfile"] ?? {}) as Record<string, unknown>;
    const { customData, adminPassword, ...shownProfile } = profile;
    const storage = (properties["storageProfile"] ?? {}) as Record<string, unknown>;
    const disk = (storage["osDisk"] ?? {}) as Record<string, unknown>;
    const previous = (existing?.properties["storageProfile"] ?? {}) as {
      osDisk?: { name: string };
    };
    const diskName =
      (disk["name"] as string | undefined) ??
      previous.osDisk?.name ??
      `${id.name}_OsDisk_1_${randomBytes(16).toString("hex")}`;
    const diskId = `${groupOf(id)}/providers/Microsoft.Compute/disks/${diskName}`;
    const managed = (disk["managedDisk"] ?? {}) as object;
    if (existing === undefined && find(diskId) !== undefined) {
      throw new AzureError(
        409,
        "ConflictingUserInput",
        `Disk ${diskName} already exists in resource group ${id.resourceGroup}. Only CreateOption.Attach is supported.`,
      );
    }
    return {
      ...body,
      hidden: { ...(existing?.["hidden"] as object), customData, adminPassword },
      properties: {
        ...properties,
        vmId: existing?.properties["vmId"] ?? randomUUID(),
        timeCreated: existing?.properties["timeCreated"] ?? new Date(now).toISOString(),
        ...(properties["osProfile"] === undefined ? {} : { osProfile: shownProfile }),
        storageProfile: {
          ...storage,
          osDisk: {
            ...disk,
            name: diskName,
            managedDisk: { ...managed, ...diskReference(diskId) },
          },
        },
      },
    };
  },
  companions: (resource) => {
    const disk = osDiskOf(resource);
    if (disk?.managedDisk?.resourceId === undefined) return [];
    return [
      {
        id: disk.managedDisk.resourceId,
        name: disk.name,
        type: "Microsoft.Compute/disks",
        ...(resource.location === undefined ? {} : { location: resource.location }),
        managedBy: resource.id,
        ...(resource["zones"] === undefined ? {} : { zones: resource["zones"] }),
        sku: { name: disk.managedDisk.storageAccountType ?? "Standard_LRS" },
        properties: {
          osType: "Linux",
          diskSizeGB: disk.diskSizeGB ?? 30,
          diskState: "Attached",
          provisioningState: "Succeeded",
        },
      },
    ];
  },
  deletedWith: (resource) => {
    const disk = osDiskOf(resource);
    const deleted: string[] = [];
    const diskId = disk?.managedDisk?.resourceId;
    if (disk?.deleteOption === "Delete" && diskId !== undefined) deleted.push(diskId);
    const network = (resource.properties["networkProfile"] ?? {}) as {
      networkInterfaces?: { id: string; properties?: { deleteOption?: string } }[];
    };
    for (const { id, properties } of network.networkInterfaces ?? []) {
      if (properties?.deleteOption === "Delete") deleted.push(id);
    }
    return deleted;
  },
  seen: (resource) => {
    const storage = (resource.properties["storageProfile"] ?? {}) as Record<string, unknown>;
    const { managedDisk, ...disk } = (storage["osDisk"] ?? {}) as OsDisk;
    const { resourceId, ...managed } = managedDisk ?? {};
    return {
      storageProfile: {
        ...storage,
        osDisk: { ...disk, managedDisk: { ...managed, id: resourceId } },
      },
    };
  },
};

interface OsDisk {
  readonly name: string;
  readonly diskSizeGB?: number;
  readonly deleteOption?: string;
  readonly managedDisk?: { readonly resourceId?: string; readonly storageAccountType?: string };
}

function osDiskOf(machine: AzureResource): OsDisk | undefined {
  return (machine.properties["storageProfile"] as { osDisk?: OsDisk } | undefined)?.osDisk;
}

/** Kept under another name than `id`: the disk comes after the machine, which thus can't refer to it yet. */
function diskReference(diskId: string): { readonly resourceId: string; readonly id: undefined } {
  return { resourceId: diskId, id: undefined };
}

const storageAccount: ResourceKind = {
  ...generic,
  type: "Microsoft.Storage/storageAccounts",
  prepare: ({ id, body, existing, all, url, now }) => {
    if (!/^[a-z0-9]{3,24}$/.test(id.name)) {
      throw new AzureError(
        400,
        "AccountNameInvalid",
        `${id.name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length ` +
          "and use numbers and lower-case letters only.",
      );
    }
    const other = all().find(
      (one) => one.type === "Microsoft.Storage/storageAccounts" && one.name === id.name,
    );
    if (other !== undefined && !sameId(other.id, id.id)) {
      throw new AzureError(
        409,
        "StorageAccountAlreadyTaken",
        `The storage account named ${id.name} is already taken.`,
      );
    }
    return {
      ...body,
      properties: {
        ...body.properties,
        creationTime: existing?.properties["creationTime"] ?? new Date(now).toISOString(),
        primaryLocation: body.location,
        statusOfPrimary: "available",
        primaryEndpoints: { blob: `${url}/${id.name}/` },
      },
    };
  },
};

const blobContainer: ResourceKind = {
  ...generic,
  type: "Microsoft.Storage/storageAccounts/blobServices/containers",
  // an account has its blob service from the start
  needsParent: false,
  prepare: ({ id, body, find }) => {
    const account = parseArmId(id.parent)?.parent ?? "";
    if (find(account) === undefined) {
      throw new AzureError(
        404,
        "ParentResourceNotFound",
        `Failed to perform 'write' on resource(s) of type '${id.type}', because the parent resource '${account}' could not ` +
          "be found.",
      );
    }
    return { ...body, properties: { publicAccess: "None", ...body.properties } };
  },
};

const identity: ResourceKind = {
  ...generic,
  type: "Microsoft.ManagedIdentity/userAssignedIdentities",
  prepare: ({ body, existing, now, tenantId }) => ({
    ...body,
    hidden: existing?.["hidden"] ?? { createdAt: now },
    properties: existing?.properties ?? {
      tenantId,
      principalId: randomUUID(),
      clientId: randomUUID(),
    },
  }),
};

interface RoleAssignmentProperties {
  readonly principalId?: string;
  readonly roleDefinitionId?: string;
  readonly principalType?: string;
}

const roleAssignment: ResourceKind = {
  ...generic,
  type: "Microsoft.Authorization/roleAssignments",
  prepare: (preparation) => {
    const { id, body, existing, all } = preparation;
    const wanted = (body.properties ?? {}) as RoleAssignmentProperties;
    const { principalId = "", roleDefinitionId = "" } = wanted;
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id.name)) {
      throw new AzureError(
        400,
        "InvalidRoleAssignmentId",
        `The role assignment ID '${id.name}' is not valid. The role assignment ID must be a GUID.`,
      );
    }
    const same = (other: AzureResource): boolean => {
      const theirs = other.properties as RoleAssignmentProperties;
      return (
        sameId(theirs.principalId ?? "", principalId) &&
        sameId(lastPart(theirs.roleDefinitionId), lastPart(roleDefinitionId))
      );
    };
    if (existing !== undefined) {
      if (same(existing)) return "unchanged";
      throw new AzureError(
        400,
        "RoleAssignmentUpdateNotPermitted",
        "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
      );
    }
    const twin = all().find(
      (other) =>
        other.type === "Microsoft.Authorization/roleAssignments" &&
        sameId(parseArmId(other.id)?.parent ?? "", id.parent) &&
        same(other),
    );
    if (twin !== undefined) {
      throw new AzureError(
        409,
        "RoleAssignmentExists",
        `The role assignment already exists. The ID of the existing role assignment is ${twin.name.replaceAll("-", "")}.`,
      );
    }
    checkPrincipal(preparation, wanted);
    return {
      properties: { principalType: "ServicePrincipal", ...body.properties, scope: id.parent },
    };
  },
};

function checkPrincipal(preparation: Preparation, wanted: RoleAssignmentProperties): void {
  const { all, now, principalDelayMs, isPrincipal, tenantId } = preparation;
  const principalId = wanted.principalId ?? "";
  if (isPrincipal(principalId)) return;
  const owner = all().find(({ properties }) => properties["principalId"] === principalId);
  const createdAt = (owner?.["hidden"] as { createdAt?: number } | undefined)?.createdAt;
  const isKnown = createdAt !== undefined && now - createdAt >= principalDelayMs;
  // who says what kind of principal it is isn't told that nobody has heard of it yet
  if (isKnown || (createdAt !== undefined && wanted.principalType === "ServicePrincipal")) return;
  throw new AzureError(
    400,
    "PrincipalNotFound",
    `Principal ${principalId.replaceAll("-", "")} does not exist in the directory ${tenantId}. Check that you have the ` +
      "correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be " +
      "related to a replication delay. In this case, set the role assignment principalType property to a value, such as " +
      "ServicePrincipal, User, or Group. See https://aka.ms/docs-principaltype",
  );
}

const dnsZone: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/dnsZones",
  prepare: ({ body }) => ({
    ...body,
    properties: {
      zoneType: "Public",
      maxNumberOfRecordSets: 10_000,
      ...body.properties,
      nameServers: [1, 2, 3, 4].map((n) => `ns${n}-01.azure-dns.com.`),
    },
  }),
  companions: (zone) => [
    {
      id: `${zone.id}/NS/@`,
      name: "@",
      type: "Microsoft.Network/dnsZones/NS",
      etag: randomUUID(),
      properties: {
        fqdn: `${zone.name}.`,
        TTL: 172_800,
        NSRecords: [1, 2, 3, 4].map((n) => ({ nsdname: `ns${n}-01.azure-dns.com.` })),
        provisioningState: "Succeeded",
      },
    },
    {
      id: `${zone.id}/SOA/@`,
      name: "@",
      type: "Microsoft.Network/dnsZones/SOA",
      etag: randomUUID(),
      properties: {
        fqdn: `${zone.name}.`,
        TTL: 3600,
        SOARecord: { host: "ns1-01.azure-dns.com.", email: "azuredns-hostmaster.microsoft.com" },
        provisioningState: "Succeeded",
      },
    },
  ],
  seen: (zone, all) => ({ numberOfRecordSets: recordSets(zone, all).length }),
};

const privateDnsZone: ResourceKind = {
  ...generic,
  type: "Microsoft.Network/privateDnsZones",
  companions: (zone) => [
    {
      id: `${zone.id}/SOA/@`,
      name: "@",
      type: "Microsoft.Network/privateDnsZones/SOA",
      etag: randomUUID(),
      properties: {
        fqdn: `${zone.name}.`,
        ttl: 3600,
        soaRecord: { host: "azureprivatedns.net", email: "azureprivatedns-host.microsoft.com" },
        provisioningState: "Succeeded",
      },
    },
  ],
  seen: (zone, all) => ({ numberOfRecordSets: recordSets(zone, all).length }),
};

const recordTypes = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];

/** A set of records in a zone, public or private. */
function recordSet(zoneType: string, recordType: string): ResourceKind {
  return {
    ...generic,
    type: `${zoneType}/${recordType}`,
    prepare: ({ id, body, all }) => {
      const zone = id.names[0] ?? "";
      const clash = all().find(
        (other) =>
          other.id.toLowerCase().startsWith(`${id.parent.toLowerCase()}/`) &&
          other.name.toLowerCase() === id.name.toLowerCase() &&
          other.type !== `${zoneType}/${recordType}` &&
          (recordType === "CNAME" || other.type.endsWith("/CNAME")),
      );
      if (clash !== undefined) {
        throw new AzureError(
          400,
          "BadRequest",
          `The record set '${id.name}' cannot be created because a CNAME record set does not allow other record sets of ` +
            "the same name.",
        );
      }
      return {
        ...body,
        properties: {
          ...body.properties,
          fqdn: id.name === "@" ? `${zone}.` : `${id.name}.${zone}.`,
        },
      };
    },
  };
}

/** The record sets of a zone. */
export function recordSets(
  zone: AzureResource,
  all: readonly AzureResource[],
): readonly AzureResource[] {
  const start = `${zone.id.toLowerCase()}/`;
  return all.filter(
    ({ id, type }) =>
      id.toLowerCase().startsWith(start) && !type.toLowerCase().endsWith("/virtualnetworklinks"),
  );
}

const plain = (type: string): ResourceKind => ({ ...generic, type });

const kinds = new Map<string, ResourceKind>(
  [
    networkSecurityGroup,
    routeTable,
    virtualNetwork,
    subnet,
    publicIpAddress,
    networkInterface,
    loadBalancer,
    virtualMachine,
    plain("Microsoft.Compute/disks"),
    plain("Microsoft.Compute/images"),
    storageAccount,
    plain("Microsoft.Storage/storageAccounts/blobServices"),
    blobContainer,
    identity,
    roleAssignment,
    dnsZone,
    privateDnsZone,
    plain("Microsoft.Network/privateDnsZones/virtualNetworkLinks"),
    ...["Microsoft.Network/dnsZones", "Microsoft.Network/privateDnsZones"].flatMap((zoneType) =>
      recordTypes.map((recordType) => recordSet(zoneType, recordType)),
    ),
  ].map((kind) => [kind.type?.toLowerCase() ?? "", kind]),
);

/** What is particular to resources of the type; of most there is nothing. */
export function kindOf(type: string): ResourceKind {
  return kinds.get(type.toLowerCase()) ?? generic;
}

function usersOf(resource: AzureResource, all: readonly AzureResource[]): Record<string, unknown> {
  const places = referrersTo(resource.id, all).map(({ place }) => place);
  const subnets = places.filter((place) => /\/subnets\/[^/]+$/i.test(place));
  const interfaces = places.filter((place) => /\/networkInterfaces\/[^/]+$/i.test(place));
  return {
    ...(subnets.length === 0 ? {} : { subnets: subnets.map((id) => ({ id })) }),
    ...(interfaces.length === 0 ? {} : { networkInterfaces: interfaces.map((id) => ({ id })) }),
  };
}

/** Gives an address of its subnet to each configuration that has a subnet and no address. */
function withPrivateAddresses(
  member: string,
  { body, existing, find, all }: Pick<Preparation, "body" | "existing" | "find" | "all">,
): NamedPart[] {
  const parts = (body.properties?.[member] ?? []) as NamedPart[];
  const before = (existing?.properties[member] ?? []) as NamedPart[];
  const taken = new Set<unknown>();
  for (const resource of all()) {
    if (existing !== undefined && sameId(resource.id, existing.id)) continue;
    for (const list of ["ipConfigurations", "frontendIPConfigurations"]) {
      const configurations = resource.properties[list];
      if (!Array.isArray(configurations)) continue;
      for (const configuration of configurations as NamedPart[]) {
        const subnetId = (configuration.properties?.["subnet"] as { id?: string } | undefined)?.id;
        const address = configuration.properties?.["privateIPAddress"];
        taken.add(`${String(subnetId).toLowerCase()} ${String(address)}`);
      }
    }
  }
  return parts.map((part) => {
    const subnetId = (part.properties?.["subnet"] as { id?: string } | undefined)?.id;
    if (subnetId === undefined) return part;
    const kept = before.find(({ name }) => name === part.name)?.properties?.["privateIPAddress"];
    const prefix = subnetPrefix(find(subnetId)?.properties);
    const wanted = (part.properties?.["privateIPAddress"] ?? kept) as string | undefined;
    const address =
      wanted ?? freeAddress(prefix, (one) => taken.has(`${subnetId.toLowerCase()} ${one}`));
    taken.add(`${subnetId.toLowerCase()} ${address}`);
    return {
      ...part,
      properties: {
        privateIPAllocationMethod: "Dynamic",
        ...part.properties,
        ...(address === undefined ? {} : { privateIPAddress: address }),
      },
    };
  });
}

function subnetPrefix(properties: Readonly<Record<string, unknown>> | undefined): string {
  const prefixes = properties?.["addressPrefixes"] as string[] | undefined;
  return (properties?.["addressPrefix"] as string | undefined) ?? prefixes?.[0] ?? "";
}

/** The first that is free; Azure keeps the first four of each subnet. */
function freeAddress(prefix: string, isTaken: (address: string) => boolean): string | undefined {
  if (!ipaddr.isValidCIDR(prefix)) return undefined;
  const [network, length] = ipaddr.parseCIDR(prefix);
  const start = network.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
  for (let host = 4; host < 2 ** (32 - length) - 1; host += 1) {
    const number = start + host;
    const address = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
    if (!isTaken(address)) return address;
  }
  return undefined;
}

function isPrefixWithin(inner: string, outer: string): boolean {
  if (!ipaddr.isValidCIDR(inner) || !ipaddr.isValidCIDR(outer)) return false;
  const [address, length] = ipaddr.parseCIDR(inner);
  const [network, outerLength] = ipaddr.parseCIDR(outer);
  if (address.kind() !== network.kind()) return false;
  return length >= outerLength && address.match(network, outerLength);
}

function randomMac(): string {
  return `00-0D-3A-${randomBytes(3)
    .toString("hex")
    .toUpperCase()
    .replace(/..(?=.)/g, "$&-")}`;
}

function groupOf(id: ArmId): string {
  return `/subscriptions/${id.subscriptionId}/resourceGroups/${id.resourceGroup}`;
}

function lastPart(path: string | undefined): string {
  return path?.split("/").at(-1) ?? "";
}
