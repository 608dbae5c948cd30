/** What the schemas of PUT and PATCH let through to the rules of a version, and what they refuse, with its path. */
import { beforeAll, describe, expect, test } from "vitest";
import type { OpenAPIBackend } from "openapi-backend";
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import {
  backend,
  bodyFaults,
  keywordsOf,
  requestBodySchema,
  runtimeDocument,
} from "./generated.ts";

const version: ApiVersionName = "2019-12-31-preview";
let api: OpenAPIBackend;
beforeAll(async () => {
  api = await backend(version);
});
const put = (body: unknown): readonly string[] => bodyFaults(api, version, "PUT", body);
const patch = (body: unknown): readonly string[] => bodyFaults(api, version, "PATCH", body);

const worker = { name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 };
const settings = {
  pullSecret: "eyJhdXRocyI6e319",
  networkProfile: {
    vnetCidr: "10.0.0.0/16",
    podCidr: "10.128.0.0/14",
    serviceCidr: "172.30.0.0/16",
  },
  masterProfile: { vmSize: "Standard_D8s_v3" },
  workerProfiles: [worker],
};
const full = { location: "eastus", tags: { env: "test" }, properties: settings };

/** Members that are only shown, each with a value that isn't even of the right type. */
const shownOutside = { id: 1, name: ["x"], type: {}, etag: 7, systemData: "someone" };
const shownInside = { provisioningState: { a: 1 }, apiserverURL: 5, consoleURL: [null] };

function withWorker(change: object): object {
  return { location: "eastus", properties: { workerProfiles: [{ ...worker, ...change }] } };
}

describe("both", () => {
  test.each([null, [], "text", 5, true])("the body %j is refused", (body) => {
    expect(put(body)).toContain(" type");
    expect(patch(body)).toContain(" type");
  });

  test("members that are only shown may have any value", () => {
    const body = { ...full, ...shownOutside, properties: { ...settings, ...shownInside } };
    expect(put(body)).toEqual([]);
    expect(patch(body)).toEqual([]);
    const nothing = { ...full, id: null, properties: { ...settings, provisioningState: null } };
    expect(put(nothing)).toEqual([]);
  });

  test("an unknown member is refused at every level, with its path, and all of them at once", () => {
    const body = {
      ...full,
      surplus: 1,
      properties: {
        ...settings,
        surplus: 1,
        networkProfile: { surplus: 1 },
        masterProfile: { surplus: 1 },
        workerProfiles: [{ ...worker, surplus: 1 }],
      },
    };
    const expected = [
      "/properties/masterProfile/surplus additionalProperties",
      "/properties/networkProfile/surplus additionalProperties",
      "/properties/surplus additionalProperties",
      "/properties/workerProfiles/0/surplus additionalProperties",
      "/surplus additionalProperties",
    ];
    expect(put(body)).toEqual(expected);
    expect(patch(body)).toEqual(expected);
  });

  test("member names are case-sensitive", () => {
    expect(put({ ...full, Tags: {} })).toEqual(["/Tags additionalProperties"]);
  });

  test.each<[string, object, string]>([
    ["location", { location: 5 }, "/location"],
    ["tags", { tags: [] }, "/tags"],
    ["a tag", { tags: { a: 1 } }, "/tags/a"],
    ["properties", { properties: [] }, "/properties"],
    ["pullSecret", { properties: { pullSecret: {} } }, "/properties/pullSecret"],
    ["networkProfile", { properties: { networkProfile: "x" } }, "/properties/networkProfile"],
    [
      "vnetCidr",
      { properties: { networkProfile: { vnetCidr: 10 } } },
      "/properties/networkProfile/vnetCidr",
    ],
    [
      "vmSize",
      { properties: { masterProfile: { vmSize: 8 } } },
      "/properties/masterProfile/vmSize",
    ],
    ["workerProfiles", { properties: { workerProfiles: {} } }, "/properties/workerProfiles"],
    ["a worker", { properties: { workerProfiles: [null] } }, "/properties/workerProfiles/0"],
    ["name", withWorker({ name: 1 }), "/properties/workerProfiles/0/name"],
    ["count as text", withWorker({ count: "3" }), "/properties/workerProfiles/0/count"],
    ["half a count", withWorker({ count: 3.5 }), "/properties/workerProfiles/0/count"],
    ["diskSizeGB", withWorker({ diskSizeGB: true }), "/properties/workerProfiles/0/diskSizeGB"],
  ])("%s of the wrong type is refused", (_, change, path) => {
    expect(put({ location: "eastus", properties: {}, ...change })).toEqual([`${path} type`]);
    expect(patch(change)).toEqual([`${path} type`]);
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

  test("sizes that the contract doesn't name are left to the rules", () => {
    expect(put(withWorker({ vmSize: "Standard_X1" }))).toEqual([]);
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

  test("there is exactly one pool of workers, with a name", () => {
    const pools = (workerProfiles: unknown[]): readonly string[] =>
      put({ location: "eastus", properties: { workerProfiles } });
    expect(pools([])).toEqual(["/properties/workerProfiles minItems"]);
    expect(pools([worker, worker])).toEqual(["/properties/workerProfiles maxItems"]);
    expect(pools([{}])).toEqual(["/properties/workerProfiles/0/name required"]);
    expect(pools([{ name: "worker" }])).toEqual([]);
  });

  test("null is no value of a member that can be set", () => {
    expect(put({ ...full, tags: null })).toEqual(["/tags type"]);
    expect(put({ ...full, properties: null })).toEqual(["/properties type"]);
  });

  test("a body is needed", () => {
    expect(put(undefined)).not.toEqual([]);
  });
});

describe("PATCH", () => {
  test("nothing is needed, at any depth", () => {
    expect(patch({})).toEqual([]);
    expect(patch({ properties: {} })).toEqual([]);
    expect(patch({ properties: { workerProfiles: [] } })).toEqual([]);
    expect(patch({ properties: { workerProfiles: [{}] } })).toEqual([]);
  });

  test("every member may be null", () => {
    const nothing = (members: object): object =>
      Object.fromEntries(Object.keys(members).map((name) => [name, null]));
    expect(patch(nothing({ ...full, ...shownOutside }))).toEqual([]);
    expect(patch({ properties: nothing({ ...settings, ...shownInside }) })).toEqual([]);
    expect(
      patch({
        tags: { env: null },
        properties: {
          networkProfile: nothing(settings.networkProfile),
          masterProfile: nothing(settings.masterProfile),
          workerProfiles: [nothing(worker)],
        },
      }),
    ).toEqual([]);
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
