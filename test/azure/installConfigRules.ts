/**
 * What openshift-install refuses in an install-config.yaml for Azure, and the same file with its defaults. It must be no
 * milder than the real program: what passes here has to pass there.
 */
import { BlockList, isIPv4 } from "node:net";
import sshpk from "sshpk";
import { parse } from "yaml";
import { z } from "zod";

/** Of machines: three masters, or a pool of workers. */
const machinePlatform = z.strictObject({
  azure: z
    .strictObject({
      type: z.string().optional(),
      zones: z.array(z.string()).optional(),
      encryptionAtHost: z.boolean().optional(),
      ultraSSDCapability: z.string().optional(),
      vmNetworkingType: z.string().optional(),
      osDisk: z
        .strictObject({
          diskSizeGB: z.int().min(1).optional(),
          diskType: z.enum(["Premium_LRS", "StandardSSD_LRS", "Standard_LRS"]).optional(),
        })
        .optional(),
    })
    .optional(),
});

const machinePool = z.strictObject({
  name: z.string(),
  replicas: z.int().min(0),
  architecture: z.enum(["amd64", "arm64"]).optional(),
  hyperthreading: z.enum(["Enabled", "Disabled"]).optional(),
  platform: machinePlatform.optional(),
});

const installConfig = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("InstallConfig").optional(),
  metadata: z.strictObject({ name: z.string(), creationTimestamp: z.null().optional() }),
  baseDomain: z.string(),
  additionalTrustBundle: z.string().optional(),
  additionalTrustBundlePolicy: z.string().optional(),
  capabilities: z.unknown().optional(),
  featureSet: z.string().optional(),
  cpuPartitioningMode: z.string().optional(),
  credentialsMode: z.enum(["Mint", "Passthrough", "Manual"]).optional(),
  controlPlane: machinePool.extend({ name: z.literal("master") }),
  compute: z.array(machinePool.extend({ name: z.literal("worker") })).max(1),
  fips: z.boolean().optional(),
  imageContentSources: z.array(z.unknown()).optional(),
  imageDigestSources: z.array(z.unknown()).optional(),
  networking: z.strictObject({
    networkType: z.literal("OVNKubernetes").optional(),
    clusterNetwork: z.array(z.strictObject({ cidr: z.string(), hostPrefix: z.int() })).min(1),
    machineNetwork: z.array(z.strictObject({ cidr: z.string() })).min(1),
    serviceNetwork: z.array(z.string()).length(1),
  }),
  platform: z.strictObject({
    azure: z.strictObject({
      region: z.string().min(1),
      baseDomainResourceGroupName: z.string().optional(),
      resourceGroupName: z.string().optional(),
      networkResourceGroupName: z.string().optional(),
      virtualNetwork: z.string().optional(),
      controlPlaneSubnet: z.string().optional(),
      computeSubnet: z.string().optional(),
      cloudName: z.literal("AzurePublicCloud").optional(),
      outboundType: z.enum(["Loadbalancer", "UserDefinedRouting"]).optional(),
      userTags: z.record(z.string(), z.string()).optional(),
      defaultMachinePlatform: machinePlatform.shape.azure,
    }),
  }),
  proxy: z.unknown().optional(),
  publish: z.enum(["External", "Internal"]).default("External"),
  pullSecret: z.string(),
  sshKey: z.string(),
});

/** As the program works with it. */
export type InstallConfig = z.infer<typeof installConfig>;

/** A file that the program refuses. */
export class InvalidInstallConfig extends Error {
  override readonly name = "InvalidInstallConfig";
}

/** @throws InvalidInstallConfig naming every fault; as of the real program, the text may hold a secret that is wrong. */
export function readInstallConfig(text: string): InstallConfig {
  let data: unknown;
  try {
    data = parse(text);
  } catch (error) {
    throw new InvalidInstallConfig("failed to unmarshal install-config.yaml", { cause: error });
  }
  const read = installConfig.safeParse(data);
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new InvalidInstallConfig(`invalid "install-config.yaml" file: [${faults.join(", ")}]`);
  }
  const faults = [...faultsOf(read.data)];
  if (faults.length > 0) {
    throw new InvalidInstallConfig(`invalid "install-config.yaml" file: [${faults.join(", ")}]`);
  }
  return read.data;
}

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function* faultsOf(config: InstallConfig): Generator<string> {
  const { azure } = config.platform;
  if (!label.test(config.metadata.name)) {
    yield `metadata.name: Invalid value: "${config.metadata.name}": not a DNS label`;
  }
  if (config.baseDomain.split(".").some((part) => !label.test(part))) {
    yield `baseDomain: Invalid value: "${config.baseDomain}": not a domain`;
  }
  if (config.publish === "External" && azure.baseDomainResourceGroupName === undefined) {
    yield "platform.azure.baseDomainResourceGroupName: Required value: of the public zone";
  }
  const joined = [azure.networkResourceGroupName, azure.controlPlaneSubnet, azure.computeSubnet];
  if (azure.virtualNetwork !== undefined && joined.includes(undefined)) {
    yield "platform.azure.virtualNetwork: its resource group and both subnets must be given too";
  }
  if (azure.virtualNetwork === undefined && joined.some((part) => part !== undefined)) {
    yield "platform.azure.virtualNetwork: Required value: when its group or a subnet is given";
  }
  if (azure.outboundType === "UserDefinedRouting" && azure.virtualNetwork === undefined) {
    yield "platform.azure.outboundType: Invalid value: is only allowed with an existing network";
  }
  if (config.controlPlane.replicas < 1) {
    yield "controlPlane.replicas: Invalid value: number of control plane replicas must be positive";
  }
  yield* pullSecretFaults(config.pullSecret);
  try {
    sshpk.parseKey(config.sshKey, "ssh");
  } catch {
    yield `sshKey: Invalid value: "${config.sshKey}": ssh: no key found`;
  }
  yield* networkFaults(config.networking);
}

function* pullSecretFaults(pullSecret: string): Generator<string> {
  const auths = z.object({ auths: z.record(z.string(), z.object({ auth: z.string().min(1) })) });
  let data: unknown;
  try {
    data = JSON.parse(pullSecret);
  } catch {
    data = undefined;
  }
  const read = auths.safeParse(data);
  // the real program shows the value too: whoever runs it must not repeat what it prints
  if (!read.success || Object.keys(read.data.auths).length === 0) {
    yield `pullSecret: Invalid value: "${pullSecret}": auths required`;
  }
}

function* networkFaults(networking: InstallConfig["networking"]): Generator<string> {
  const ranges = [
    ...networking.machineNetwork.map(({ cidr }, at) => ({ cidr, at: `machineNetwork[${at}]` })),
    ...networking.serviceNetwork.map((cidr, at) => ({ cidr, at: `serviceNetwork[${at}]` })),
    ...networking.clusterNetwork.map(({ cidr }, at) => ({ cidr, at: `clusterNetwork[${at}]` })),
  ];
  for (const [index, range] of ranges.entries()) {
    if (!isRange(range.cidr)) {
      yield `networking.${range.at}: Invalid value: "${range.cidr}": not a network`;
      continue;
    }
    for (const earlier of ranges.slice(0, index).filter(({ cidr }) => isRange(cidr))) {
      if (!overlap(range.cidr, earlier.cidr)) continue;
      yield `networking.${range.at}: Invalid value: "${range.cidr}": overlaps ${earlier.at}`;
    }
  }
  for (const [at, { cidr, hostPrefix }] of networking.clusterNetwork.entries()) {
    if (hostPrefix >= prefixOf(cidr) && hostPrefix <= 32) continue;
    yield `networking.clusterNetwork[${at}].hostPrefix: Invalid value: ${hostPrefix}`;
  }
}

function prefixOf(cidr: string): number {
  return Number(cidr.split("/")[1]);
}

function isRange(cidr: string): boolean {
  const [address = "", prefix = "", ...rest] = cidr.split("/");
  return isIPv4(address) && /^\d+$/.test(prefix) && Number(prefix) <= 32 && rest.length === 0;
}

/** Two ranges overlap when one holds the other's first address. */
function overlap(one: string, other: string): boolean {
  return holds(one, other) || holds(other, one);
}

function holds(outer: string, inner: string): boolean {
  const list = new BlockList();
  list.addSubnet(outer.split("/")[0] ?? "", prefixOf(outer));
  return list.check(inner.split("/")[0] ?? "");
}
