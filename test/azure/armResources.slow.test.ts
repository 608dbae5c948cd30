/** Resources as the SDKs' clients make, see and delete them, and what Azure refuses. */
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ComputeManagementClient } from "@azure/arm-compute";
import { DnsManagementClient } from "@azure/arm-dns";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { NetworkManagementClient } from "@azure/arm-network";
import { PrivateDnsManagementClient } from "@azure/arm-privatedns";
import { StorageManagementClient } from "@azure/arm-storage";
import { expect, test } from "vitest";
import { TestClock } from "../runtime/testClock.ts";
import { armClients, clientOptions, subscriptionId } from "./armClients.ts";
import { LocalAzure, type LocalAzureOptions } from "./localAzure.ts";

const location = "eastus";
const quick = { updateIntervalInMs: 10 };
const group = `/subscriptions/${subscriptionId}/resourceGroups/made`;
const contributor = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c`;

async function started(options: LocalAzureOptions = {}) {
  const azure = await LocalAzure.start(options);
  const { credential, resources } = armClients(azure);
  const clientSettings = clientOptions(azure);
  await resources.resourceGroups.createOrUpdate("made", { location });
  return {
    azure,
    resources,
    authorization: new AuthorizationManagementClient(credential, subscriptionId, {
      ...clientSettings,
      credentialScopes: clientSettings.credentials.scopes,
    }),
    compute: new ComputeManagementClient(credential, subscriptionId, clientSettings),
    dns: new DnsManagementClient(credential, azure.dnsSubscriptionId, {
      ...clientSettings,
      credentialScopes: clientSettings.credentials.scopes,
    }),
    identities: new ManagedServiceIdentityClient(credential, subscriptionId, clientSettings),
    network: new NetworkManagementClient(credential, subscriptionId, clientSettings),
    privateDns: new PrivateDnsManagementClient(credential, subscriptionId, clientSettings),
    storage: new StorageManagementClient(credential, subscriptionId, clientSettings),
  };
}

/** A machine with its network interface, subnet, security group and public address. */
async function withMachine() {
  const scene = await started();
  const { network, compute } = scene;
  await network.networkSecurityGroups.createOrUpdate("made", "nsg", { location }, quick);
  await network.virtualNetworks
    .createOrUpdate(
      "made",
      "vnet",
      {
        location,
        addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
        subnets: [
          {
            name: "masters",
            addressPrefix: "10.0.1.0/24",
            networkSecurityGroup: {
              id: `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg`,
            },
          },
        ],
      },
      quick,
    )
    .pollUntilDone();
  const address = await network.publicIPAddresses
    .createOrUpdate(
      "made",
      "pip",
      { location, sku: { name: "Standard" }, dnsSettings: { domainNameLabel: "infra" } },
      quick,
    )
    .pollUntilDone();
  const nic = await network.networkInterfaces
    .createOrUpdate(
      "made",
      "nic",
      {
        location,
        ipConfigurations: [
          {
            name: "main",
            subnet: {
              id: `${group}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/masters`,
            },
            publicIPAddress: { id: address.id ?? "" },
          },
        ],
      },
      quick,
    )
    .pollUntilDone();
  const machine = await compute.virtualMachines
    .createOrUpdate(
      "made",
      "machine",
      {
        location,
        hardwareProfile: { vmSize: "Standard_D8s_v3" },
        osProfile: { computerName: "machine", customData: "c2VjcmV0" },
        storageProfile: { osDisk: { name: "disk", createOption: "FromImage", diskSizeGB: 100 } },
        networkProfile: { networkInterfaces: [{ id: nic.id ?? "" }] },
      },
      quick,
    )
    .pollUntilDone();
  return { ...scene, address, nic, machine };
}

const refusal = (statusCode: number, code: string) =>
  expect.objectContaining({ statusCode, code }) as unknown;

test("a machine has its disk and address, and never shows its custom data again", async () => {
  const { azure, network, compute, address, nic, machine } = await withMachine();
  await using _ = azure;
  expect(address).toMatchObject({
    provisioningState: "Succeeded",
    dnsSettings: { fqdn: "infra.eastus.cloudapp.azure.com" },
  });
  expect(nic.ipConfigurations?.[0]?.privateIPAddress).toBe("10.0.1.4");
  expect(machine.osProfile).toEqual({ computerName: "machine" });
  const disk = await compute.disks.get("made", "disk");
  expect(disk.managedBy).toBe(machine.id);
  const shown = await network.networkInterfaces.get("made", "nic");
  expect(shown.virtualMachine?.id).toBe(machine.id);
  const subnet = await network.subnets.get("made", "vnet", "masters");
  expect(subnet.ipConfigurations?.map(({ id }) => id)).toEqual([`${nic.id}/ipConfigurations/main`]);
  const held = await network.networkSecurityGroups.get("made", "nsg");
  expect(held.subnets?.map(({ id }) => id)).toEqual([subnet.id]);
  expect((await network.publicIPAddresses.get("made", "pip")).ipConfiguration?.id).toBe(
    `${nic.id}/ipConfigurations/main`,
  );
});

test("what is in use can't be deleted, and can in the order of its use; the disk stays until it is deleted", async () => {
  const { azure, network, compute } = await withMachine();
  await using _ = azure;
  await expect(network.networkInterfaces.delete("made", "nic", quick)).rejects.toEqual(
    refusal(400, "NicInUse"),
  );
  await expect(network.publicIPAddresses.delete("made", "pip", quick)).rejects.toEqual(
    refusal(400, "PublicIPAddressCannotBeDeleted"),
  );
  await expect(network.networkSecurityGroups.delete("made", "nsg", quick)).rejects.toEqual(
    refusal(400, "InUseNetworkSecurityGroupCannotBeDeleted"),
  );
  await expect(network.virtualNetworks.delete("made", "vnet", quick)).rejects.toEqual(
    refusal(400, "InUseSubnetCannotBeDeleted"),
  );
  await expect(compute.disks.delete("made", "disk", quick)).rejects.toEqual(
    refusal(409, "OperationNotAllowed"),
  );
  await compute.virtualMachines.delete("made", "machine", quick);
  expect((await compute.disks.get("made", "disk")).managedBy).toBeUndefined();
  await compute.disks.delete("made", "disk", quick);
  await network.networkInterfaces.delete("made", "nic", quick);
  await network.publicIPAddresses.delete("made", "pip", quick);
  await network.virtualNetworks.delete("made", "vnet", quick);
  await network.networkSecurityGroups.delete("made", "nsg", quick);
  await network.networkSecurityGroups.delete("made", "nsg", quick);
  expect(azure.resources().map(({ name }) => name)).toEqual(["made"]);
});

test("a new machine doesn't take the disk that an old one left", async () => {
  const { azure, compute, machine } = await withMachine();
  await using _ = azure;
  await compute.virtualMachines.delete("made", "machine", quick);
  const { hardwareProfile, storageProfile, networkProfile } = machine;
  await expect(
    compute.virtualMachines.createOrUpdate(
      "made",
      "machine",
      {
        location,
        ...(hardwareProfile === undefined ? {} : { hardwareProfile }),
        ...(networkProfile === undefined ? {} : { networkProfile }),
        storageProfile: {
          osDisk: { name: storageProfile?.osDisk?.name ?? "", createOption: "FromImage" },
        },
      },
      quick,
    ),
  ).rejects.toEqual(refusal(409, "ConflictingUserInput"));
});

test("a group is deleted in the background with all that is in it, and takes nothing new meanwhile", async () => {
  const clock = new TestClock();
  const { azure, resources, identities, network } = await started({ clock });
  await using _ = azure;
  await identities.userAssignedIdentities.createOrUpdate("made", "identity", { location });
  const deletion = resources.resourceGroups.delete("made", quick);
  await deletion.submitted();
  const { properties } = await resources.resourceGroups.get("made");
  expect(properties?.provisioningState).toBe("Deleting");
  await expect(
    network.routeTables.createOrUpdate("made", "late", { location }, quick),
  ).rejects.toEqual(refusal(409, "ResourceGroupBeingDeleted"));
  const second = resources.resourceGroups.delete("made", quick);
  await second.submitted();
  expect(azure.resources().map(({ name }) => name)).toEqual(["made", "identity"]);
  await clock.advance(1000);
  await Promise.all([deletion, second]);
  expect(azure.resources()).toEqual([]);
  await expect(resources.resourceGroups.delete("made", quick)).rejects.toEqual(
    refusal(404, "ResourceGroupNotFound"),
  );
});

test("a group stays when a subnet of another still uses what is in it, and goes once it doesn't", async () => {
  const { azure, resources, network } = await started();
  await using _ = azure;
  await resources.resourceGroups.createOrUpdate("other", { location });
  const nsg = await network.networkSecurityGroups.createOrUpdate(
    "made",
    "nsg",
    { location },
    quick,
  );
  const vnet = (id: string | undefined) => ({
    location,
    addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
    subnets: [
      {
        name: "given",
        addressPrefix: "10.0.0.0/24",
        ...(id === undefined ? {} : { networkSecurityGroup: { id } }),
      },
    ],
  });
  await network.virtualNetworks.createOrUpdate("other", "vnet", vnet(nsg.id), quick);
  await expect(resources.resourceGroups.delete("made", quick)).rejects.toThrow(
    /could not be deleted/,
  );
  expect((await resources.resourceGroups.get("made")).properties?.provisioningState).toBe(
    "Succeeded",
  );
  await network.virtualNetworks.createOrUpdate("other", "vnet", vnet(undefined), quick);
  await resources.resourceGroups.delete("made", quick);
  expect(azure.resources().map(({ name }) => name)).toEqual(["other", "vnet"]);
});

test("references to what isn't there are refused, as are subnets outside of their network", async () => {
  const { azure, network } = await started();
  await using _ = azure;
  const subnet = `${group}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/none`;
  await expect(
    network.networkInterfaces.createOrUpdate(
      "made",
      "nic",
      { location, ipConfigurations: [{ name: "main", subnet: { id: subnet } }] },
      quick,
    ),
  ).rejects.toEqual(refusal(400, "InvalidResourceReference"));
  await expect(
    network.virtualNetworks.createOrUpdate(
      "made",
      "vnet",
      {
        location,
        addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
        subnets: [{ name: "out", addressPrefix: "10.1.0.0/24" }],
      },
      quick,
    ),
  ).rejects.toEqual(refusal(400, "NetcfgInvalidSubnet"));
  expect(azure.resources().map(({ name }) => name)).toEqual(["made"]);
});

test("a record is made once, and deleted only as it was read", async () => {
  const { azure, dns } = await started();
  await using _ = azure;
  azure.createDnsZone("clusters.example");
  const zone = ["dns", "clusters.example"] as const;
  const record = {
    TTL: 300,
    cnameRecord: { cname: "infra.eastus.cloudapp.azure.com" },
    metadata: { "openshift-rp-incarnation": "one" },
  };
  const made = await dns.recordSets.createOrUpdate(
    ...zone,
    "api.mine",
    "CNAME",
    { ...record, ttl: 300 },
    { ifNoneMatch: "*" },
  );
  expect(made).toMatchObject({
    fqdn: "api.mine.clusters.example.",
    ttl: 300,
    cnameRecord: { cname: "infra.eastus.cloudapp.azure.com" },
    metadata: record.metadata,
  });
  await expect(
    dns.recordSets.createOrUpdate(...zone, "api.mine", "CNAME", { ttl: 300 }, { ifNoneMatch: "*" }),
  ).rejects.toEqual(refusal(412, "PreconditionFailed"));
  await expect(
    dns.recordSets.createOrUpdate(...zone, "api.mine", "A", { ttl: 300 }),
  ).rejects.toEqual(refusal(400, "BadRequest"));
  await dns.recordSets.update(...zone, "api.mine", "CNAME", { ttl: 60 });
  await expect(
    dns.recordSets.delete(...zone, "api.mine", "CNAME", { ifMatch: made.etag ?? "" }),
  ).rejects.toEqual(refusal(412, "PreconditionFailed"));
  const { etag } = await dns.recordSets.get(...zone, "api.mine", "CNAME");
  await dns.recordSets.delete(...zone, "api.mine", "CNAME", { ifMatch: etag ?? "" });
  const left: unknown[] = [];
  for await (const { name, type } of dns.recordSets.listByDnsZone(...zone)) left.push([name, type]);
  expect(left).toEqual([
    ["@", "Microsoft.Network/dnsZones/NS"],
    ["@", "Microsoft.Network/dnsZones/SOA"],
  ]);
});

test("a private zone is deleted after its links", async () => {
  const { azure, privateDns, network } = await started();
  await using _ = azure;
  const { id } = await network.virtualNetworks
    .createOrUpdate(
      "made",
      "vnet",
      { location, addressSpace: { addressPrefixes: ["10.0.0.0/16"] } },
      quick,
    )
    .pollUntilDone();
  await privateDns.privateZones.createOrUpdate(
    "made",
    "mine.example",
    { location: "global" },
    quick,
  );
  await privateDns.virtualNetworkLinks.createOrUpdate(
    "made",
    "mine.example",
    "link",
    { location: "global", virtualNetwork: { id: id ?? "" }, registrationEnabled: false },
    quick,
  );
  await expect(privateDns.privateZones.delete("made", "mine.example", quick)).rejects.toEqual(
    refusal(409, "CannotDeleteResource"),
  );
  await privateDns.virtualNetworkLinks.delete("made", "mine.example", "link", quick);
  await privateDns.privateZones.delete("made", "mine.example", quick);
  expect(azure.resources().map(({ name }) => name)).toEqual(["made", "vnet"]);
});

test("a role is assigned once, to somebody of whom the directory knows", async () => {
  const { azure, authorization, identities } = await started();
  await using _ = azure;
  const identity = await identities.userAssignedIdentities.createOrUpdate("made", "identity", {
    location,
  });
  const assign = async (name: string, principalId: string, principalType?: "ServicePrincipal") =>
    await authorization.roleAssignments.create(group, name, {
      roleDefinitionId: contributor,
      principalId,
      ...(principalType === undefined ? {} : { principalType }),
    });
  const principalId = identity.principalId ?? "";
  const first = "11111111-1111-4111-8111-111111111111";
  const second = "22222222-2222-4222-8222-222222222222";
  azure.conditions.principalDelayMs = 60_000;
  await expect(assign(first, principalId)).rejects.toEqual(refusal(400, "PrincipalNotFound"));
  await assign(first, principalId, "ServicePrincipal");
  const again = await assign(first, principalId, "ServicePrincipal");
  expect(again).toMatchObject({ principalId, scope: group });
  await expect(assign(second, principalId)).rejects.toEqual(refusal(409, "RoleAssignmentExists"));
  await expect(assign(first, azure.clusterApplication.objectId)).rejects.toEqual(
    refusal(400, "RoleAssignmentUpdateNotPermitted"),
  );
  await expect(assign(second, "33333333-3333-4333-8333-333333333333")).rejects.toEqual(
    refusal(400, "PrincipalNotFound"),
  );
});

test("names of storage accounts are the world's", async () => {
  const { azure, resources, storage } = await started();
  await using _ = azure;
  await resources.resourceGroups.createOrUpdate("other", { location });
  const account = { location, kind: "StorageV2", sku: { name: "Standard_LRS" } } as const;
  const made = await storage.storageAccounts.create("made", "cluster1", account, quick);
  expect(made.primaryEndpoints?.blob).toBe(`${azure.url}/cluster1/`);
  await storage.storageAccounts.create("made", "cluster1", account, quick);
  await expect(storage.storageAccounts.create("other", "cluster1", account, quick)).rejects.toEqual(
    refusal(409, "StorageAccountAlreadyTaken"),
  );
  await expect(storage.storageAccounts.create("made", "No-Name", account, quick)).rejects.toEqual(
    refusal(400, "AccountNameInvalid"),
  );
  const { keys } = await storage.storageAccounts.listKeys("made", "cluster1");
  expect(keys?.[0]?.value).toMatch(/^[A-Za-z0-9+/]{86}==$/);
  await storage.blobContainers.create("made", "cluster1", "vhd", {});
  expect(azure.resources().map(({ name }) => name)).toContain("vhd");
});
