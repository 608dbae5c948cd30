/** install-config.yaml: what the real program's rules take, for every cluster that a request can ask for. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { installConfig } from "../../../../src/installers/azure/assets/installConfig.ts";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import { sshPublicKey } from "../../../../src/installers/sshKey.ts";
import type { InstallationSnapshot } from "../../../../src/installers/installer.ts";
import type { Visibility } from "../../../../src/model/cluster.ts";
import { readInstallConfig } from "../../../azure/installConfigRules.ts";
import {
  azureSnapshot,
  clientSecret,
  dnsZone,
  joining,
  pullSecret,
  resourceManager,
  sshPrivateKey,
} from "../azureSnapshot.ts";

const publicKey = sshPublicKey(sshPrivateKey);

function written(
  snapshot: InstallationSnapshot,
  machineNetworks = ["10.0.0.0/16"],
  arm = resourceManager,
): string {
  return installConfig(snapshot, {
    sshPublicKey: publicKey,
    machineNetworks,
    dnsZone,
    resourceManager: arm,
  });
}

function namesWith(clusterDomain: string) {
  return {
    names: { mark: "abcdefgh", managedGroup: "group", clusterDomain, storageAccount: "account" },
  };
}

describe("install-config.yaml", () => {
  it("tells of a cluster with a network of its own", () => {
    const config = readInstallConfig(written(azureSnapshot()));
    expect(config).toMatchObject({
      apiVersion: "v1",
      metadata: { name: "shop-abcdefgh" },
      baseDomain: "clusters.example.com",
      credentialsMode: "Passthrough",
      controlPlane: {
        replicas: 3,
        platform: { azure: { type: "Standard_D8s_v3", zones: ["1", "2", "3"] } },
      },
      compute: [
        {
          replicas: 3,
          platform: { azure: { type: "Standard_D4s_v3", osDisk: { diskSizeGB: 128 } } },
        },
      ],
      networking: {
        networkType: "OVNKubernetes",
        machineNetwork: [{ cidr: "10.0.0.0/16" }],
        clusterNetwork: [{ cidr: "10.128.0.0/14", hostPrefix: 23 }],
        serviceNetwork: ["172.30.0.0/16"],
      },
      platform: {
        azure: {
          region: "westeurope",
          resourceGroupName: "aro-shop-abcdefgh",
          baseDomainResourceGroupName: "zones",
        },
      },
      publish: "External",
      pullSecret,
      sshKey: publicKey,
    });
    expect(config.platform.azure).not.toHaveProperty("virtualNetwork");
  });

  it("tells of the subnets that the cluster joins", () => {
    const config = readInstallConfig(
      written(azureSnapshot({ cluster: joining }), ["10.1.0.0/24", "10.1.1.0/24"]),
    );
    expect(config.platform.azure).toMatchObject({
      networkResourceGroupName: "Networks",
      virtualNetwork: "office",
      controlPlaneSubnet: "masters",
      computeSubnet: "workers",
    });
    expect(config.networking.machineNetwork).toEqual([
      { cidr: "10.1.0.0/24" },
      { cidr: "10.1.1.0/24" },
    ]);
  });

  it.each<[Visibility | undefined, Visibility | undefined, string]>([
    [undefined, undefined, "External"],
    ["Public", "Public", "External"],
    ["Private", "Public", "External"],
    ["Public", "Private", "Internal"],
    ["Private", "Private", "Internal"],
  ])("publishes applications as asked: API %s, applications %s", (api, apps, publish) => {
    const cluster = {
      ...(api === undefined ? {} : { apiserverVisibility: api }),
      ...(apps === undefined ? {} : { ingresses: [{ name: "default", visibility: apps }] }),
    };
    expect(readInstallConfig(written(azureSnapshot({ cluster }))).publish).toBe(publish);
  });

  it.each([
    ["https://management.azure.com", "AzurePublicCloud"],
    ["https://management.usgovcloudapi.net", "AzureUSGovernmentCloud"],
    ["https://management.chinacloudapi.cn", "AzureChinaCloud"],
    ["https://127.0.0.1:8443", "AzurePublicCloud"],
  ])("names the cloud of %s", (arm, cloudName) => {
    expect(parse(written(azureSnapshot(), ["10.0.0.0/16"], arm))).toMatchObject({
      platform: { azure: { cloudName } },
    });
  });

  it("names the group of the zone that the cluster was named in, of earlier notes the one that is set", () => {
    const group = (notes?: AzureNotes): unknown =>
      readInstallConfig(written(azureSnapshot(notes === undefined ? {} : { notes }))).platform.azure
        .baseDomainResourceGroupName;
    const { names } = namesWith("mine.example.com");
    const earlier = { ...dnsZone, resourceGroup: "earlier" };
    expect(group({ names: { ...names, dnsZone: earlier } })).toBe("earlier");
    expect(group({ names })).toBe("zones");
  });

  it("holds no secret but the pull secret", () => {
    const text = written(azureSnapshot());
    expect(text).not.toContain(clientSecret);
    expect(text).not.toContain("PRIVATE KEY");
  });

  it("is the same cluster again when it is read, whatever texts are in it", () => {
    const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,52}[a-z0-9])?$/);
    const anyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        label,
        fc.array(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/), {
          minLength: 1,
          maxLength: 4,
        }),
        anyText,
        anyText,
        fc.integer({ min: 0, max: 50 }),
        (name, parents, secret, location, count) => {
          const snapshot = azureSnapshot({
            cluster: {
              location,
              workers: [{ name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 128, count }],
            },
            secrets: { pullSecret: JSON.stringify({ auths: { [secret]: { auth: secret } } }) },
            notes: namesWith([name, ...parents].join(".")),
          });
          const read: unknown = parse(written(snapshot), { version: "1.1" });
          expect(read).toMatchObject({
            metadata: { name },
            baseDomain: parents.join("."),
            compute: [{ replicas: count }],
            platform: { azure: { region: location.replaceAll(/\s/g, "").toLowerCase() } },
            pullSecret: snapshot.secrets.pullSecret,
          });
          expect(parse(written(snapshot))).toEqual(read);
        },
      ),
    );
  });

  it.each(["3prod.example.com", `${"a".repeat(55)}.example.com`, "alone"])(
    "is refused for the domain %s, with what to do",
    (clusterDomain) => {
      const snapshot = azureSnapshot({ notes: namesWith(clusterDomain) });
      expect(() => written(snapshot)).toThrow(
        expect.objectContaining({
          name: "TerminalError",
          code: "InstallationFailed",
          message: expect.stringMatching(/another domain\.$/),
        }),
      );
    },
  );
});
