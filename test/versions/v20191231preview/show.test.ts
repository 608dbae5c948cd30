/** What a GET of 2019-12-31-preview shows (ARM-05, ARM-89, ARM-97). */
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../../src/model/document.ts";
import type { ProvisioningState } from "../../../src/model/provisioningState.ts";
import { context, storedCluster } from "../exampleCluster.ts";
import { fullCluster } from "../v20200430/example.ts";
import { version } from "./example.ts";

function inState(provisioningState: string): ClusterDocument {
  return { ...storedCluster, provisioningState: provisioningState as ProvisioningState };
}

describe("the resource", () => {
  test("is the whole envelope, with the casing of its creation (ARM-05, decision 1)", () => {
    expect(version.show(storedCluster)).toEqual({
      ...context.identity,
      location: "East US",
      tags: { Team: "a", cost: "42" },
      etag: '"r1"',
      systemData: { createdBy: "x@example.com", createdByType: "Robot" },
      properties: {
        networkProfile: {
          vnetCidr: "10.0.0.0/16",
          podCidr: "10.128.0.0/14",
          serviceCidr: "172.30.0.0/16",
        },
        masterProfile: { vmSize: "Standard_D8s_v3" },
        workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
        apiserverURL: "https://api.demo.example.com:6443/",
        consoleURL: "https://console.demo.example.com/",
        provisioningState: "Succeeded",
      },
    });
  });

  test("has no member without a value", () => {
    const {
      apiserverUrl: _a,
      consoleUrl: _c,
      tags: _t,
      systemData: _s,
      ...bare
    } = storedCluster.cluster;
    const shown = version.show({ ...storedCluster, cluster: bare });
    for (const name of ["tags", "systemData"]) expect(shown).not.toHaveProperty(name);
    for (const name of ["apiserverURL", "consoleURL"]) {
      expect(shown["properties"]).not.toHaveProperty(name);
    }
  });

  test("a cluster made through another version has what both know (decision 24)", () => {
    expect(version.show(fullCluster)["properties"]).toEqual({
      networkProfile: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      masterProfile: { vmSize: "Standard_D8s_v3" },
      workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
      apiserverURL: "https://api.demo.example.com:6443/",
      consoleURL: "https://console.demo.example.com/",
      provisioningState: "Succeeded",
    });
  });

  test("a cluster being created shows as Updating; a state of a newer release counts as running", () => {
    const shownState = (state: string) =>
      (version.show(inState(state))["properties"] as Record<string, unknown>)["provisioningState"];
    for (const state of ["Creating", "Updating", "Upgrading", "constructor", "__proto__"]) {
      expect(shownState(state)).toBe("Updating");
    }
    for (const state of ["Deleting", "Succeeded", "Failed", "Canceled"]) {
      expect(shownState(state)).toBe(state);
    }
  });
});

describe("credentials (decision 19)", () => {
  test("are the password alone", () => {
    expect(version.showCredentials(storedCluster)).toEqual({
      kubeadminPassword: "password-marker",
    });
  });
});
