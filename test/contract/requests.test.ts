/** What the schemas of PUT and PATCH let through to the rules of a version, and what they refuse, with its path. */
import { beforeAll, describe, expect, test } from "vitest";
import type { OpenAPIBackend } from "openapi-backend";
import type { VisibilityNode } from "../../generated/types/visibility.ts";
import { bodies, spotsIn, withAt, type Json } from "./bodies.ts";
import {
  backend,
  bodyFaults,
  keywordsOf,
  requestBodySchema,
  runtimeDocument,
  versions,
  visibility,
} from "./generated.ts";

/** The places of all members that are only shown, where a body has the object that they are in. */
function shownPlaces(node: VisibilityNode, body: unknown, place: (string | number)[]): unknown[][] {
  switch (node.kind) {
    case "value":
    case "map":
      return node.access === "readOnly" ? [place] : [];
    case "object":
      return Object.entries(node.members).flatMap(([name, member]) => {
        const inside = (body as Json | undefined)?.[name];
        if (member.kind === "array" && inside === undefined) return [];
        return shownPlaces(member, inside, [...place, name]);
      });
    case "array":
      return (body as unknown[]).flatMap((item, index) =>
        shownPlaces(node.items, item, [...place, index]),
      );
  }
}

describe.each(versions)("%s", (version) => {
  let api: OpenAPIBackend;
  beforeAll(async () => {
    api = await backend(version);
  });
  const put = (body: unknown): readonly string[] => bodyFaults(api, version, "PUT", body);
  const patch = (body: unknown): readonly string[] => bodyFaults(api, version, "PATCH", body);

  const full = bodies[version].asked;
  const settings = full["properties"] as Json;
  const spots = spotsIn(full);
  const [worker] = settings["workerProfiles"] as Json[];
  const withWorker = (change: object): object => ({
    location: "eastus",
    properties: { workerProfiles: [{ ...worker, ...change }] },
  });

  describe("both", () => {
    test.each([null, [], "text", 5, true])("the body %j is refused", (body) => {
      expect(put(body)).toContain(" type");
      expect(patch(body)).toContain(" type");
    });

    test("members that are only shown may have any value", () => {
      const places = shownPlaces(visibility(version).resource, full, []);
      expect(places.length).toBeGreaterThan(6);
      for (const value of [null, 5, "text", { a: [1] }]) {
        let body: unknown = full;
        for (const place of places) body = withAt(body, place as string[], value);
        expect(put(body)).toEqual([]);
        expect(patch(body)).toEqual([]);
      }
    });

    test("ARM-38: an unknown member is refused at every level, with its path, and all of them at once", () => {
      const objects = spots.filter(
        ({ value, path }) => typeof value === "object" && !Array.isArray(value) && path !== "/tags",
      );
      expect(objects.length).toBeGreaterThan(4);
      let body: unknown = full;
      for (const { place } of objects) body = withAt(body, [...place, "surplus"], 1);
      const expected = objects.map(({ path }) => `${path}/surplus additionalProperties`).toSorted();
      expect(put(body)).toEqual(expected);
      expect(patch(body)).toEqual(expected);
    });

    test("member names are case-sensitive", () => {
      expect(put({ ...full, Tags: {} })).toEqual(["/Tags additionalProperties"]);
    });

    test.each(spots.slice(1))("$path of the wrong type is refused", ({ place, path, value }) => {
      const wrong = typeof value === "string" ? [5, {}, ["x"]] : ["text", true];
      for (const other of wrong) {
        expect(put(withAt(full, place, other))).toEqual([`${path} type`]);
        expect(patch(withAt(full, place, other))).toEqual([`${path} type`]);
      }
    });

    test("half a machine, and a number as text, are of the wrong type", () => {
      for (const count of [3.5, "3"]) {
        expect(put(withWorker({ count }))).toEqual(["/properties/workerProfiles/0/count type"]);
        expect(patch(withWorker({ count }))).toEqual(["/properties/workerProfiles/0/count type"]);
      }
    });

    test.each<[object, string]>([
      [{ count: 2 }, "count minimum"],
      [{ count: 21 }, "count maximum"],
      [{ diskSizeGB: 127 }, "diskSizeGB minimum"],
      [{ diskSizeGB: 32768 }, "diskSizeGB maximum"],
    ])("%j is out of range", (change, fault) => {
      expect(put(withWorker(change))).toEqual([`/properties/workerProfiles/0/${fault}`]);
      expect(patch(withWorker(change))).toEqual([`/properties/workerProfiles/0/${fault}`]);
    });

    test.each([{ count: 3 }, { count: 20 }, { diskSizeGB: 128 }, { diskSizeGB: 32767 }])(
      "%j is in range",
      (change) => {
        expect(put(withWorker(change))).toEqual([]);
        expect(patch(withWorker(change))).toEqual([]);
      },
    );

    test("values that the contract doesn't name are left to the rules", () => {
      for (const { place, value } of spots) {
        if (typeof value !== "string") continue;
        expect(put(withAt(full, place, "Standard_X1"))).toEqual([]);
        expect(patch(withAt(full, place, "Standard_X1"))).toEqual([]);
      }
    });

    test("an extra query key or a strange name in the path is not the contract's business", () => {
      const strange = "/subscriptions/x/resourceGroups/Grp-ü_(1)./providers/RedHat.OpenShift";
      const { errors } = api.validateRequest({
        method: "GET",
        path: `${strange}/OpenShiftClusters/-a-`,
        query: { "api-version": version },
        headers: {},
      });
      expect(errors).toBeNull();
    });
  });

  describe("PUT", () => {
    test("the smallest body has a location and settings without a member", () => {
      expect(put({ location: "eastus", properties: {} })).toEqual([]);
      expect(put({})).toEqual(["/location required", "/properties required"]);
    });

    test("everything that can be set is accepted together", () => {
      expect(put(full)).toEqual([]);
    });

    const lists = spots.filter(({ value }) => Array.isArray(value));
    test.each(lists)("$path has exactly one item, with a name", ({ place, path, value }) => {
      const [item] = value as Json[];
      expect(put(withAt(full, place, []))).toEqual([`${path} minItems`]);
      expect(put(withAt(full, place, [item, item]))).toEqual([`${path} maxItems`]);
      expect(put(withAt(full, place, [{}]))).toEqual([`${path}/0/name required`]);
      expect(put(withAt(full, place, [{ name: "one" }]))).toEqual([]);
    });

    test.each(spots.slice(1))("null is no value of $path", ({ place, path }) => {
      expect(put(withAt(full, place, null))).toEqual([`${path} type`]);
    });

    test("a body is needed", () => {
      expect(put(undefined)).not.toEqual([]);
    });
  });

  describe("PATCH", () => {
    test("ARM-51: nothing is needed, at any depth", () => {
      expect(patch({})).toEqual([]);
      for (const { place, value } of spots) {
        if (typeof value !== "object") continue;
        expect(patch(withAt(full, place, Array.isArray(value) ? [] : {}))).toEqual([]);
      }
    });

    test.each(spots.slice(1))("$path may be null", ({ place, path }) => {
      const isItem = typeof place.at(-1) === "number";
      expect(patch(withAt(full, place, null))).toEqual(isItem ? [`${path} type`] : []);
    });
  });

  test("a validator has no default to apply", () => {
    const keywords = keywordsOf(
      ["OpenShiftClusters_CreateOrUpdate", "OpenShiftClusters_Update"].map((operationId) =>
        requestBodySchema(runtimeDocument(version), operationId),
      ),
    ).map(([keyword]) => keyword);
    expect(keywords).toContain("pullSecret");
    expect(keywords).not.toContain("default");
  });

  test("a validator leaves the body as it is", () => {
    const body = { location: "eastus", properties: { workerProfiles: [{ name: "worker" }] } };
    const copy = structuredClone(body);
    expect(put(body)).toEqual([]);
    expect(body).toEqual(copy);
  });
});

test("2020-04-30: a secret of no characters is none", async () => {
  const api = await backend("2020-04-30");
  const body = (clientSecret: string): object => ({
    location: "eastus",
    properties: { servicePrincipalProfile: { clientSecret } },
  });
  const fault = ["/properties/servicePrincipalProfile/clientSecret minLength"];
  expect(bodyFaults(api, "2020-04-30", "PUT", body(""))).toEqual(fault);
  expect(bodyFaults(api, "2020-04-30", "PATCH", body(""))).toEqual(fault);
  expect(bodyFaults(api, "2020-04-30", "PUT", body("x"))).toEqual([]);
});
