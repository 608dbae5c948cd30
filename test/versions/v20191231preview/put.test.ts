/** A PUT replaces: what it keeps, what goes back to its default, and what it refuses to change (ARM-30 to ARM-42). */
import { describe, expect, test } from "vitest";
import { clusterChange } from "../../../src/model/clusterChange.ts";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { context, places, storedCluster } from "../exampleCluster.ts";
import { pullSecret, put, smallestBody, version } from "./example.ts";

const shown = version.show(storedCluster) as typeof smallestBody & {
  properties: Record<string, unknown>;
};

describe("create", () => {
  test("the smallest body gets every default", () => {
    const { cluster, faults } = put(smallestBody);
    expect(faults).toEqual([]);
    expect(cluster).toEqual({
      location: "eastus",
      network: { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      controlPlane: { vmSize: "Standard_D8s_v3" },
      workers: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
    });
  });

  test("defaults fill single members of what is given in part", () => {
    const { cluster } = put({
      ...smallestBody,
      properties: {
        pullSecret,
        networkProfile: { podCidr: "10.64.0.0/14" },
        workerProfiles: [{ name: "worker", count: 7 }],
      },
    });
    expect(cluster.network).toEqual({
      vnetCidr: "10.0.0.0/16",
      podCidr: "10.64.0.0/14",
      serviceCidr: "172.30.0.0/16",
    });
    expect(cluster.workers).toEqual([
      { name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 7 },
    ]);
  });

  test("the location is kept as it was written (ARM-36)", () => {
    expect(put({ ...smallestBody, location: "East US" }).cluster.location).toBe("East US");
  });

  test("seed 15: URLs that a caller plants are not taken over, nor is a state (ARM-35)", () => {
    const { cluster, faults } = put({
      ...smallestBody,
      systemData: { createdBy: "me" },
      etag: "mine",
      properties: {
        pullSecret,
        apiserverURL: "https://evil.example.com",
        consoleURL: 5,
        provisioningState: "Failed",
      },
    });
    expect(faults).toEqual([]);
    expect(cluster).toEqual(put(smallestBody).cluster);
  });
});

describe("replace", () => {
  test("seed 14, seed C5: the body that created the cluster can be repeated (ARM-32)", () => {
    const asked = put(smallestBody, storedCluster);
    expect(asked.faults).toEqual([]);
    expect(asked.cluster.network).toEqual(storedCluster.cluster.network);
    expect(asked.cluster.apiserverUrl).toBe(storedCluster.cluster.apiserverUrl);
  });

  test("tags that are left out are gone (ARM-33)", () => {
    expect(put(smallestBody, storedCluster).cluster).not.toHaveProperty("tags");
    expect(put({ ...smallestBody, tags: {} }, storedCluster).cluster).not.toHaveProperty("tags");
  });

  test("after scaling, the smallest body scales back but keeps what is set at creation (decision 14)", () => {
    const scaled: ClusterDocument = {
      ...storedCluster,
      cluster: {
        ...storedCluster.cluster,
        workers: [{ name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 512, count: 9 }],
      },
    };
    for (const body of [
      smallestBody,
      { ...smallestBody, properties: { workerProfiles: [{ name: "worker" }] } },
    ]) {
      const { cluster, faults } = put(body, scaled);
      expect(faults).toEqual([]);
      expect(cluster.workers).toEqual([
        { name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 512, count: 3 },
      ]);
    }
  });

  test("an omitted secret stays, a given one replaces it, others are never touched (ARM-119)", () => {
    const kept = put({ location: "eastus", properties: {} }, storedCluster);
    expect(kept.faults).toEqual([]);
    expect(kept.secrets).toEqual(storedCluster.secrets);

    const text = '{"auths":{"registry.example.com":{"auth":"eA=="}}}';
    const changed = put(
      { location: "eastus", properties: { pullSecret: Buffer.from(text).toString("base64") } },
      storedCluster,
    );
    expect(changed.faults).toEqual([]);
    expect(changed.secrets).toEqual({ ...storedCluster.secrets, pullSecret: text });
  });

  test("another spelling of the location is no change, and isn't taken over (ARM-36)", () => {
    for (const location of ["eastus", "EAST US", "East us", " eastUS "]) {
      const { cluster, faults } = put({ ...shown, location }, storedCluster);
      expect(faults).toEqual([]);
      expect(cluster.location).toBe("East US");
    }
  });

  test.each([
    ["location", { ...shown, location: "westus" }],
    [
      "properties.networkProfile.vnetCidr",
      { ...shown, properties: { networkProfile: { vnetCidr: "10.1.0.0/16" } } },
    ],
    [
      "properties.networkProfile.podCidr",
      { ...shown, properties: { networkProfile: { podCidr: "nonsense" } } },
    ],
    [
      "properties.masterProfile.vmSize",
      { ...shown, properties: { masterProfile: { vmSize: "Standard_D4s_v3" } } },
    ],
    [
      "properties.workerProfiles[0].vmSize",
      { ...shown, properties: { workerProfiles: [{ name: "worker", vmSize: "Standard_D4s_v3" }] } },
    ],
    [
      "properties.workerProfiles[0].diskSizeGB",
      { ...shown, properties: { workerProfiles: [{ name: "worker", diskSizeGB: 129 }] } },
    ],
  ])("a change of %s is refused, once (ARM-37)", (path, body) => {
    expect(places(put(body, storedCluster))).toEqual([`PropertyChangeNotAllowed ${path}`]);
  });

  test("every change that is refused is listed", () => {
    const asked = put(
      {
        location: "westus",
        properties: { networkProfile: { vnetCidr: "10.1.0.0/16", podCidr: "10.64.0.0/14" } },
      },
      storedCluster,
    );
    expect(places(asked)).toEqual([
      "PropertyChangeNotAllowed location",
      "PropertyChangeNotAllowed properties.networkProfile.vnetCidr",
      "PropertyChangeNotAllowed properties.networkProfile.podCidr",
    ]);
  });

  test("the body must not contradict its URL (ARM-06)", () => {
    const upper = Object.fromEntries(
      Object.entries(context.identity).map(([name, value]) => [name, value.toUpperCase()]),
    );
    expect(put({ ...shown, ...upper }, storedCluster).faults).toEqual([]);
    expect(put({ ...shown, id: null, name: null, type: null }, storedCluster).faults).toEqual([]);
    expect(places(put({ ...shown, id: "/x", name: "other", type: 5 }, storedCluster))).toEqual([
      "MismatchingResourceID id",
      "MismatchingResourceName name",
      "MismatchingResourceType type",
    ]);
    expect(places(put({ ...smallestBody, name: "other" }))).toEqual([
      "MismatchingResourceName name",
    ]);
  });

  test("a provisioningState that isn't the cluster's is refused (ARM-35)", () => {
    const withState = (provisioningState: unknown) => ({
      ...shown,
      properties: { ...shown.properties, provisioningState },
    });
    expect(put(withState("Succeeded"), storedCluster).faults).toEqual([]);
    expect(put(withState(null), storedCluster).faults).toEqual([]);
    for (const state of ["Failed", "Creating", 1, {}]) {
      expect(places(put(withState(state), storedCluster))).toEqual([
        "InvalidParameter properties.provisioningState",
      ]);
    }
    const creating: ClusterDocument = { ...storedCluster, provisioningState: "Creating" };
    expect(put(withState("Updating"), creating).faults).toEqual([]);
  });

  test("other read-only members are ignored, whatever they say (decision 20)", () => {
    const asked = put(
      {
        ...shown,
        etag: "other",
        systemData: { createdBy: "me" },
        properties: { ...shown.properties, apiserverURL: "https://other", consoleURL: [] },
      },
      storedCluster,
    );
    expect(asked.faults).toEqual([]);
    expect(clusterChange(storedCluster, asked)).toBe("none");
  });

  test("a missing location is a fault even though it is stored", () => {
    expect(places(put({ properties: { pullSecret } }))).toEqual(["InvalidParameter location"]);
  });
});
