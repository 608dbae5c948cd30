/**
 * A cluster as the program thinks of it, whatever api-version a caller uses. No wire type, no secret, no bookkeeping:
 * those are `versions/`, `clusterSecrets.ts` and `document.ts`.
 *
 * A member that not every api-version can set is optional: a cluster made through another one has none.
 */

/** IPv4 ranges in CIDR form. */
export interface Network {
  /** Of a virtual network that is made for the cluster; absent when it joins subnets that exist. */
  readonly vnetCidr?: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
}

/** Machines of a cluster's control plane, whatever cluster. */
export const controlPlaneCount = 3;

export interface ControlPlane {
  readonly vmSize: string;
  /** The ARM id of the subnet that the machines join. */
  readonly subnetId?: string;
}

/** A pool of equal worker machines. `name` identifies it in its cluster. */
export interface WorkerProfile {
  readonly name: string;
  readonly vmSize: string;
  readonly diskSizeGB: number;
  readonly count: number;
  /** The ARM id of the subnet that the machines join. */
  readonly subnetId?: string;
}

/** From where something can be reached: from its virtual network alone, or from everywhere. */
export type Visibility = "Private" | "Public";

/** A way into a cluster's applications. `name` identifies it in its cluster. */
export interface Ingress {
  readonly name: string;
  readonly visibility: Visibility;
  /** Absent until the installation has made it known. */
  readonly ip?: string;
}

/**
 * Who made and last changed a resource, as ARM told us (ARM-102). Personal data: never logged (ARM-105). Values are
 * kept exactly as received.
 */
export interface SystemData {
  readonly createdBy?: string;
  readonly createdByType?: string;
  readonly createdAt?: string;
  readonly lastModifiedBy?: string;
  readonly lastModifiedByType?: string;
  readonly lastModifiedAt?: string;
}

/** The goal state of a cluster, and the URLs and addresses that its installation made known. */
export interface Cluster {
  /** As the user wrote it. */
  readonly location: string;
  /** Absent when there are none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** A full domain name, or a label below the installer's domain; without one the installer chooses. */
  readonly domain?: string;
  /** Three numbers, as `4.3.27`; without one the installer chooses. */
  readonly openshiftVersion?: string;
  /** The ARM id of the resource group for everything that is made; without one the installer chooses. */
  readonly resourceGroupId?: string;
  /** The client id of the service principal by which the cluster acts; its secret is `clientSecret`. */
  readonly clientId?: string;
  readonly network: Network;
  readonly controlPlane: ControlPlane;
  readonly workers: readonly WorkerProfile[];
  readonly apiserverVisibility?: Visibility;
  readonly ingresses?: readonly Ingress[];
  readonly apiserverUrl?: string;
  readonly apiserverIp?: string;
  readonly consoleUrl?: string;
  readonly systemData?: SystemData;
}
