/** The manifests after their change: what the cluster looks for has the names under which it is made. */
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { editedManifests } from "../../../../src/installers/azure/assets/manifestEdits.ts";
import { infraNames } from "../../../../src/installers/azure/azureNames.ts";
import { installConfig } from "../../../../src/installers/azure/assets/installConfig.ts";
import type { InstallationSnapshot } from "../../../../src/installers/installer.ts";
import { sshPublicKey } from "../../../../src/installers/sshKey.ts";
import { readInstallConfig } from "../../../azure/installConfigRules.ts";
import { installManifests } from "../../../azure/installManifests.ts";
import {
  azureSnapshot,
  clientSecret,
  dnsZone,
  joining,
  resourceManager,
  sshPrivateKey,
  subscriptionId,
} from "../azureSnapshot.ts";

const infraId = "shop-abcdefgh-x7k2p";
const infra = infraNames(infraId);

/** As the program writes them. */
function manifestsOf(snapshot: InstallationSnapshot): Map<string, Uint8Array> {
  const config = readInstallConfig(
    installConfig(snapshot, {
      sshPublicKey: sshPublicKey(sshPrivateKey),
      machineNetworks: ["10.0.0.0/16"],
      dnsZone,
      resourceManager,
    }),
  );
  const manifests = installManifests({
    config,
    infraId,
    clusterId: "33333333-3333-4333-8333-333333333333",
    version: "4.16.27",
    principal: { subscriptionId, tenantId: "tenant", clientId: "client", clientSecret },
    userData: { master: "bWFzdGVy", worker: "d29ya2Vy" },
  });
  return new Map([...manifests].map(([path, text]) => [path, Buffer.from(text)]));
}

function edited(snapshot: InstallationSnapshot): Map<string, Record<string, never>> {
  const texts = editedManifests(manifestsOf(snapshot), snapshot);
  return new Map([...texts].map(([path, text]) => [path, parse(text)]));
}

function changedIn(path: string, change: (manifest: never) => void): Map<string, Uint8Array> {
  const files = manifestsOf(azureSnapshot());
  const manifest: unknown = parse(Buffer.from(files.get(path) ?? []).toString());
  change(manifest as never);
  return files.set(path, Buffer.from(stringify(manifest)));
}

const cloudProvider = "manifests/cloud-provider-config.yaml";
const dns = "manifests/cluster-dns-02-config.yml";
const infrastructure = "manifests/cluster-infrastructure-02-config.yml";
const worker = "openshift/99_openshift-cluster-api_worker-machineset-0.yaml";
const machineSet = "openshift/99_openshift-machine-api_master-control-plane-machine-set.yaml";

describe("edited manifests", () => {
  it("leave the parent zone alone and name the cluster's own", () => {
    expect(edited(azureSnapshot()).get(dns)?.["spec"]).toMatchObject({
      baseDomain: "shop-abcdefgh.clusters.example.com",
      privateZone: {
        id: `/subscriptions/${subscriptionId}/resourceGroups/aro-shop-abcdefgh/providers/Microsoft.Network/privateDnsZones/shop-abcdefgh.clusters.example.com`,
      },
    });
    expect(edited(azureSnapshot()).get(dns)?.["spec"]).not.toHaveProperty("publicZone");
  });

  it("give the cloud provider the node's security group and route table, and keep its other settings", () => {
    const snapshot = azureSnapshot();
    const before: unknown = JSON.parse(
      parse(Buffer.from(manifestsOf(snapshot).get(cloudProvider) ?? []).toString()).data.config,
    );
    const manifest = edited(snapshot).get(cloudProvider) as unknown as {
      readonly data: { readonly config: string };
    };
    expect(JSON.parse(manifest.data.config)).toEqual({
      ...(before as object),
      securityGroupName: infra.nodeSecurityGroup,
      routeTableName: infra.routeTable,
    });
  });

  it("let all machines be made of the one image, with the identity and balancers that there are", () => {
    const manifests = edited(azureSnapshot());
    const specs = [...manifests].flatMap(([path, manifest]) => {
      const text = JSON.stringify(manifest);
      return path.startsWith("openshift/") ? [{ path, text }] : [];
    });
    expect(specs).toHaveLength(7);
    for (const { path, text } of specs) {
      expect(text).toContain(
        `"resourceID":"/resourceGroups/aro-shop-abcdefgh/providers/Microsoft.Compute/images/${infraId}"`,
      );
      expect(text).not.toContain("galleries");
      expect(text).toContain(`"managedIdentity":"${infra.identity}"`);
      const balancer = /"publicLoadBalancer":"([^"]*)"/.exec(text)?.[1];
      // the cluster's own balancer takes no worker that is in another
      const allowed = path.includes("master") ? [infra.publicLoadBalancer] : ["", infraId];
      expect(allowed, path).toContain(balancer);
      expect(text.includes(`"internalLoadBalancer":"${infra.internalLoadBalancer}"`), path).toBe(
        path.includes("master"),
      );
    }
    expect([...manifests.keys()]).toContain(machineSet);
  });

  it("agree with the subnets that a cluster joins", () => {
    const manifests = edited(azureSnapshot({ cluster: joining }));
    expect(JSON.stringify(manifests.get(worker))).toContain('"subnet":"workers"');
    expect(JSON.stringify(manifests.get(cloudProvider))).toContain("office");
  });

  it.each<[string, string, (manifest: never) => void]>([
    [
      dns,
      "baseDomain",
      (manifest: { spec: { baseDomain: string } }) => (manifest.spec.baseDomain = "other.example"),
    ],
    [
      infrastructure,
      "infrastructureName",
      (manifest: { status: { infrastructureName: string } }) =>
        (manifest.status.infrastructureName = "../x"),
    ],
    [
      infrastructure,
      "resourceGroupName",
      (manifest: { status: { platformStatus: { azure: { resourceGroupName?: string } } } }) =>
        delete manifest.status.platformStatus.azure.resourceGroupName,
    ],
    [
      cloudProvider,
      "vnetName",
      (manifest: { data: { config: string } }) =>
        (manifest.data.config = manifest.data.config.replace("-vnet", "-network")),
    ],
    [
      cloudProvider,
      "settings",
      (manifest: { data: { config: string } }) => (manifest.data.config = clientSecret),
    ],
    [
      worker,
      "subnet",
      (manifest: {
        spec: { template: { spec: { providerSpec: { value: { subnet: string } } } } };
      }) => (manifest.spec.template.spec.providerSpec.value.subnet = "elsewhere"),
    ],
    [
      worker,
      "machines",
      (manifest: { spec: { template?: unknown } }) => delete manifest.spec.template,
    ],
  ])("are not made of %s with another %s; the error names it", (path, setting, change) => {
    const files = changedIn(path, change);
    expect(() => editedManifests(files, azureSnapshot())).toThrow(
      expect.objectContaining({
        name: "ManifestsUnexpectedError",
        message: expect.stringMatching(new RegExp(`${path}.*${setting}|${setting}.*${path}`)),
      }),
    );
  });

  it("are not made of manifests that are missing or no YAML, and quote nothing", () => {
    for (const path of [dns, infrastructure, cloudProvider]) {
      const files = manifestsOf(azureSnapshot());
      files.set(path, Buffer.from(`{ "password": "${clientSecret}`));
      expect(() => editedManifests(files, azureSnapshot())).toThrow(/is no YAML of one resource$/);
      files.delete(path);
      expect(() => editedManifests(files, azureSnapshot())).toThrow(/wrote no/);
    }
    const files = manifestsOf(azureSnapshot());
    for (const path of files.keys()) if (path.includes("machine")) files.delete(path);
    expect(() => editedManifests(files, azureSnapshot())).toThrow(/wrote no machines/);
  });
});
