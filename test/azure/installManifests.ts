/**
 * The manifests that openshift-install writes for a cluster on Azure, as far as anybody changes or reads them: names, kinds
 * and members are those of the real program. It must not correct what an installer for its own infrastructure has to
 * change: image, load balancer and DNS zones are named here as if the program had made them.
 */
import { stringify } from "yaml";
import type { InstallConfig } from "./installConfigRules.ts";

/** Of the cluster's service principal, as in the file at AZURE_AUTH_LOCATION. */
export interface ServicePrincipal {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface ManifestOptions {
  readonly config: InstallConfig;
  readonly infraId: string;
  readonly clusterId: string;
  /** Of OpenShift. */
  readonly version: string;
  readonly principal: ServicePrincipal;
  /** The base64 texts of the ignition configs that machines begin with. */
  readonly userData: Readonly<Record<"master" | "worker", string>>;
}

type Manifest = Readonly<Record<string, unknown>>;
type Role = "master" | "worker";

const machineNamespace = "openshift-machine-api";

/** `{name}.{baseDomain}`. */
export function clusterDomain(config: InstallConfig): string {
  return `${config.metadata.name}.${config.baseDomain}`;
}

/** The group that the cluster's own machines are made in. */
export function clusterGroup(config: InstallConfig, infraId: string): string {
  return config.platform.azure.resourceGroupName ?? `${infraId}-rg`;
}

/** Path in the program's folder to text. */
export function installManifests(options: ManifestOptions): Map<string, string> {
  const manifests = new Map<string, Manifest>([
    ["manifests/cluster-dns-02-config.yml", dns(options)],
    ["manifests/cluster-infrastructure-02-config.yml", infrastructure(options)],
    ["manifests/cluster-ingress-02-config.yml", ingress(options)],
    ["manifests/cluster-network-02-config.yml", network(options)],
    ["manifests/cluster-scheduler-02-config.yml", scheduler(options)],
    ["manifests/cluster-config.yaml", clusterConfig(options)],
    ["manifests/cloud-provider-config.yaml", cloudProviderConfig(options)],
    ["manifests/cvo-overrides.yaml", clusterVersion(options)],
    ["manifests/openshift-config-secret-pull-secret.yaml", pullSecret(options)],
    ["openshift/99_cloud-creds-secret.yaml", cloudCredentials(options)],
    [
      "openshift/99_openshift-cluster-api_master-user-data-secret.yaml",
      userData(options, "master"),
    ],
    [
      "openshift/99_openshift-cluster-api_worker-user-data-secret.yaml",
      userData(options, "worker"),
    ],
    ["openshift/99_openshift-machine-api_master-control-plane-machine-set.yaml", masters(options)],
  ]);
  if (options.config.publish === "Internal") {
    manifests.set(
      "manifests/cluster-ingress-default-ingresscontroller.yaml",
      internalIngressController(),
    );
  }
  for (let index = 0; index < options.config.controlPlane.replicas; index++) {
    manifests.set(
      `openshift/99_openshift-cluster-api_master-machines-${index}.yaml`,
      masterMachine(options, index),
    );
  }
  for (const [index, set] of workerSets(options).entries()) {
    manifests.set(`openshift/99_openshift-cluster-api_worker-machineset-${index}.yaml`, set);
  }
  return new Map([...manifests].map(([path, manifest]) => [path, stringify(manifest)]));
}

function resource(apiVersion: string, kind: string, name: string, rest: Manifest): Manifest {
  return { apiVersion, kind, metadata: { creationTimestamp: null, name }, ...rest };
}

function inNamespace(
  apiVersion: string,
  kind: string,
  metadata: Manifest,
  rest: Manifest,
): Manifest {
  return { apiVersion, kind, metadata: { creationTimestamp: null, ...metadata }, ...rest };
}

function dns({ config, infraId, principal }: ManifestOptions): Manifest {
  const zoneId = (group: string, kind: string, zone: string) =>
    `/subscriptions/${principal.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/${kind}/${zone}`;
  const domain = clusterDomain(config);
  const publicGroup = config.platform.azure.baseDomainResourceGroupName;
  return resource("config.openshift.io/v1", "DNS", "cluster", {
    spec: {
      baseDomain: domain,
      platform: { aws: null, type: "" },
      privateZone: { id: zoneId(clusterGroup(config, infraId), "privateDnsZones", domain) },
      ...(config.publish === "External" && publicGroup !== undefined
        ? { publicZone: { id: zoneId(publicGroup, "dnszones", config.baseDomain) } }
        : {}),
    },
    status: {},
  });
}

function infrastructure({ config, infraId }: ManifestOptions): Manifest {
  const domain = clusterDomain(config);
  const group = clusterGroup(config, infraId);
  return resource("config.openshift.io/v1", "Infrastructure", "cluster", {
    spec: {
      cloudConfig: { key: "config", name: "cloud-provider-config" },
      platformSpec: { type: "Azure" },
    },
    status: {
      apiServerInternalURI: `https://api-int.${domain}:6443`,
      apiServerURL: `https://api.${domain}:6443`,
      controlPlaneTopology: "HighlyAvailable",
      cpuPartitioning: "None",
      etcdDiscoveryDomain: "",
      infrastructureName: infraId,
      infrastructureTopology: "HighlyAvailable",
      platform: "Azure",
      platformStatus: {
        azure: {
          cloudName: "AzurePublicCloud",
          networkResourceGroupName: config.platform.azure.networkResourceGroupName ?? group,
          resourceGroupName: group,
        },
        type: "Azure",
      },
    },
  });
}

function ingress({ config }: ManifestOptions): Manifest {
  return resource("config.openshift.io/v1", "Ingress", "cluster", {
    spec: { domain: `apps.${clusterDomain(config)}` },
    status: { defaultPlacement: "Workers" },
  });
}

function internalIngressController(): Manifest {
  return inNamespace(
    "operator.openshift.io/v1",
    "IngressController",
    { name: "default", namespace: "openshift-ingress-operator" },
    {
      spec: {
        endpointPublishingStrategy: {
          loadBalancer: { dnsManagementPolicy: "Managed", scope: "Internal" },
          type: "LoadBalancerService",
        },
      },
      status: {},
    },
  );
}

function clusterVersion({ clusterId, version }: ManifestOptions): Manifest {
  const [major, minor] = version.split(".");
  return inNamespace(
    "config.openshift.io/v1",
    "ClusterVersion",
    { namespace: "openshift-cluster-version", name: "version" },
    { spec: { channel: `stable-${major}.${minor}`, clusterID: clusterId } },
  );
}

function pullSecret({ config }: ManifestOptions): Manifest {
  return inNamespace(
    "v1",
    "Secret",
    { name: "pull-secret", namespace: "openshift-config" },
    {
      data: { ".dockerconfigjson": Buffer.from(config.pullSecret).toString("base64") },
      type: "kubernetes.io/dockerconfigjson",
    },
  );
}

function network({ config }: ManifestOptions): Manifest {
  const { clusterNetwork, serviceNetwork } = config.networking;
  return resource("config.openshift.io/v1", "Network", "cluster", {
    spec: { clusterNetwork, networkType: "OVNKubernetes", serviceNetwork },
    status: {},
  });
}

function scheduler({ config }: ManifestOptions): Manifest {
  const workers = config.compute[0]?.replicas ?? 0;
  return resource("config.openshift.io/v1", "Scheduler", "cluster", {
    spec: { mastersSchedulable: workers === 0, policy: { name: "" } },
    status: {},
  });
}

function clusterConfig({ config }: ManifestOptions): Manifest {
  const { pullSecret: _pullSecret, ...shown } = config;
  return inNamespace(
    "v1",
    "ConfigMap",
    { name: "cluster-config-v1", namespace: "kube-system" },
    { data: { "install-config": stringify({ ...shown, pullSecret: "" }) } },
  );
}

function cloudProviderConfig({ config, infraId, principal }: ManifestOptions): Manifest {
  const { azure } = config.platform;
  const group = clusterGroup(config, infraId);
  const settings = {
    cloud: "AzurePublicCloud",
    tenantId: principal.tenantId,
    aadClientId: "",
    aadClientSecret: "",
    aadClientCertPath: "",
    aadClientCertPassword: "",
    useManagedIdentityExtension: true,
    userAssignedIdentityID: "",
    subscriptionId: principal.subscriptionId,
    resourceGroup: group,
    location: azure.region,
    vnetName: azure.virtualNetwork ?? `${infraId}-vnet`,
    vnetResourceGroup: azure.networkResourceGroupName ?? group,
    subnetName: azure.computeSubnet ?? `${infraId}-worker-subnet`,
    securityGroupName: `${infraId}-nsg`,
    routeTableName: `${infraId}-node-routetable`,
    primaryAvailabilitySetName: "",
    vmType: "",
    primaryScaleSetName: "",
    cloudProviderBackoff: true,
    cloudProviderBackoffRetries: 0,
    cloudProviderBackoffExponent: 0,
    cloudProviderBackoffDuration: 6,
    cloudProviderBackoffJitter: 0,
    cloudProviderRateLimit: false,
    useInstanceMetadata: true,
    loadBalancerSku: "standard",
    excludeMasterFromStandardLB: false,
  };
  return inNamespace(
    "v1",
    "ConfigMap",
    { name: "cloud-provider-config", namespace: "openshift-config" },
    { data: { config: `${JSON.stringify(settings, null, "\t")}\n` } },
  );
}

function cloudCredentials({ config, infraId, principal }: ManifestOptions): Manifest {
  const values = {
    azure_subscription_id: principal.subscriptionId,
    azure_client_id: principal.clientId,
    azure_client_secret: principal.clientSecret,
    azure_tenant_id: principal.tenantId,
    azure_resource_prefix: infraId,
    azure_resourcegroup: clusterGroup(config, infraId),
    azure_region: config.platform.azure.region,
  };
  return inNamespace(
    "v1",
    "Secret",
    { namespace: "kube-system", name: "azure-credentials" },
    {
      data: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          Buffer.from(value).toString("base64"),
        ]),
      ),
    },
  );
}

function userData(options: ManifestOptions, role: Role): Manifest {
  return inNamespace(
    "v1",
    "Secret",
    { name: `${role}-user-data`, namespace: machineNamespace },
    {
      data: { disableTemplating: "dHJ1ZQo=", userData: options.userData[role] },
      type: "Opaque",
    },
  );
}

function poolOf({ config }: ManifestOptions, role: Role) {
  const pool = role === "master" ? config.controlPlane : config.compute[0];
  const defaults = config.platform.azure.defaultMachinePlatform ?? {};
  const own = pool?.platform?.azure ?? {};
  return {
    type: own.type ?? defaults.type ?? "Standard_D4s_v3",
    // of the region's, the real program takes all that offer the size
    zones: own.zones ?? defaults.zones ?? ["1", "2", "3"],
    diskSizeGB: own.osDisk?.diskSizeGB ?? defaults.osDisk?.diskSizeGB ?? 128,
    diskType: own.osDisk?.diskType ?? defaults.osDisk?.diskType ?? "Premium_LRS",
    replicas: pool?.replicas ?? 0,
  };
}

function providerSpec(options: ManifestOptions, role: Role, zone: string): Manifest {
  const { config, infraId } = options;
  const { azure } = config.platform;
  const pool = poolOf(options, role);
  const group = clusterGroup(config, infraId);
  const gallery = `gallery_${infraId.replaceAll("-", "_")}`;
  const own = role === "master" ? azure.controlPlaneSubnet : azure.computeSubnet;
  return {
    acceleratedNetworking: true,
    apiVersion: "machine.openshift.io/v1beta1",
    credentialsSecret: { name: "azure-cloud-credentials", namespace: machineNamespace },
    diagnostics: {},
    image: {
      offer: "",
      publisher: "",
      resourceID: `/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${infraId}-gen2/versions/latest`,
      sku: "",
      version: "",
    },
    kind: "AzureMachineProviderSpec",
    location: azure.region,
    managedIdentity: `${infraId}-identity`,
    metadata: { creationTimestamp: null },
    networkResourceGroup: azure.networkResourceGroupName ?? group,
    osDisk: {
      diskSettings: {},
      diskSizeGB: pool.diskSizeGB,
      managedDisk: {
        securityProfile: { diskEncryptionSet: {} },
        storageAccountType: pool.diskType,
      },
      osType: "Linux",
    },
    publicIP: false,
    ...(role === "master" ? { internalLoadBalancer: `${infraId}-internal` } : {}),
    publicLoadBalancer: azure.outboundType === "UserDefinedRouting" ? "" : infraId,
    resourceGroup: group,
    subnet: own ?? `${infraId}-${role}-subnet`,
    userDataSecret: { name: `${role}-user-data` },
    vmSize: pool.type,
    vnet: azure.virtualNetwork ?? `${infraId}-vnet`,
    zone,
  };
}

function roleLabels(infraId: string, role: Role): Record<string, string> {
  return {
    "machine.openshift.io/cluster-api-cluster": infraId,
    "machine.openshift.io/cluster-api-machine-role": role,
    "machine.openshift.io/cluster-api-machine-type": role,
  };
}

function masterMachine(options: ManifestOptions, index: number): Manifest {
  const { zones } = poolOf(options, "master");
  const zone = zones[index % Math.max(zones.length, 1)] ?? "";
  return inNamespace(
    "machine.openshift.io/v1beta1",
    "Machine",
    {
      labels: roleLabels(options.infraId, "master"),
      name: `${options.infraId}-master-${index}`,
      namespace: machineNamespace,
    },
    {
      spec: {
        lifecycleHooks: {},
        metadata: {},
        providerSpec: { value: providerSpec(options, "master", zone) },
      },
      status: {},
    },
  );
}

function masters(options: ManifestOptions): Manifest {
  const { zones, replicas } = poolOf(options, "master");
  const labels = roleLabels(options.infraId, "master");
  return inNamespace(
    "machine.openshift.io/v1",
    "ControlPlaneMachineSet",
    {
      labels: { "machine.openshift.io/cluster-api-cluster": options.infraId },
      name: "cluster",
      namespace: machineNamespace,
    },
    {
      spec: {
        replicas,
        selector: { matchLabels: labels },
        state: "Active",
        strategy: {},
        template: {
          machineType: "machines_v1beta1_machine_openshift_io",
          machines_v1beta1_machine_openshift_io: {
            failureDomains: { azure: zones.map((zone) => ({ zone })), platform: "Azure" },
            metadata: { labels },
            spec: { providerSpec: { value: providerSpec(options, "master", "") } },
          },
        },
      },
      status: {},
    },
  );
}

/** One per zone; the first ones have what doesn't divide evenly. */
function workerSets(options: ManifestOptions): Manifest[] {
  const { zones: given, replicas } = poolOf(options, "worker");
  if (options.config.compute.length === 0) return [];
  const zones = given.length === 0 ? [""] : given;
  return zones.map((zone, index) => {
    const name = `${options.infraId}-worker-${options.config.platform.azure.region}${zone}`;
    const labels = roleLabels(options.infraId, "worker");
    const selected = {
      "machine.openshift.io/cluster-api-cluster": options.infraId,
      "machine.openshift.io/cluster-api-machineset": name,
    };
    return inNamespace(
      "machine.openshift.io/v1beta1",
      "MachineSet",
      { labels, name, namespace: machineNamespace },
      {
        spec: {
          replicas: Math.floor(replicas / zones.length) + (index < replicas % zones.length ? 1 : 0),
          selector: { matchLabels: selected },
          template: {
            metadata: { labels: { ...labels, ...selected } },
            spec: {
              lifecycleHooks: {},
              metadata: {},
              providerSpec: { value: providerSpec(options, "worker", zone) },
            },
          },
        },
        status: { replicas: 0 },
      },
    );
  });
}
