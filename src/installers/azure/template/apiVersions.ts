/**
 * The api-version of each type of resource that the installer makes or deletes, in templates and in calls by id alike. Each is the one
 * that the SDK's models of that type were made from, so that what compiles is what Azure reads: a new release of an SDK changes its
 * rows here, and a test compares them.
 */
export const apiVersions = {
  "Microsoft.Authorization/roleAssignments": "2022-04-01",
  "Microsoft.Compute/disks": "2026-03-02",
  "Microsoft.Compute/images": "2026-04-01",
  "Microsoft.Compute/virtualMachines": "2026-04-01",
  "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
  "Microsoft.Network/loadBalancers": "2026-01-01",
  "Microsoft.Network/networkInterfaces": "2026-01-01",
  "Microsoft.Network/networkSecurityGroups": "2026-01-01",
  "Microsoft.Network/privateDnsZones": "2024-06-01",
  "Microsoft.Network/privateDnsZones/A": "2024-06-01",
  "Microsoft.Network/privateDnsZones/SRV": "2024-06-01",
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
  "Microsoft.Network/publicIPAddresses": "2026-01-01",
  "Microsoft.Network/routeTables": "2026-01-01",
  "Microsoft.Network/virtualNetworks": "2026-01-01",
  "Microsoft.Storage/storageAccounts": "2026-09-01",
  "Microsoft.Storage/storageAccounts/blobServices/containers": "2026-09-01",
} as const;

/** Of what is only read, by path: no SDK here has a method for it in this version, so the types are declared where it is read. */
export const readApiVersions = {
  "Microsoft.Authorization/permissions": "2022-04-01",
  "Microsoft.Resources/subscriptions": "2022-12-01",
} as const;

export type ResourceType = keyof typeof apiVersions;
