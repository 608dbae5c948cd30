/** What the stand-in for openshift-install refuses in its configuration. */
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { readInstallConfig } from "./installConfigRules.ts";
import { installConfig } from "./standInAssets.ts";

test.each<[string, (config: typeof installConfig) => object]>([
  [
    "platform.azure: Unrecognized key",
    (config) => ({ ...config, platform: { azure: { ...config.platform.azure, zone: "1" } } }),
  ],
  [
    "baseDomainResourceGroupName",
    (config) => ({ ...config, platform: { azure: { region: "x" } } }),
  ],
  [
    "virtualNetwork",
    (config) => ({
      ...config,
      platform: { azure: { ...config.platform.azure, computeSubnet: "x" } },
    }),
  ],
  ["sshKey", (config) => ({ ...config, sshKey: "ssh-rsa nonsense" })],
  ["metadata.name", (config) => ({ ...config, metadata: { name: "a_b" } })],
  ["baseDomain", (config) => ({ ...config, baseDomain: "example..com" })],
  [
    "networking.serviceNetwork[0]",
    (config) => ({
      ...config,
      networking: {
        clusterNetwork: [{ cidr: "10.128.0.0/14", hostPrefix: 23 }],
        machineNetwork: [{ cidr: "172.16.0.0/12" }],
        serviceNetwork: ["172.30.0.0/16"],
      },
    }),
  ],
  [
    "hostPrefix",
    (config) => ({
      ...config,
      networking: {
        clusterNetwork: [{ cidr: "10.128.0.0/14", hostPrefix: 12 }],
        machineNetwork: [{ cidr: "10.0.0.0/16" }],
        serviceNetwork: ["172.30.0.0/16"],
      },
    }),
  ],
])("refuses a fault of %s", (path, change) => {
  expect(() => readInstallConfig(stringify(change(installConfig)))).toThrow(path);
});

test("accepts a config that has none of these faults", () => {
  expect(readInstallConfig(stringify(installConfig)).publish).toBe("External");
});
