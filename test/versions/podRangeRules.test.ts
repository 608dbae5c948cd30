/** Of the pods' range each machine gets a part: who asks for more workers than it has room for is told when asking, in every version. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterDocument } from "../../src/model/document.ts";
import { podRangeRefusal } from "../../src/model/podRange.ts";
import type { WireObject } from "../../src/versions/apiVersion.ts";
import { context, places, storedCluster } from "./exampleCluster.ts";
import * as first from "./v20191231preview/example.ts";
import * as second from "./v20200430/example.ts";

const target = "properties.workerProfiles[0].count";

/** As an earlier release may have stored it: today's least range has room for more than can be asked for. */
function stored(base: ClusterDocument, podCidr: string, count: number): ClusterDocument {
  const { cluster } = base;
  return {
    ...base,
    cluster: {
      ...cluster,
      network: { ...cluster.network, podCidr },
      workers: cluster.workers.map((pool) => ({ ...pool, name: "worker", count })),
    },
  };
}

const versions = [
  ["2019-12-31-preview", first.version, storedCluster],
  ["2020-04-30", second.version, second.fullCluster],
] as const;

const patchOf = (count: number): WireObject => ({
  properties: { workerProfiles: [{ name: "worker", count }] },
});

describe.each(versions)("through %s", (_name, version, base) => {
  const scale = (current: ClusterDocument, count: number) =>
    version.readPatch(patchOf(count), current, context);
  const replace = (current: ClusterDocument, count: number) => {
    const shown = structuredClone(version.show(current)) as {
      properties: { workerProfiles: { count: number }[] };
    };
    for (const pool of shown.properties.workerProfiles) pool.count = count;
    return version.readPut(shown, current, context);
  };

  test.each([
    ["a PATCH", scale],
    ["a PUT", replace],
  ])("%s may ask for as many workers as there is room for, and not for one more", (_what, ask) => {
    const current = stored(base, "10.128.0.0/20", 3);
    expect(ask(current, 5).faults).toEqual([]);
    expect(ask(current, 6).faults).toEqual([
      { code: "InvalidParameter", message: podRangeRefusal("10.128.0.0/20", 6), target },
    ]);
  });

  test("a cluster that has more already may have fewer, or stay as it is", () => {
    const current = stored(base, "10.128.0.0/20", 9);
    for (const count of [9, 8, 3]) expect(scale(current, count).faults).toEqual([]);
    expect(places(scale(current, 10))).toEqual([`InvalidParameter ${target}`]);
  });

  test("a stored range that can't be read stands in nobody's way", () => {
    expect(scale(stored(base, "nonsense", 3), 20).faults).toEqual([]);
  });
});

test("a create is judged by the same rule", () => {
  const workers = [{ name: "worker", count: 30, subnetId: second.workerSubnet }];
  const network = { podCidr: "10.0.0.0/18", serviceCidr: "10.0.64.0/22" };
  const asked = second.create({ workerProfiles: workers, networkProfile: network });
  expect(asked.faults).toEqual([
    { code: "InvalidParameter", message: podRangeRefusal(network.podCidr, 30), target },
  ]);
});

test("what the message names has room for as many, and one half of it has not", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 12, max: 30 }),
      fc.integer({ min: 1, max: 500 }),
      (length, count) => {
        const refusal = podRangeRefusal(`10.0.0.0/${length}`, count);
        if (refusal === undefined) {
          expect(2 ** (23 - length)).toBeGreaterThanOrEqual(count + 3);
          return;
        }
        const needed = Number(/range of \/(\d+) or larger/.exec(refusal)?.[1]);
        expect(needed).toBeLessThan(length);
        expect(podRangeRefusal(`10.0.0.0/${needed}`, count)).toBeUndefined();
        expect(podRangeRefusal(`10.0.0.0/${needed + 1}`, count)).toBeDefined();
      },
    ),
  );
});
