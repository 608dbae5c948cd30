/** What a step found out goes into the document, and nothing of what was there is lost. */
import { expect, test } from "vitest";
import { saved } from "../../src/backend/changes.ts";
import type { ClusterAndOperation } from "../../src/backend/fencedCluster.ts";
import type { InstallationChanges } from "../../src/installers/installer.ts";
import type { Cluster, Ingress } from "../../src/model/cluster.ts";
import { newCluster } from "./stepsSuite.ts";

function after(changes: InstallationChanges, members: Partial<Cluster> = {}): Cluster {
  const document = newCluster();
  const cluster = { ...document, cluster: { ...document.cluster, ...members } };
  // of the record it takes nothing
  const operation = {} as ClusterAndOperation["operation"];
  return saved(changes)({ cluster, operation }).cluster.cluster;
}

test("addresses are shown where they belong", () => {
  // as a newer release may write one
  const newer = { name: "default", visibility: "Public", later: "kept" } as const;
  const ingresses: readonly Ingress[] = [
    newer,
    { name: "other", visibility: "Private", ip: "10.0.0.9" },
  ];
  const changes = {
    apiserverIp: "20.1.2.3",
    ingressIps: { default: "20.1.2.4", none: "20.1.2.5" },
  };
  expect(after(changes, { ingresses })).toMatchObject({
    apiserverIp: "20.1.2.3",
    ingresses: [
      { name: "default", visibility: "Public", ip: "20.1.2.4", later: "kept" },
      { name: "other", visibility: "Private", ip: "10.0.0.9" },
    ],
  });
});

test("a cluster made through an api-version without ingresses gets none", () => {
  expect(after({ ingressIps: { default: "20.1.2.4" } })).toEqual(newCluster().cluster);
});

test("an ingress that has the name of a member of every object is one like others", () => {
  const ingresses: readonly Ingress[] = [{ name: "constructor", visibility: "Public" }];
  expect(after({ ingressIps: {} }, { ingresses }).ingresses).toEqual(ingresses);
});

test("changes that leave them out leave them as they are", () => {
  const members = {
    apiserverIp: "20.1.2.3",
    apiserverUrl: "https://api.test/",
    ingresses: [{ name: "default", visibility: "Public", ip: "20.1.2.4" }],
  } as const;
  expect(after({ consoleUrl: "https://console.test/" }, members)).toMatchObject({
    ...members,
    consoleUrl: "https://console.test/",
  });
});
