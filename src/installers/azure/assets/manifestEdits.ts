/**
 * What has to be changed in the manifests that `openshift-install` writes, so that the cluster finds what is made for it by the
 * names under which it is made, whatever the program's release calls them; and the check that both agree in the rest. The
 * cluster's service principal has no rights in the parent zone, so the cluster must not try to make records there. It must never
 * quote a manifest in an error: some hold secrets. Pure.
 */
import { isMap, isScalar, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { TransientError } from "../../../model/rpError.ts";
import type { InstallationSnapshot } from "../../installer.ts";
import type { AssetFiles } from "./assetArchive.ts";
import { infraNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { isInfraId } from "./clusterAssets.ts";
import { givenSubnets } from "../resources/givenSubnets.ts";
import { isSameName } from "../sameName.ts";

/** Manifests that are not as expected: a release of the program that makes clusters in another way. */
class ManifestsUnexpectedError extends TransientError {
  override readonly name = "ManifestsUnexpectedError";
}

const paths = {
  dns: "manifests/cluster-dns-02-config.yml",
  infrastructure: "manifests/cluster-infrastructure-02-config.yml",
  cloudProvider: "manifests/cloud-provider-config.yaml",
} as const;

/** Of machines, and of sets that make them, with where they say what a machine is like. */
const machineManifests: readonly {
  readonly path: RegExp;
  readonly role: "controlPlane" | "worker";
  readonly spec: readonly string[];
}[] = [
  {
    path: /^openshift\/99_openshift-(cluster|machine)-api_master-machines-\d+\.yaml$/,
    role: "controlPlane",
    spec: ["spec", "providerSpec", "value"],
  },
  {
    path: /^openshift\/99_openshift-(cluster|machine)-api_worker-machineset-\d+\.yaml$/,
    role: "worker",
    spec: ["spec", "template", "spec", "providerSpec", "value"],
  },
  {
    path: /^openshift\/99_openshift-machine-api_master-control-plane-machine-set\.yaml$/,
    role: "controlPlane",
    spec: [
      "spec",
      "template",
      "machines_v1beta1_machine_openshift_io",
      "spec",
      "providerSpec",
      "value",
    ],
  },
];

const cloudProviderForm = z.record(z.string(), z.unknown());

/** How things are called where they are made. */
interface MadeNames {
  readonly group: string;
  readonly networkGroup: string;
  readonly network: string;
  readonly subnets: Readonly<Record<"controlPlane" | "worker", string>>;
  readonly infraId: string;
  readonly infra: ReturnType<typeof infraNames>;
}

/**
 * The manifests that have to be written again, by path.
 *
 * @param files what `create manifests` has written.
 * @throws {ManifestsUnexpectedError} naming the manifest and the setting.
 */
export function editedManifests(
  files: AssetFiles,
  snapshot: InstallationSnapshot,
): ReadonlyMap<string, string> {
  const names = noted(snapshot, "names");
  const infraId = infraIdOf(files);
  const made = madeNames(infraId, snapshot);
  const edited = new Map<string, string>();

  const dns = manifest(files, paths.dns);
  expectSetting(dns, ["spec", "baseDomain"], names.clusterDomain);
  dns.yaml.deleteIn(["spec", "publicZone"]);
  dns.yaml.setIn(["spec", "privateZone"], {
    id: `/subscriptions/${snapshot.subscriptionId}/resourceGroups/${made.group}/providers/Microsoft.Network/privateDnsZones/${names.clusterDomain}`,
  });
  edited.set(paths.dns, dns.yaml.toString({ lineWidth: 0 }));

  const infrastructure = manifest(files, paths.infrastructure);
  const azure = ["status", "platformStatus", "azure"];
  expectSetting(infrastructure, [...azure, "resourceGroupName"], made.group);
  expectSetting(infrastructure, [...azure, "networkResourceGroupName"], made.networkGroup);

  edited.set(paths.cloudProvider, cloudProviderConfig(files, made));

  const seen = { controlPlane: 0, worker: 0 };
  for (const path of files.keys()) {
    const kind = machineManifests.find((each) => each.path.test(path));
    if (kind === undefined) continue;
    seen[kind.role] += 1;
    edited.set(path, machineManifest(manifest(files, path), kind, made));
  }
  if (seen.controlPlane === 0 || seen.worker === 0) {
    throw new ManifestsUnexpectedError("openshift-install wrote no machines among its manifests");
  }
  return edited;
}

function madeNames(infraId: string, snapshot: InstallationSnapshot): MadeNames {
  const { managedGroup } = noted(snapshot, "names");
  const infra = infraNames(infraId);
  const given = givenSubnets(snapshot.cluster);
  return {
    group: managedGroup,
    networkGroup: given?.networkGroup ?? managedGroup,
    network: given?.network ?? infra.network,
    subnets: {
      controlPlane: given?.controlPlane ?? infra.controlPlaneSubnet,
      worker: given?.worker ?? infra.workerSubnet,
    },
    infraId,
    infra,
  };
}

/** @throws {ManifestsUnexpectedError} */
function infraIdOf(files: AssetFiles): string {
  const { yaml } = manifest(files, paths.infrastructure);
  const infraId: unknown = yaml.getIn(["status", "infrastructureName"]);
  if (!isInfraId(infraId)) {
    throw new ManifestsUnexpectedError(`${paths.infrastructure} has no infrastructureName`);
  }
  return infraId;
}

function cloudProviderConfig(files: AssetFiles, made: MadeNames): string {
  const read = manifest(files, paths.cloudProvider);
  const settings = cloudProviderSettings(read);
  const expected: Readonly<Record<string, string>> = {
    resourceGroup: made.group,
    vnetResourceGroup: made.networkGroup,
    vnetName: made.network,
    subnetName: made.subnets.worker,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (!isSameName(settings[name], value)) throw disagreement(paths.cloudProvider, name);
  }
  const changed = {
    ...settings,
    securityGroupName: made.infra.nodeSecurityGroup,
    routeTableName: made.infra.routeTable,
  };
  read.yaml.setIn(["data", "config"], `${JSON.stringify(changed, null, "\t")}\n`);
  return read.yaml.toString({ lineWidth: 0 });
}

function cloudProviderSettings({ yaml }: Manifest): Readonly<Record<string, unknown>> {
  try {
    return cloudProviderForm.parse(JSON.parse(String(yaml.getIn(["data", "config"]))));
  } catch {
    // the parsers' own errors quote what they read
    throw new ManifestsUnexpectedError(`${paths.cloudProvider} has no settings`);
  }
}

function machineManifest(
  read: Manifest,
  { role, spec }: { readonly role: "controlPlane" | "worker"; readonly spec: readonly string[] },
  { group, networkGroup, network, subnets, infraId, infra }: MadeNames,
): string {
  const { path, yaml } = read;
  if (!isMap(yaml.getIn(spec))) {
    throw new ManifestsUnexpectedError(`${path} does not say what its machines are like`);
  }
  const expected: Readonly<Record<string, string>> = {
    resourceGroup: group,
    networkResourceGroup: networkGroup,
    vnet: network,
    subnet: subnets[role],
  };
  for (const [name, value] of Object.entries(expected)) {
    expectSetting(read, [...spec, name], value);
  }
  const changed: Readonly<Record<string, unknown>> = {
    image: {
      publisher: "",
      offer: "",
      sku: "",
      version: "",
      resourceID: `/resourceGroups/${group}/providers/Microsoft.Compute/images/${infra.image}`,
    },
    managedIdentity: infra.identity,
    publicLoadBalancer:
      role === "controlPlane" ? infra.publicLoadBalancer : ofServices(infraId, infra),
    ...(role === "controlPlane" ? { internalLoadBalancer: infra.internalLoadBalancer } : {}),
  };
  for (const [name, value] of Object.entries(changed)) yaml.setIn([...spec, name], value);
  return yaml.toString({ lineWidth: 0 });
}

/**
 * The cluster balances its own services, the way into applications too, by one with the bare prefix for its name, and leaves out
 * machines that are in another one: Azure allows each a single public balancer.
 */
function ofServices(infraId: string, { publicLoadBalancer }: MadeNames["infra"]): string {
  return publicLoadBalancer === infraId ? publicLoadBalancer : "";
}

interface Manifest {
  readonly path: string;
  readonly yaml: Document;
}

/** @throws {ManifestsUnexpectedError} */
function manifest(files: AssetFiles, path: string): Manifest {
  const bytes = files.get(path);
  if (bytes === undefined) {
    throw new ManifestsUnexpectedError(`openshift-install wrote no ${path}`);
  }
  const yaml = parseDocument(Buffer.from(bytes).toString("utf8"), { logLevel: "silent" });
  if (yaml.errors.length > 0 || !isMap(yaml.contents)) {
    throw new ManifestsUnexpectedError(`${path} is no YAML of one resource`);
  }
  return { path, yaml };
}

/** @throws {ManifestsUnexpectedError} unless it is there and has the value, whatever its case: Azure's names have none. */
function expectSetting({ path, yaml }: Manifest, at: readonly string[], value: string): void {
  const found: unknown = yaml.getIn(at);
  if (!isSameName(isScalar(found) ? found.value : found, value)) {
    throw disagreement(path, at.at(-1) ?? "");
  }
}

function disagreement(path: string, setting: string): ManifestsUnexpectedError {
  return new ManifestsUnexpectedError(
    `openshift-install names something else as ${setting} in ${path} than what is made for the cluster`,
  );
}
