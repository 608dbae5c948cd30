/** Whatever JSON a caller sends, reading it gives a cluster or faults: never an exception, never a change of its input. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterChange } from "../../src/model/clusterChange.ts";
import { errorCodes } from "../../src/model/errorCodes.ts";
import type { ApiVersion, AskedCluster } from "../../src/versions/apiVersion.ts";
import { nearBodies } from "./arbitraryCluster.ts";
import { committed, sent, storedCluster, writesOf } from "./exampleCluster.ts";
import { eachVersion } from "./versionCases.ts";

/** What is wrong with an answer: it must be fit to be sent, and what has no fault must be fit to be stored. */
function defects(version: ApiVersion, asked: AskedCluster): readonly unknown[] {
  const unfit = asked.faults.filter(({ code, message, target = "" }) => {
    const text = `${message} ${target}`;
    const isReadable = !/\p{Cc}|\p{Cs}|undefined|\[object/u.test(text) && text.length < 1_500;
    return !Object.hasOwn(errorCodes, code) || message.trim() === "" || !isReadable;
  });
  if (asked.faults.length > 0) return unfit;
  const document = committed(asked);
  const again = writesOf(version).put(sent(version.show(document)), document);
  const change = clusterChange(document, again);
  return change === "none" ? again.faults : [change];
}

describe.each(eachVersion)("%s", (_, { version }) => {
  const { put, patch } = writesOf(version);

  describe("any body", () => {
    test("is read by a create", () => {
      const law = fc.property(nearBodies, (body) => {
        expect(defects(version, put(body))).toEqual([]);
      });
      fc.assert(law, { numRuns: 1000 });
      expect.hasAssertions();
    });

    test("is read by a replace", () => {
      const law = fc.property(nearBodies, (body) => {
        expect(defects(version, put(body, storedCluster))).toEqual([]);
      });
      fc.assert(law, { numRuns: 1000 });
      expect.hasAssertions();
    });

    test("is read by a PATCH", () => {
      const law = fc.property(nearBodies, (body) => {
        expect(defects(version, patch(body))).toEqual([]);
      });
      fc.assert(law, { numRuns: 1000 });
      expect.hasAssertions();
    });

    test("is read without touching it, the stored cluster or any prototype", () => {
      const frozen = deepFrozen(structuredClone(storedCluster));
      fc.assert(
        fc.property(nearBodies, (body) => {
          const before = JSON.stringify(body);
          put(body, frozen);
          patch(body, frozen);
          expect(JSON.stringify(body)).toBe(before);
          expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
          expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
        }),
      );
    });
  });

  test("seed C6: null and everything else that is no object is a fault", () => {
    for (const body of [null, [], [[]], "x", 5, true]) {
      expect(put(body).faults).toEqual([
        { code: "InvalidRequestContent", message: "The body must be an object." },
      ]);
    }
  });

  test("a hostile body gets a short answer, without being looked at to its end", () => {
    const items = Array.from({ length: 20_000 }, (_, index) => ({ name: `n${index % 7}` }));
    const tags = Object.fromEntries(items.map((_, index) => [`<${index}`, ""]));
    for (const body of [
      { location: "eastus", tags },
      { location: "eastus", properties: { workerProfiles: items } },
      { location: "eastus", properties: { workerProfiles: items.map(() => null) } },
      { location: "eastus", tags: Object.fromEntries(Object.keys(tags).map((name) => [name, 5])) },
    ]) {
      for (const { faults } of [put(body), put(body, storedCluster), patch(body)]) {
        expect(faults.length).toBeGreaterThan(0);
        expect(faults.length).toBeLessThanOrEqual(50);
      }
    }
  });

  test("deep nests don't exhaust the stack", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
    for (const body of [
      deep,
      { location: deep, properties: { networkProfile: { vnetCidr: deep } } },
      { properties: { workerProfiles: [deep, { name: deep, count: deep }] } },
      { tags: { a: deep }, id: deep, properties: { provisioningState: deep } },
    ]) {
      expect(put(body).faults).not.toEqual([]);
      expect(put(body, storedCluster).faults).not.toEqual([]);
      expect(patch(body).faults).not.toEqual([]);
    }
  });
});

function deepFrozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) deepFrozen(member);
    Object.freeze(value);
  }
  return value;
}
