/**
 * What a cluster makes in Azure by itself: the machines of its workers, the address of its router, its records and the storage of
 * its image registry. It must make nothing in a group that is gone or going.
 */
import type { AzureResource, AzureState } from "./azureState.ts";

/** A worker's machine as its provider spec describes it. */
export interface WorkerSpec {
  readonly resourceGroup: string;
  readonly networkResourceGroup: string;
  readonly vnet: string;
  readonly subnet: string;
  readonly vmSize: string;
  readonly location: string;
  readonly zone: string;
  readonly managedIdentity: string;
  readonly publicLoadBalancer: string;
  readonly image: { readonly resourceID: string };
  readonly osDisk: {
    readonly diskSizeGB: number;
    readonly managedDisk: { readonly storageAccountType: string };
  };
}

/** Resources in Azure, in a cluster's name. */
export class ClusterResources {
  readonly #state: AzureState;
  readonly #subscription: string;
  readonly #group: string;

  /** @param groupId of the group that the cluster's machines are in. */
  constructor(state: AzureState, groupId: string) {
    this.#state = state;
    this.#group = groupId;
    this.#subscription = groupId.split("/").slice(0, 3).join("/");
  }

  /** Makes a worker's machine, with its interface and disk. @returns what keeps it from that. */
  makeWorker(name: string, infraId: string, spec: WorkerSpec): string | undefined {
    const group = `${this.#subscription}/resourceGroups/${spec.resourceGroup}`;
    const network = `${this.#subscription}/resourceGroups/${spec.networkResourceGroup}/providers/Microsoft.Network`;
    const subnetId = `${network}/virtualNetworks/${spec.vnet}/subnets/${spec.subnet}`;
    const imageId = `${this.#subscription}${spec.image.resourceID}`;
    const identityId = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${spec.managedIdentity}`;
    const needed = [subnetId, imageId, ...(spec.managedIdentity === "" ? [] : [identityId])];
    if (spec.publicLoadBalancer !== "") {
      needed.push(`${group}/providers/Microsoft.Network/loadBalancers/${spec.publicLoadBalancer}`);
    }
    const missing = needed.find((id) => !this.#exists(id));
    if (missing !== undefined) {
      return `failed to reconcile machine "${name}": the resource ${missing} was not found`;
    }
    if (!this.#isThere(group)) return `the resource group ${spec.resourceGroup} is not there`;
    const common = {
      location: spec.location,
      tags: { [`kubernetes.io_cluster.${infraId}`]: "owned" },
    };
    const nicId = `${group}/providers/Microsoft.Network/networkInterfaces/${name}-nic`;
    const diskId = `${group}/providers/Microsoft.Compute/disks/${name}_OSDisk`;
    const machineId = `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;
    this.#put(nicId, "Microsoft.Network/networkInterfaces", common, {
      ipConfigurations: [
        {
          id: `${nicId}/ipConfigurations/pipConfig`,
          name: "pipConfig",
          properties: { subnet: { id: subnetId }, primary: true },
        },
      ],
      virtualMachine: { id: machineId },
    });
    this.#put(
      diskId,
      "Microsoft.Compute/disks",
      {
        ...common,
        managedBy: machineId,
        sku: { name: spec.osDisk.managedDisk.storageAccountType },
      },
      { diskSizeGB: spec.osDisk.diskSizeGB, diskState: "Attached" },
    );
    this.#put(
      machineId,
      "Microsoft.Compute/virtualMachines",
      {
        ...common,
        ...(spec.zone === "" ? {} : { zones: [spec.zone] }),
        ...(spec.managedIdentity === ""
          ? {}
          : { identity: { type: "UserAssigned", userAssignedIdentities: { [identityId]: {} } } }),
      },
      {
        hardwareProfile: { vmSize: spec.vmSize },
        storageProfile: {
          imageReference: { id: imageId },
          osDisk: { name: `${name}_OSDisk`, managedDisk: { id: diskId } },
        },
        networkProfile: { networkInterfaces: [{ id: nicId }] },
      },
    );
    return undefined;
  }

  /** Removes a worker's machine with all that was made for it. */
  removeWorker(name: string, { resourceGroup }: WorkerSpec): void {
    const group = `${this.#subscription}/resourceGroups/${resourceGroup}/providers`;
    this.#state.delete(`${group}/Microsoft.Compute/virtualMachines/${name}`);
    this.#state.delete(`${group}/Microsoft.Compute/disks/${name}_OSDisk`);
    this.#state.delete(`${group}/Microsoft.Network/networkInterfaces/${name}-nic`);
  }

  /**
   * Gives the router an address.
   *
   * @param options.subnetId of the workers, when it is to be reached from inside only.
   * @returns IPv4.
   */
  makeRouterAddress(options: {
    readonly infraId: string;
    readonly location: string;
    readonly subnetId?: string;
  }): string {
    const { infraId, location, subnetId } = options;
    if (subnetId !== undefined) {
      const { addressPrefix } = (this.#partOf(subnetId)?.properties ?? {}) as {
        addressPrefix?: string;
      };
      return (addressPrefix ?? "10.0.32.0/19").replace(/\d+\/\d+$/, "8");
    }
    // of those that are kept for documents (RFC 5737)
    const ipAddress = "203.0.113.80";
    if (this.#isThere(this.#group)) {
      this.#put(
        `${this.#group}/providers/Microsoft.Network/publicIPAddresses/${infraId}-router-default`,
        "Microsoft.Network/publicIPAddresses",
        { location, sku: { name: "Standard" } },
        { publicIPAllocationMethod: "Static", ipAddress },
      );
    }
    return ipAddress;
  }

  /** Makes `*.apps` in a zone, if that is there. */
  makeAppsRecord(zoneId: string, options: { readonly name: string; readonly ip: string }): void {
    const zone = this.#state.get(zoneId);
    if (zone === undefined || !this.#isThere(groupOf(zoneId))) return;
    this.#put(
      `${zone.id}/A/${options.name}`,
      `${zone.type}/A`,
      { etag: "00000000-0000-0000-0000-000000000001" },
      zone.type.toLowerCase().endsWith("privatednszones")
        ? { ttl: 30, aRecords: [{ ipv4Address: options.ip }] }
        : { TTL: 30, ARecords: [{ ipv4Address: options.ip }] },
    );
  }

  /** Makes the storage account of the image registry. */
  makeRegistryStorage(options: { readonly infraId: string; readonly location: string }): void {
    if (!this.#isThere(this.#group)) return;
    const suffix = options.infraId.replaceAll("-", "").slice(-11);
    this.#put(
      `${this.#group}/providers/Microsoft.Storage/storageAccounts/imageregistry${suffix}`,
      "Microsoft.Storage/storageAccounts",
      { location: options.location, kind: "StorageV2", sku: { name: "Standard_LRS" } },
      { allowBlobPublicAccess: false },
    );
  }

  #exists(id: string): boolean {
    return this.#partOf(id) !== undefined;
  }

  /** A resource, or what lies inside of one. */
  #partOf(id: string): AzureResource | undefined {
    const whole = this.#state.get(id);
    if (whole !== undefined) return whole;
    const segments = id.split("/");
    const parent = this.#state.get(segments.slice(0, -2).join("/"));
    const parts = parent?.properties[segments.at(-2) ?? ""];
    if (!Array.isArray(parts)) return undefined;
    return (parts as AzureResource[]).find(
      ({ name }) => name.toLowerCase() === segments.at(-1)?.toLowerCase(),
    );
  }

  #isThere(groupId: string): boolean {
    const group = this.#state.get(groupId);
    return group !== undefined && group.properties["provisioningState"] !== "Deleting";
  }

  #put(id: string, type: string, beside: object, properties: object): void {
    this.#state.put({
      id,
      name: id.slice(id.lastIndexOf("/") + 1),
      type,
      ...beside,
      properties: { ...properties, provisioningState: "Succeeded" },
    });
  }
}

function groupOf(id: string): string {
  return id.split("/").slice(0, 5).join("/");
}
