/**
 * A cluster as the program thinks of it, whatever api-version a caller uses. No wire type, no secret, no bookkeeping:
 * those are `versions/`, `clusterSecrets.ts` and `document.ts`.
 */

/** IPv4 ranges in CIDR form. */
export interface Network {
  readonly vnetCidr: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
}

export interface ControlPlane {
  readonly vmSize: string;
}

/** A pool of equal worker machines. `name` identifies it in its cluster. */
export interface WorkerProfile {
  readonly name: string;
  readonly vmSize: string;
  readonly diskSizeGB: number;
  readonly count: number;
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

/** The goal state of a cluster, and the URLs that its installation made known. */
export interface Cluster {
  /** As the user wrote it. */
  readonly location: string;
  /** Absent when there are none. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly network: Network;
  readonly controlPlane: ControlPlane;
  readonly workers: readonly WorkerProfile[];
  readonly apiserverUrl?: string;
  readonly consoleUrl?: string;
  readonly systemData?: SystemData;
}
