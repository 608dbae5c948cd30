/** Whether a write needs an operation (decision 17). */
import { describe, expect, test } from "vitest";
import type { Cluster } from "../../src/model/cluster.ts";
import { clusterChange } from "../../src/model/clusterChange.ts";

const cluster: Cluster = {
  location: "eastus",
  tags: { a: "1", b: "2" },
  network: { vnetCidr: "10.0.0.0/16", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
  controlPlane: { vmSize: "Standard_D8s_v3" },
  workers: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
};
const before = { cluster, secrets: { pullSecret: "{}" } };
const { tags: _tags, ...untagged } = cluster;

function change(changes: Partial<Cluster>, secrets = before.secrets) {
  return clusterChange(before, { cluster: { ...cluster, ...changes }, secrets });
}

describe("clusterChange", () => {
  test("the same is no change, in whatever order its members come", () => {
    expect(change({})).toBe("none");
    expect(change({ tags: { b: "2", a: "1" } })).toBe("none");
    const reversed = Object.fromEntries(Object.entries(cluster).toReversed());
    expect(clusterChange(before, { ...before, cluster: reversed as unknown as Cluster })).toBe(
      "none",
    );
  });

  test("tags, and who changed it, need no work", () => {
    expect(change({ tags: { a: "1" } })).toBe("tags");
    expect(change({ tags: { a: "1", b: "3" } })).toBe("tags");
    expect(change({ tags: { a: "1", c: "2" } })).toBe("tags");
    expect(clusterChange(before, { ...before, cluster: untagged })).toBe("tags");
    expect(clusterChange({ ...before, cluster: untagged }, before)).toBe("tags");
    expect(change({ systemData: { lastModifiedBy: "x" } })).toBe("tags");
  });

  test("everything else does, with or without tags", () => {
    const [worker] = cluster.workers;
    expect(change({ workers: [{ ...worker!, count: 4 }] })).toBe("work");
    expect(change({ workers: [] })).toBe("work");
    expect(change({ tags: {}, network: { ...cluster.network, podCidr: "x" } })).toBe("work");
    expect(change({}, { pullSecret: "{ }" })).toBe("work");
  });

  test("so does a member that this release doesn't know", () => {
    const newer = (upgrade: unknown) => ({
      ...before,
      cluster: { ...cluster, upgrade } as unknown as Cluster,
    });
    expect(clusterChange(newer({ a: [1, null] }), newer({ a: [1, null] }))).toBe("none");
    expect(clusterChange(newer({ a: [1, null] }), newer({ a: [1, {}] }))).toBe("work");
    expect(clusterChange(newer({ a: [] }), newer({ a: {} }))).toBe("work");
    expect(clusterChange(newer(undefined), before)).toBe("none");
    expect(clusterChange(newer(null), before)).toBe("work");
  });

  test("the order of the workers is theirs", () => {
    const [worker] = cluster.workers;
    const two = [worker!, { ...worker!, name: "infra" }];
    const change2 = clusterChange(
      { ...before, cluster: { ...cluster, workers: two } },
      { ...before, cluster: { ...cluster, workers: two.toReversed() } },
    );
    expect(change2).toBe("work");
  });
});
