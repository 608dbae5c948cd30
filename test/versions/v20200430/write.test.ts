/** PUT and PATCH of 2020-04-30: what they keep, change and refuse (decisions 14 and 24). */
import { describe, expect, test } from "vitest";
import { clusterChange } from "../../../src/model/clusterChange.ts";
import type { WireObject } from "../../../src/versions/apiVersion.ts";
import { committed, places, pullSecretText, storedCluster } from "../exampleCluster.ts";
import {
  clientId,
  clientSecret,
  clusterProfile,
  fullCluster,
  masterSubnet,
  patch,
  put,
  servicePrincipalProfile,
  smallestBody,
  version,
  workerSubnet,
} from "./example.ts";

const shown = version.show(fullCluster);
const properties = shown["properties"] as Readonly<Record<string, WireObject>>;
const principal = "properties.servicePrincipalProfile";

function changed(change: object): WireObject {
  return { ...shown, properties: { ...properties, ...change } };
}

describe("create", () => {
  test("the smallest body gets every default", () => {
    const { cluster, secrets, faults } = put(smallestBody);
    expect(faults).toEqual([]);
    expect(cluster).toEqual({
      location: "eastus",
      domain: "Demo",
      resourceGroupId: clusterProfile.resourceGroupId,
      clientId,
      network: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      controlPlane: { vmSize: "Standard_D8s_v3", subnetId: masterSubnet },
      workers: [
        {
          name: "worker",
          vmSize: "Standard_D2s_v3",
          diskSizeGB: 128,
          subnetId: workerSubnet,
          count: 3,
        },
      ],
      apiserverVisibility: "Public",
      ingresses: [{ name: "default", visibility: "Public" }],
    });
    expect(secrets).toEqual({ clientSecret });
  });

  test("seed 15: what the service makes known is not taken over", () => {
    const asked = put({
      ...smallestBody,
      properties: {
        ...smallestBody.properties,
        consoleProfile: { url: "https://evil.example.com" },
        apiserverProfile: { url: 5, ip: "192.0.2.1" },
        ingressProfiles: [{ name: "default", ip: "192.0.2.1" }],
        provisioningState: "Failed",
      },
    });
    expect(asked).toEqual(put(smallestBody));
  });
});

describe("replace", () => {
  test("the body that created the cluster can be repeated (ARM-32)", () => {
    const created = put(smallestBody);
    const again = put(smallestBody, { ...fullCluster, ...created });
    expect(again.faults).toEqual([]);
    expect(clusterChange(created, again)).toBe("none");
  });

  test("an omitted secret stays, a given one replaces it; a client id can't be left out (ARM-33)", () => {
    expect(put(shown, fullCluster).secrets).toEqual(fullCluster.secrets);
    const renewed = put(
      changed({ servicePrincipalProfile: { clientId, clientSecret: "new" } }),
      fullCluster,
    );
    expect(renewed.faults).toEqual([]);
    expect(renewed.secrets).toEqual({ ...fullCluster.secrets, clientSecret: "new" });
    for (const servicePrincipalProfile of [undefined, {}, { clientSecret: "new" }]) {
      expect(places(put(changed({ servicePrincipalProfile }), fullCluster))).toEqual([
        `InvalidParameter ${principal}.clientId`,
      ]);
    }
  });

  test("the service principal can be changed", () => {
    const other = "00000000-0000-4000-8000-00000000000A";
    const asked = put(
      changed({ servicePrincipalProfile: { clientId: other, clientSecret: "new" } }),
      fullCluster,
    );
    expect(asked.faults).toEqual([]);
    expect(asked.cluster).toEqual({ ...fullCluster.cluster, clientId: other });
    expect(clusterChange(fullCluster, asked)).toBe("work");
  });

  test("names of Azure and of DNS in other letters are no change, and aren't taken over", () => {
    const asked = put(
      changed({
        clusterProfile: {
          domain: "dEMO",
          version: "4.3.27",
          resourceGroupId: clusterProfile.resourceGroupId.toUpperCase(),
        },
        masterProfile: { subnetId: masterSubnet.toLowerCase() },
        workerProfiles: [{ name: "worker", subnetId: workerSubnet.toUpperCase(), count: 3 }],
      }),
      fullCluster,
    );
    expect(asked.faults).toEqual([]);
    expect(asked.cluster).toEqual(fullCluster.cluster);
  });

  test.each<[string, object]>([
    ["clusterProfile.domain", { clusterProfile: { domain: "other" } }],
    ["clusterProfile.version", { clusterProfile: { version: "4.3.28" } }],
    ["clusterProfile.resourceGroupId", { clusterProfile: { resourceGroupId: "x" } }],
    ["networkProfile.podCidr", { networkProfile: { podCidr: "nonsense" } }],
    ["networkProfile.serviceCidr", { networkProfile: { serviceCidr: "172.31.0.0/16" } }],
    ["masterProfile.vmSize", { masterProfile: { vmSize: "Standard_D4s_v3" } }],
    ["masterProfile.subnetId", { masterProfile: { subnetId: workerSubnet } }],
    ["workerProfiles[0].vmSize", { workerProfiles: [{ name: "worker", vmSize: "x" }] }],
    ["workerProfiles[0].diskSizeGB", { workerProfiles: [{ name: "worker", diskSizeGB: 129 }] }],
    ["workerProfiles[0].subnetId", { workerProfiles: [{ name: "worker", subnetId: "x" }] }],
    ["apiserverProfile.visibility", { apiserverProfile: { visibility: "Public" } }],
    ["ingressProfiles[0].visibility", { ingressProfiles: [{ name: "default", visibility: "x" }] }],
    ["ingressProfiles", { ingressProfiles: [{ name: "other" }] }],
  ])("a change of %s is refused, once (ARM-37)", (path, change) => {
    const expected = [`PropertyChangeNotAllowed properties.${path}`];
    expect(places(put(changed(change), fullCluster))).toEqual(expected);
    expect(places(patch({ properties: change }, fullCluster))).toEqual(expected);
  });
});

describe("PATCH", () => {
  test("of the service principal merges", () => {
    const renewed = patch(
      { properties: { servicePrincipalProfile: { clientSecret: "new" } } },
      fullCluster,
    );
    expect(renewed.faults).toEqual([]);
    expect(renewed.cluster).toEqual(fullCluster.cluster);
    expect(renewed.secrets).toEqual({ ...fullCluster.secrets, clientSecret: "new" });
  });

  test("can't remove it, nor a secret, and says so", () => {
    const removed = patch({ properties: { servicePrincipalProfile: null } }, fullCluster);
    expect(places(removed)).toEqual([
      `InvalidParameter ${principal}.clientSecret`,
      `InvalidParameter ${principal}.clientId`,
    ]);
    for (const { message } of removed.faults) expect(message).toContain("cannot be removed");
    expect(
      places(patch({ properties: { clusterProfile: { pullSecret: null } } }, fullCluster)),
    ).toEqual(["InvalidParameter properties.clusterProfile.pullSecret"]);
  });

  test("removes nothing where nothing is stored: that is no fault", () => {
    for (const properties of [
      { servicePrincipalProfile: null },
      { servicePrincipalProfile: { clientSecret: null } },
    ]) {
      const asked = patch({ properties }, storedCluster);
      expect(asked.faults).toEqual([]);
      expect(asked.cluster).toEqual(storedCluster.cluster);
      expect(asked.secrets).toEqual(storedCluster.secrets);
    }
    const { pullSecret: _, ...secrets } = fullCluster.secrets;
    const withoutPullSecret = { ...fullCluster, secrets };
    for (const clusterProfile of [null, { pullSecret: null }]) {
      expect(
        patch({ properties: { clusterProfile } }, withoutPullSecret).faults,
      ).not.toContainEqual(
        expect.objectContaining({ target: "properties.clusterProfile.pullSecret" }),
      );
    }
  });

  test("can't remove a list that no cluster is without, and says so of the list", () => {
    for (const list of ["workerProfiles", "ingressProfiles"]) {
      const asked = patch({ properties: { [list]: null } }, fullCluster);
      expect(places(asked)).toEqual([`InvalidParameter properties.${list}`]);
      expect(asked.faults[0]?.message).toContain("cannot be removed");
      expect(asked.cluster).toEqual(fullCluster.cluster);
    }
  });
});

describe("of a cluster made through another version", () => {
  test("what it lacks can't be set later", () => {
    expect(places(put(smallestBody, storedCluster))).toEqual([
      "PropertyChangeNotAllowed properties.clusterProfile.domain",
      "PropertyChangeNotAllowed properties.clusterProfile.resourceGroupId",
      "PropertyChangeNotAllowed properties.masterProfile.subnetId",
      "PropertyChangeNotAllowed properties.workerProfiles[0].subnetId",
    ]);
  });

  test("it counts as having the contract's defaults, which may be written out, and no other value", () => {
    const before = version.show(storedCluster);
    const asking = (visibility: string) =>
      put(
        {
          ...before,
          properties: {
            ...(before["properties"] as object),
            apiserverProfile: { visibility },
            ingressProfiles: [{ name: "default", visibility }],
          },
        },
        storedCluster,
      );
    expect(asking("Public").faults).toEqual([]);
    expect(asking("Public").cluster).toEqual(storedCluster.cluster);
    expect(places(asking("Private"))).toEqual([
      "PropertyChangeNotAllowed properties.apiserverProfile.visibility",
      "PropertyChangeNotAllowed properties.ingressProfiles[0].visibility",
    ]);
    expect(places(patch({ properties: { ingressProfiles: [] } }))).toEqual([
      "PropertyChangeNotAllowed properties.ingressProfiles",
    ]);
  });

  test("it can be given a service principal, whole or not at all", () => {
    const asked = patch({ properties: { servicePrincipalProfile } });
    expect(asked.faults).toEqual([]);
    expect(asked.cluster).toEqual({ ...storedCluster.cluster, clientId });
    expect(asked.secrets).toEqual({ ...storedCluster.secrets, clientSecret });
    expect(places(patch({ properties: { servicePrincipalProfile: { clientId } } }))).toEqual([
      `InvalidParameter ${principal}.clientSecret`,
    ]);
    expect(places(patch({ properties: { servicePrincipalProfile: { clientSecret } } }))).toEqual([
      `InvalidParameter ${principal}.clientId`,
    ]);
  });

  test("the pull secret is the same one, in another encoding", () => {
    const asked = patch({ properties: { clusterProfile: { pullSecret: ` ${pullSecretText}\n` } } });
    expect(asked.faults).toEqual([]);
    expect(clusterChange(storedCluster, asked)).toBe("none");
    expect(committed(asked)).toEqual(storedCluster);
  });
});
