/**
 * What holds in a subscription without being a resource: registered providers, sizes of machines, quota, permissions. Tests
 * change it to see an installer refuse; it must start as a subscription in which everything can be installed.
 */

export interface MachineSku {
  readonly name: string;
  readonly family: string;
  readonly vCPUs: number;
  readonly memoryGB: number;
  readonly hyperVGenerations: string;
  readonly premiumIO: boolean;
  readonly acceleratedNetworking: boolean;
  readonly zones: readonly string[];
  /** Why it can't be had, such as `NotAvailableForSubscription`. */
  readonly restrictedBecause?: string;
  /** Zones in which it can't be had. */
  readonly restrictedZones?: readonly string[];
}

export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

export type RegistrationState = "Registered" | "Registering" | "NotRegistered";

function machine(size: number, version: "v3" | "v4" | "v5"): MachineSku {
  return {
    name: `Standard_D${size}s_${version}`,
    family: `standardDS${version}Family`,
    vCPUs: size,
    memoryGB: size * 4,
    hyperVGenerations: "V1,V2",
    premiumIO: true,
    acceleratedNetworking: true,
    zones: ["1", "2", "3"],
  };
}

/** Providers that a subscription knows; the rest does not exist. */
const providers = [
  "Microsoft.Authorization",
  "Microsoft.Compute",
  "Microsoft.ManagedIdentity",
  "Microsoft.Network",
  "Microsoft.Resources",
  "Microsoft.Storage",
];

export class SubscriptionConditions {
  /** By namespace. A provider that is registered later is `Registering` until it is asked for again. */
  readonly registrations = new Map<string, RegistrationState>(
    providers.map((name) => [name, "Registered"]),
  );
  /** Subscriptions that don't exist; all others do. */
  readonly missingSubscriptions = new Set<string>();
  /** Such as `Enabled`, `Disabled`, `Warned`. */
  subscriptionState = "Enabled";
  /** By the object id of a principal; whoever isn't here may do everything. */
  readonly permissions = new Map<string, readonly Permission[]>();
  /** The same in every region. */
  skus: readonly MachineSku[] = [
    ...([4, 8, 16] as const).flatMap((size) => [machine(size, "v3"), machine(size, "v5")]),
    { ...machine(2, "v3"), name: "Standard_D2s_v3" },
  ];
  /** How many cores of one family, and of all, may be used in a region. */
  coresLimit = 350;
  /** By the name of a network usage, such as `PublicIPAddresses`. */
  readonly networkLimits = new Map<string, number>([
    ["VirtualNetworks", 1000],
    ["NetworkSecurityGroups", 5000],
    ["NetworkInterfaces", 65_536],
    ["PublicIPAddresses", 1000],
    ["StandardSkuPublicIpAddresses", 1000],
    ["LoadBalancers", 1000],
    ["StandardSkuLoadBalancers", 1000],
    ["RouteTables", 200],
  ]);
  /** How long Entra ID takes to tell everywhere of a new identity. Until then a role can't be assigned to it. */
  principalDelayMs = 0;
  /** Pull secrets for which no registry gives out an image: outside of Azure, but clusters need them. */
  readonly refusedPullSecrets = new Set<string>();

  /** The provider's own spelling; `undefined` for one that doesn't exist. */
  providerName(namespace: string): string | undefined {
    return [...this.registrations.keys()].find(
      (name) => name.toLowerCase() === namespace.toLowerCase(),
    );
  }
}
