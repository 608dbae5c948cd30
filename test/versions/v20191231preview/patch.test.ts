/** A PATCH merges: tags and arrays as a whole, everything else member by member (ARM-46 to ARM-52, decision 6). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { grownFrom, madeThrough } from "../arbitraryCluster.ts";
import { committed, places, pullSecretText, storedCluster } from "../exampleCluster.ts";
import { createBodies, patch, smallestBody, version } from "./example.ts";

describe("tags", () => {
  test("are replaced as a whole (ARM-46)", () => {
    const { cluster, faults } = patch({ tags: { third: "c" } });
    expect(faults).toEqual([]);
    expect(cluster.tags).toEqual({ third: "c" });
  });

  test("are cleared by null and by an empty object, and left alone by nothing (ARM-46)", () => {
    expect(patch({ tags: null }).cluster).not.toHaveProperty("tags");
    expect(patch({ tags: {} }).cluster).not.toHaveProperty("tags");
    expect(patch({ properties: {} }).cluster.tags).toEqual(storedCluster.cluster.tags);
  });

  test("a tag that is null is no way to remove it", () => {
    expect(places(patch({ tags: { Team: null } }))).toEqual(["InvalidRequestContent tags.Team"]);
  });
});

describe("arrays", () => {
  test("seed C19: the README's scale call keeps size and disk of the named profile (ARM-48)", () => {
    const { cluster, faults } = patch({
      properties: { workerProfiles: [{ name: "worker", count: 4 }] },
    });
    expect(faults).toEqual([]);
    expect(cluster.workers).toEqual([
      { name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 4 },
    ]);
  });

  test("an item is found by its name, exactly", () => {
    const asked = patch({ properties: { workerProfiles: [{ name: "Worker", count: 4 }] } });
    expect(places(asked)).toEqual(["InvalidParameter properties.workerProfiles[0].name"]);
  });

  test("an item without its name is a fault", () => {
    for (const item of [{ count: 4 }, { name: null, count: 4 }]) {
      expect(places(patch({ properties: { workerProfiles: [item] } }))).toEqual([
        "InvalidParameter properties.workerProfiles[0].name",
      ]);
    }
  });

  test("two items of one name are a fault", () => {
    const asked = patch({
      properties: { workerProfiles: [{ name: "worker" }, { name: "worker", count: 4 }] },
    });
    expect(places(asked)).toContain("InvalidParameter properties.workerProfiles[1].name");
  });

  test("an item that is left out is gone, and a cluster needs one (decision 6)", () => {
    expect(places(patch({ properties: { workerProfiles: [] } }))).toEqual([
      "InvalidParameter properties.workerProfiles",
    ]);
  });

  test("null in an item resets that member", () => {
    const scaled: ClusterDocument = {
      ...storedCluster,
      cluster: {
        ...storedCluster.cluster,
        workers: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 256, count: 9 }],
      },
    };
    const reset = { properties: { workerProfiles: [{ name: "worker", count: null }] } };
    expect(patch(reset, scaled).cluster.workers[0]).toMatchObject({ diskSizeGB: 256, count: 3 });
  });

  test("null for a list that no cluster is without is a fault of the list", () => {
    const { faults, cluster } = patch({ properties: { workerProfiles: null } });
    expect(faults).toEqual([
      {
        code: "InvalidParameter",
        message: "'properties.workerProfiles' cannot be removed; leave it out to keep it.",
        target: "properties.workerProfiles",
      },
    ]);
    expect(cluster.workers).toEqual(storedCluster.cluster.workers);
  });
});

describe("what a PATCH cannot do", () => {
  test("remove a secret or a required member (ARM-47)", () => {
    const asked = patch({ location: null, properties: { pullSecret: null } });
    expect(places(asked)).toEqual([
      "InvalidParameter location",
      "InvalidParameter properties.pullSecret",
    ]);
    expect(asked.faults[0]?.message).toContain("cannot be removed");
    expect(places(patch({ properties: null }))).toEqual([
      "InvalidParameter properties.pullSecret",
      "InvalidParameter properties.workerProfiles",
    ]);
  });

  test("change what is set at creation, not even by null (ARM-50)", () => {
    const other: ClusterDocument = {
      ...storedCluster,
      cluster: {
        ...storedCluster.cluster,
        network: { ...storedCluster.cluster.network, vnetCidr: "10.1.0.0/16" },
      },
    };
    expect(places(patch({ properties: { networkProfile: { vnetCidr: null } } }, other))).toEqual([
      "PropertyChangeNotAllowed properties.networkProfile.vnetCidr",
    ]);
    expect(patch({ properties: { networkProfile: null } }).faults).toEqual([]);
    expect(
      places(patch({ location: "westus", properties: { masterProfile: { vmSize: "x" } } })),
    ).toEqual([
      "PropertyChangeNotAllowed location",
      "PropertyChangeNotAllowed properties.masterProfile.vmSize",
    ]);
  });

  test("contradict the URL or the state (ARM-50)", () => {
    const asked = patch({ name: "other", properties: { provisioningState: "Failed" } });
    expect(places(asked)).toEqual([
      "MismatchingResourceName name",
      "InvalidParameter properties.provisioningState",
    ]);
  });

  test("seed C6: be anything but an object", () => {
    for (const body of [null, [], "x", 5]) {
      expect(places(patch(body))).toEqual(["InvalidRequestContent "]);
    }
  });
});

test("a new pull secret replaces the stored one; none given keeps it (ARM-52)", () => {
  const text = '{"auths":{"registry.example.com":{"auth":"eA=="}}}';
  const { secrets, faults } = patch({
    properties: { pullSecret: Buffer.from(text).toString("base64") },
  });
  expect(faults).toEqual([]);
  expect(secrets).toEqual({ ...storedCluster.secrets, pullSecret: text });
  expect(patch({ tags: null }).secrets.pullSecret).toBe(pullSecretText);
});

test("a PATCH with a whole body is as good as a PUT with it", () => {
  const { faults } = patch({ ...version.show(storedCluster), ...smallestBody });
  expect(faults).toEqual([]);
});

const made = grownFrom(madeThrough({ version, createBodies }));

/** RFC 7396 as its section 2 writes it. */
function mergedByRfc(target: unknown, change: unknown): unknown {
  if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
  // a Map, since a tag may be called __proto__
  const result = new Map<string, unknown>(isObject ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) result.delete(name);
    else result.set(name, mergedByRfc(result.get(name), value));
  }
  return Object.fromEntries(result);
}

test("members that are no arrays merge as RFC 7396 says, tags as a whole", () => {
  const change = fc.record(
    {
      location: fc.constantFrom("eastus", "East US"),
      tags: fc.oneof(
        fc.dictionary(fc.constantFrom("a", "b", "__proto__"), fc.string({ maxLength: 4 })),
        fc.constant(null),
      ),
      properties: fc.record(
        {
          networkProfile: fc.record(
            {
              vnetCidr: fc.constantFrom("10.0.0.0/16", "10.3.0.0/16"),
              podCidr: fc.constant("10.128.0.0/14"),
            },
            { requiredKeys: [] },
          ),
          masterProfile: fc.constantFrom({}, { vmSize: "Standard_D8s_v3" }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(made, change, (document, body) => {
      const before = version.show(document);
      const start = body.tags === undefined ? before : { ...before, tags: {} };
      const after = mergedByRfc(start, body) as Record<string, unknown>;
      if (Object.keys((after["tags"] as object | undefined) ?? {}).length === 0) {
        delete after["tags"];
      }
      const asked = patch(body, document);
      const isRefused =
        JSON.stringify(after["properties"]) !== JSON.stringify(before["properties"]);
      const codes = new Set(asked.faults.map(({ code }) => code));
      expect(codes).toEqual(new Set(isRefused ? ["PropertyChangeNotAllowed"] : []));
      fc.pre(!isRefused);
      expect(version.show(committed(asked, document))).toEqual({
        ...after,
        location: document.cluster.location,
      });
    }),
  );
});
