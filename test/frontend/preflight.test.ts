/** Preflight of deployments, over HTTP (ARM-120, decision 23). */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  clusterPath,
  pullSecret,
  StartedRp,
  subscriptionId,
  type RpResponse,
} from "./startedRp.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start();
});
afterAll(async () => rp[Symbol.asyncDispose]());

async function preflight(resources: unknown, version = "2020-06-01"): Promise<RpResponse> {
  return rp.send(
    "POST",
    `/subscriptions/${subscriptionId}/resourceGroups/g/providers/RedHat.OpenShift` +
      `/deployments/d/preflight?api-version=${version}`,
    { body: { resources } },
  );
}

const good = {
  type: "RedHat.OpenShift/OpenShiftClusters",
  name: "cluster",
  location: "eastus",
  apiVersion: "2019-12-31-preview",
  dependsOn: ["something"],
  properties: { pullSecret },
};

test("ARM-120: what a PUT would accept succeeds, and nothing is written", async () => {
  const answer = await preflight([good, { ...good, name: "other" }]);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ status: "Succeeded" });
  expect((await rp.get(clusterPath("cluster", { group: "g" }))).status).toBe(404);
});

test("ARM-120: what a PUT would refuse fails with all of it, still with 200", async () => {
  const answer = await preflight([
    {
      ...good,
      location: "westus",
      properties: { pullSecret, workerProfiles: [{ name: "worker", count: 2 }] },
    },
    { ...good, name: "a_b", nope: 1 },
  ]);
  expect(answer.status).toBe(200);
  expect(answer.body.status).toBe("Failed");
  const targets = answer.body.error.details.map(({ target }: { target: string }) => target);
  expect(targets.toSorted()).toEqual(
    [
      "resources[1].name",
      "resources[0].location",
      "resources[1].nope",
      "resources[0].properties.workerProfiles[0].count",
    ].toSorted(),
  );
});

test("ARM-120: an api-version that isn't served, or is missing, fails", async () => {
  const { apiVersion: _, ...without } = good;
  for (const [resource, reason] of [
    [
      { ...good, apiVersion: "2099-01-01" },
      "apiVersion '2099-01-01' of 'cluster' is not supported",
    ],
    [without, "apiVersion of 'cluster' is missing"],
    [{ ...good, apiVersion: 5 }, "apiVersion of 'cluster' must be a string"],
  ] as const) {
    const { body } = await preflight([resource]);
    expect(body.error.message).toContain(reason);
    expect(body.error.message).toContain("2019-12-31-preview, 2020-04-30");
    expect(body).toMatchObject({
      status: "Failed",
      error: { code: "InvalidApiVersionParameter", target: "resources[0].apiVersion" },
    });
  }
});

test("ARM-120, ARM-41: an api-version that isn't served hides no fault of the name", async () => {
  const { error } = (await preflight([{ ...good, name: "a/b", apiVersion: "2099-01-01" }])).body;
  expect(error.details.map(({ target }: { target: string }) => target)).toEqual([
    "resources[0].name",
    "resources[0].apiVersion",
  ]);
});

test("ARM-120, ARM-41: an unknown member hides no fault, and missing properties are one", async () => {
  const { properties: _, ...without } = good;
  const targets = async (resource: unknown): Promise<string[]> => {
    const { error } = (await preflight([resource])).body;
    return (error.details ?? [error]).map(({ target }: { target: string }) => target);
  };
  expect(await targets({ ...good, nope: 1, location: "westus" })).toEqual([
    "resources[0].nope",
    "resources[0].location",
  ]);
  expect(await targets(without)).toEqual(["resources[0].properties"]);
});

test("ARM-120: foreign types and computed values are passed over", async () => {
  const answer = await preflight([
    { type: "Microsoft.Network/virtualNetworks", name: "v", location: "nowhere", nope: [1] },
    {
      ...good,
      name: "[parameters('name')]",
      location: "[resourceGroup().location]",
      properties: {
        pullSecret: "[parameters('pullSecret')]",
        networkProfile: { podCidr: "[parameters('pods')]" },
        workerProfiles: [{ name: "worker", count: "[parameters('count')]" }],
      },
    },
    { ...good, properties: "[variables('all')]" },
    { ...good, apiVersion: "[variables('version')]", properties: { nope: 1 } },
  ]);
  expect(answer.body).toEqual({ status: "Succeeded" });
});

test("ARM-120: a computed value hides no fault of another member, and [[ begins a plain text", async () => {
  const answer = await preflight([
    {
      ...good,
      properties: {
        pullSecret: "[parameters('pullSecret')]",
        networkProfile: { podCidr: "[[not an expression]", serviceCidr: "10.0.0.0/30" },
      },
    },
  ]);
  const faults = [answer.body.error, ...(answer.body.error.details ?? [])];
  const targets = new Set(faults.map(({ target }: { target: string }) => target));
  expect(targets).toEqual(
    new Set([
      "resources[0].properties.networkProfile.podCidr",
      "resources[0].properties.networkProfile.serviceCidr",
    ]),
  );
});

test.each([[undefined], [null], [{}], ["x"], [[5]], [[null]]])(
  "ARM-120: resources %j are refused",
  async (resources) => {
    const answer = await preflight(resources);
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toMatch(/^Invalid(RequestContent|Parameter)$/);
  },
);

test("ARM-120: the version of the call is ARM's own; there has to be one", async () => {
  expect((await preflight([], "2.0")).status).toBe(200);
  expect((await preflight([], "2099-01-01")).status).toBe(200);
  expect((await preflight([], "nonsense")).status).toBe(400);
  expect((await preflight([], "")).status).toBe(400);
});

test("ARM-120: what isn't offered is 404", async () => {
  const query = "?api-version=2019-12-31-preview";
  for (const [method, path] of [
    ["POST", `/subscriptions/${subscriptionId}/resourceGroups/g/moveResources`],
    ["POST", `/subscriptions/${subscriptionId}/providers/RedHat.OpenShift/checkNameAvailability`],
    ["GET", `${clusterPath("x")}/skus`],
  ] as const) {
    const answer = await rp.send(method, `${path}${query}`, method === "POST" ? { body: {} } : {});
    expect(answer.status).toBe(404);
  }
});

test("a name that no PUT could have fails", async () => {
  const { name: _, ...nameless } = good;
  for (const resource of [nameless, { ...good, name: "ok/no" }, { ...good, name: ["x"] }]) {
    const { body } = await preflight([resource]);
    expect(body.status).toBe("Failed");
    expect(body.error.code).toBe("InvalidResourceName");
  }
});

test("a hostile deployment is refused before it costs anything", async () => {
  const many = Array.from({ length: 801 }, () => ({ type: good.type }));
  expect((await preflight(many)).status).toBe(400);
  let deep: unknown = 1;
  for (let depth = 0; depth < 4_000; depth += 1) deep = { deep };
  expect((await preflight([{ ...good, properties: deep }])).status).toBe(400);
});
