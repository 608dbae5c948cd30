/** What a GET of 2020-04-30 shows (ARM-05, decision 24). */
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { context, storedCluster } from "../exampleCluster.ts";
import { clientId, fullCluster, masterSubnet, version, workerSubnet } from "./example.ts";

describe("the resource", () => {
  test("is the whole envelope with its profiles", () => {
    expect(version.show(fullCluster)).toEqual({
      ...context.identity,
      location: "East US",
      tags: { Team: "a", cost: "42" },
      etag: '"r1"',
      systemData: { createdBy: "x@example.com", createdByType: "Robot" },
      properties: {
        clusterProfile: {
          domain: "Demo",
          version: "4.3.27",
          resourceGroupId: fullCluster.cluster.resourceGroupId,
        },
        consoleProfile: { url: "https://console.demo.example.com/" },
        servicePrincipalProfile: { clientId },
        networkProfile: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
        masterProfile: { vmSize: "Standard_D8s_v3", subnetId: masterSubnet },
        workerProfiles: [
          {
            name: "worker",
            vmSize: "Standard_D2s_v3",
            diskSizeGB: 128,
            subnetId: workerSubnet,
            count: 3,
          },
        ],
        apiserverProfile: {
          visibility: "Private",
          url: "https://api.demo.example.com:6443/",
          ip: "203.0.113.10",
        },
        ingressProfiles: [{ name: "default", visibility: "Public", ip: "203.0.113.11" }],
        provisioningState: "Succeeded",
      },
    });
  });

  test("of a cluster made through another version has what both know, and no empty profile", () => {
    const { apiserverUrl: _a, consoleUrl: _c, ...bare } = storedCluster.cluster;
    const shown = version.show({ ...storedCluster, cluster: bare });
    expect(shown["properties"]).toEqual({
      networkProfile: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      masterProfile: { vmSize: "Standard_D8s_v3" },
      workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
      provisioningState: "Succeeded",
    });
    expect(version.show(storedCluster)).toMatchObject({
      properties: {
        consoleProfile: { url: "https://console.demo.example.com/" },
        apiserverProfile: { url: "https://api.demo.example.com:6443/" },
      },
    });
  });

  test("that is being created says so", () => {
    const creating: ClusterDocument = { ...fullCluster, provisioningState: "Creating" };
    expect(version.show(creating)).toMatchObject({ properties: { provisioningState: "Creating" } });
  });
});

test("credentials are the user's name and password", () => {
  expect(version.showCredentials(fullCluster)).toEqual({
    kubeadminUsername: "kubeadmin",
    kubeadminPassword: "password-marker",
  });
});
