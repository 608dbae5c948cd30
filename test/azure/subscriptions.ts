/** What a subscription says of itself: its tenant, providers, permissions, sizes and quota. It must create no resource. */
import { AzureError, type AzureAnswer, type AzureRequest } from "./azureService.ts";
import type { AzureState } from "./azureState.ts";
import type { Entra } from "./entra.ts";
import type { MachineSku, SubscriptionConditions } from "./subscriptionConditions.ts";

const contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c";

export class Subscriptions {
  readonly #state: AzureState;
  readonly #conditions: SubscriptionConditions;
  readonly #entra: Entra;

  constructor(parts: {
    readonly state: AzureState;
    readonly conditions: SubscriptionConditions;
    readonly entra: Entra;
  }) {
    this.#state = parts.state;
    this.#conditions = parts.conditions;
    this.#entra = parts.entra;
  }

  /** @param caller the object id of whom the request comes from. */
  handle({ method, url }: AzureRequest, caller: string): AzureAnswer | undefined {
    const path = url.pathname;
    if (method === "GET" && /\/providers\/Microsoft\.Authorization\/permissions$/i.test(path)) {
      return this.#permissions(caller);
    }
    const match = /^\/subscriptions\/([^/]+)(\/.*)?$/i.exec(path);
    const id = match?.[1];
    if (id === undefined) return undefined;
    const rest = match?.[2] ?? "";
    if (method === "GET" && rest === "") return this.#subscription(id);
    const provider = /^\/providers(?:\/([^/]+)(\/register)?)?$/i.exec(rest);
    if (provider !== null) {
      if (method === "GET" && provider[1] === undefined) return this.#providers(id);
      if (method === "GET") return this.#provider(id, provider[1] ?? "");
      if (method === "POST" && provider[2] !== undefined)
        return this.#register(id, provider[1] ?? "");
      return undefined;
    }
    if (method !== "GET") return undefined;
    if (/^\/providers\/Microsoft\.Compute\/skus$/i.test(rest)) return this.#skus(url);
    const usages = /^\/providers\/Microsoft\.(Compute|Network)\/locations\/([^/]+)\/usages$/i.exec(
      rest,
    );
    if (usages?.[1]?.toLowerCase() === "compute") return this.#computeUsages(id, usages[2] ?? "");
    if (usages !== null) return this.#networkUsages(id, usages[2] ?? "");
    const role = /^(.*)\/providers\/Microsoft\.Authorization\/roleDefinitions\/([^/]+)$/i.exec(
      path,
    );
    if (role?.[2] === contributor) return this.#contributor(path);
    return undefined;
  }

  #subscription(id: string): AzureAnswer {
    return {
      status: 200,
      body: {
        id: `/subscriptions/${id}`,
        subscriptionId: id,
        displayName: "Stand-in",
        state: this.#conditions.subscriptionState,
        tenantId: this.#entra.tenantId,
        subscriptionPolicies: {
          locationPlacementId: "Public_2014-09-01",
          quotaId: "PayAsYouGo_2014-09-01",
          spendingLimit: "Off",
        },
      },
    };
  }

  #permissions(caller: string): AzureAnswer {
    const value = this.#conditions.permissions.get(caller) ?? [{ actions: ["*"], notActions: [] }];
    return { status: 200, body: { value } };
  }

  #providers(subscriptionId: string): AzureAnswer {
    const value = [...this.#conditions.registrations].map(([namespace, registrationState]) => ({
      id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
      namespace,
      registrationState,
      resourceTypes: [],
    }));
    return { status: 200, body: { value } };
  }

  #provider(subscriptionId: string, given: string): AzureAnswer {
    const namespace = this.#known(given);
    const registrationState = this.#conditions.registrations.get(namespace);
    if (registrationState === "Registering") {
      // shown once, so that whoever registered it has something to wait for
      this.#conditions.registrations.set(namespace, "Registered");
    }
    return {
      status: 200,
      body: {
        id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
        namespace,
        registrationPolicy: "RegistrationRequired",
        registrationState,
        resourceTypes: [],
      },
    };
  }

  #register(subscriptionId: string, given: string): AzureAnswer {
    const namespace = this.#known(given);
    if (this.#conditions.registrations.get(namespace) === "NotRegistered") {
      this.#conditions.registrations.set(namespace, "Registering");
    }
    return {
      status: 200,
      body: {
        id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
        namespace,
        registrationState: this.#conditions.registrations.get(namespace),
        resourceTypes: [],
      },
    };
  }

  #known(given: string): string {
    const namespace = this.#conditions.providerName(given);
    if (namespace !== undefined) return namespace;
    throw new AzureError(
      404,
      "InvalidResourceNamespace",
      `The resource namespace '${given}' is invalid.`,
    );
  }

  #skus(url: URL): AzureAnswer {
    const filter = url.searchParams.get("$filter") ?? "";
    const location = /location eq '([^']+)'/.exec(filter)?.[1] ?? "eastus";
    const value = this.#conditions.skus.map((sku) => describe(sku, location));
    return { status: 200, body: { value } };
  }

  #computeUsages(subscriptionId: string, location: string): AzureAnswer {
    const used = new Map<string, number>();
    let all = 0;
    let machines = 0;
    for (const resource of this.#in(
      subscriptionId,
      location,
      "microsoft.compute/virtualmachines",
    )) {
      const size = (resource.properties["hardwareProfile"] as { vmSize?: string } | undefined)
        ?.vmSize;
      const sku = this.#conditions.skus.find(({ name }) => name === size);
      machines += 1;
      if (sku === undefined) continue;
      all += sku.vCPUs;
      used.set(sku.family, (used.get(sku.family) ?? 0) + sku.vCPUs);
    }
    const limit = this.#conditions.coresLimit;
    const families = new Set(this.#conditions.skus.map(({ family }) => family));
    const value = [
      usage("cores", all, limit),
      usage("virtualMachines", machines, 25_000),
      ...[...families].map((family) => usage(family, used.get(family) ?? 0, limit)),
    ];
    return { status: 200, body: { value } };
  }

  #networkUsages(subscriptionId: string, location: string): AzureAnswer {
    const value = [...this.#conditions.networkLimits].map(([name, limit]) => {
      const type = name
        .replace(/^StandardSkuPublicIpAddresses$/, "PublicIPAddresses")
        .replace(/^StandardSku/, "");
      const count = this.#in(subscriptionId, location, `microsoft.network/${type}`).length;
      return {
        ...usage(name, count, limit),
        id: `/subscriptions/${subscriptionId}/usages/${name}`,
      };
    });
    return { status: 200, body: { value } };
  }

  #in(subscriptionId: string, location: string, type: string) {
    const start = `/subscriptions/${subscriptionId}/`.toLowerCase();
    return this.#state
      .list()
      .filter((resource) => resource.id.toLowerCase().startsWith(start))
      .filter((resource) => resource.type.toLowerCase() === type.toLowerCase())
      .filter((resource) => resource.location?.toLowerCase() === location.toLowerCase());
  }

  #contributor(path: string): AzureAnswer {
    return {
      status: 200,
      body: {
        id: path,
        name: contributor,
        type: "Microsoft.Authorization/roleDefinitions",
        properties: { roleName: "Contributor", type: "BuiltInRole", assignableScopes: ["/"] },
      },
    };
  }
}

function usage(name: string, currentValue: number, limit: number): object {
  return { unit: "Count", currentValue, limit, name: { value: name, localizedValue: name } };
}

function describe(sku: MachineSku, location: string): object {
  const restricted = sku.restrictedZones ?? [];
  const capability = (name: string, value: string | number): object => ({
    name,
    value: String(value),
  });
  const restrictions = [
    ...(sku.restrictedBecause === undefined
      ? []
      : [
          {
            type: "Location",
            values: [location],
            restrictionInfo: { locations: [location] },
            reasonCode: sku.restrictedBecause,
          },
        ]),
    ...(restricted.length === 0
      ? []
      : [
          {
            type: "Zone",
            values: [location],
            restrictionInfo: { locations: [location], zones: restricted },
            reasonCode: "NotAvailableForSubscription",
          },
        ]),
  ];
  return {
    resourceType: "virtualMachines",
    name: sku.name,
    tier: "Standard",
    size: sku.name.replace("Standard_", ""),
    family: sku.family,
    locations: [location],
    locationInfo: [{ location, zones: sku.zones, zoneDetails: [] }],
    capabilities: [
      capability("vCPUs", sku.vCPUs),
      capability("MemoryGB", sku.memoryGB),
      capability("HyperVGenerations", sku.hyperVGenerations),
      capability("PremiumIO", sku.premiumIO ? "True" : "False"),
      capability("AcceleratedNetworkingEnabled", sku.acceleratedNetworking ? "True" : "False"),
      capability("CpuArchitectureType", "x64"),
    ],
    restrictions,
  };
}
