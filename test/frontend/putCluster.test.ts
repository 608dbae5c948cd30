/** PUT of a cluster, over HTTP: create, replace, repeat, refuse. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  apiVersion,
  clusterPath,
  pullSecret,
  smallestBody,
  StartedRp,
  subscriptionId,
} from "./startedRp.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true });
});
afterAll(async () => rp[Symbol.asyncDispose]());

describe("create", () => {
  test("ARM-30, ARM-75: a new cluster is answered 201, Updating, with the way to its operation", async () => {
    const answer = await rp.put(clusterPath("new"), smallestBody);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      id: `/subscriptions/${subscriptionId}/resourceGroups/group/providers/RedHat.OpenShift/OpenShiftClusters/new`,
      name: "new",
      type: "RedHat.OpenShift/OpenShiftClusters",
      location: "eastus",
      properties: {
        provisioningState: "Updating",
        networkProfile: {
          vnetCidr: "10.0.0.0/16",
          podCidr: "10.128.0.0/14",
          serviceCidr: "172.30.0.0/16",
        },
        masterProfile: { vmSize: "Standard_D8s_v3" },
        workerProfiles: [{ name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 3 }],
      },
    });
    expect(answer.body.properties).not.toHaveProperty("apiserverURL");
    const status = new URL(answer.headers.get("azure-asyncoperation") ?? "");
    expect(status.origin).toBe(rp.url);
    expect(status.pathname).toMatch(
      new RegExp(
        `^/subscriptions/${subscriptionId}/providers/RedHat.OpenShift/locations/eastus/operationStatuses/[0-9a-f-]{36}$`,
      ),
    );
    expect(status.searchParams.get("api-version")).toBe(apiVersion);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("etag")).toBe(answer.body.etag);
  });

  test("a created cluster comes to Succeeded with its URLs and gives its credentials", async () => {
    const { body } = await rp.created("done");
    expect(body.properties.provisioningState).toBe("Succeeded");
    expect(body.properties.apiserverURL).toMatch(
      /^https:\/\/api\.done-[a-z0-9]+\.openshift\.test:6443\/?$/,
    );
    expect(body.properties.consoleURL).toMatch(
      /^https:\/\/console-openshift-console\.apps\..*openshift\.test\/?$/,
    );
    for (const method of ["GET", "POST"]) {
      const action = method === "GET" ? "credentials" : "listCredentials";
      const answer = await rp.send(
        method,
        `${clusterPath("done")}/${action}?api-version=${apiVersion}`,
      );
      expect(answer.status).toBe(200);
      expect(answer.body.kubeadminPassword).toMatch(/^(\w{5}-){3}\w{5}$/);
    }
  });

  test("ARM-102, decision 10: systemData comes from its header, and not from the body", async () => {
    const header = {
      createdBy: "a@example.com",
      createdByType: "User",
      createdAt: "2026-01-01T00:00:00Z",
      lastModifiedBy: "a@example.com",
      lastModifiedByType: "Robot",
      lastModifiedAt: "2026-01-01T00:00:00Z",
    };
    const answer = await rp.put(
      clusterPath("system"),
      { ...smallestBody, systemData: { createdBy: "somebody else" } },
      { headers: { "x-ms-arm-resource-system-data": JSON.stringify(header) } },
    );
    expect(answer.body.systemData).toEqual(header);
  });

  const person = (name: string, at: string) =>
    JSON.stringify({
      createdBy: name,
      createdByType: "User",
      createdAt: at,
      lastModifiedBy: name,
      lastModifiedByType: "User",
      lastModifiedAt: at,
    });

  test("ARM-103: created stays, lastModified follows the header, also when nothing else changes", async () => {
    const put = async (name: string, at: string) =>
      rp.put(clusterPath("modified"), smallestBody, {
        headers: { "x-ms-arm-resource-system-data": person(name, at) },
      });
    expect((await put("first", "2026-01-01T00:00:00Z")).status).toBe(201);
    await rp.settled("modified");
    const answer = await put("second", "2026-01-02T00:00:00Z");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("azure-asyncoperation")).toBeNull();
    expect(answer.body.systemData).toMatchObject({
      createdBy: "first",
      createdAt: "2026-01-01T00:00:00Z",
      lastModifiedBy: "second",
      lastModifiedAt: "2026-01-02T00:00:00Z",
    });
    const without = await rp.put(clusterPath("modified"), smallestBody);
    expect(without.body).toEqual(answer.body);
  });

  test("ARM-103: the header is UTF-8; what can't be read counts as absent", async () => {
    // fetch sends one byte a character
    const header = Buffer.from(person("José", "2026-01-01T00:00:00Z")).toString("latin1");
    const headers = { "x-ms-arm-resource-system-data": header };
    const answer = await rp.put(clusterPath("utf"), smallestBody, { headers });
    expect(answer.body.systemData.createdBy).toBe("José");
    for (const bad of ["{", "[]", "{}", "null", '{"createdBy":5}', '"text"']) {
      const name = `bad${bad.length}${bad.codePointAt(0)}`;
      const created = await rp.put(clusterPath(name), smallestBody, {
        headers: { "x-ms-arm-resource-system-data": bad },
      });
      expect(created.status).toBe(201);
      expect(created.body).not.toHaveProperty("systemData");
    }
  });

  test("seed 15, ARM-35: read-only members of a create are not honoured", async () => {
    const answer = await rp.put(clusterPath("planted"), {
      ...smallestBody,
      properties: { pullSecret, apiserverURL: "https://planted.example/", consoleURL: 5 },
    });
    expect(answer.status).toBe(201);
    expect(answer.text).not.toContain("planted.example");
  });

  test("seed 9, C1, ARM-101: of 20 PUTs of one new name at once one creates, none fails with 5xx", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => rp.put(clusterPath("race"), smallestBody)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => ![200, 201, 409].includes(status))).toEqual([]);
    const list = await rp.get(
      `/subscriptions/${subscriptionId}/providers/RedHat.OpenShift/OpenShiftClusters?$top=30`,
    );
    expect(list.body.value.filter(({ name }: { name: string }) => name === "race")).toHaveLength(1);
  });
});

describe("repeat and replace", () => {
  test("seed 14, C5, ARM-32, decision 17: the smallest body can be repeated, and changes nothing", async () => {
    const before = await rp.created("repeat");
    const again = await rp.put(clusterPath("repeat"), smallestBody);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(before.body);
    expect(again.headers.get("azure-asyncoperation")).toBeNull();
    const { pullSecret: _, ...properties } = smallestBody.properties;
    const without = await rp.put(clusterPath("repeat"), { ...smallestBody, properties });
    expect(without.status).toBe(200);
    expect(without.body).toEqual(before.body);
  });

  test("ARM-34: what GET shows can be sent back by PUT and changes nothing", async () => {
    const before = await rp.created("back", { ...smallestBody, tags: { a: "1" } });
    const answer = await rp.put(clusterPath("back"), before.body);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(before.body);
  });

  test("ARM-33, decision 14: an omitted count goes back to 3, omitted tags go, an omitted size stays", async () => {
    await rp.created("replace", {
      location: "eastus",
      tags: { a: "1" },
      properties: {
        pullSecret,
        workerProfiles: [{ name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 256, count: 5 }],
      },
    });
    const answer = await rp.put(clusterPath("replace"), smallestBody);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty("tags");
    expect(answer.body.properties.workerProfiles).toEqual([
      { name: "worker", vmSize: "Standard_D4s_v3", diskSizeGB: 256, count: 3 },
    ]);
    expect(answer.body.properties.provisioningState).toBe("Updating");
    expect(answer.headers.get("azure-asyncoperation")).toBeTruthy();
    expect((await rp.settled("replace")).body.properties.provisioningState).toBe("Succeeded");
  });

  test("decision 17: tags alone are changed at once, without an operation", async () => {
    const before = await rp.created("tags");
    const answer = await rp.put(clusterPath("tags"), { ...smallestBody, tags: { b: "2" } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("azure-asyncoperation")).toBeNull();
    expect(answer.body).toMatchObject({
      tags: { b: "2" },
      properties: { provisioningState: "Succeeded" },
    });
    expect(answer.body.etag).not.toBe(before.body.etag);
    expect((await rp.get(clusterPath("tags"))).body).toEqual(answer.body);
  });

  test("seed C10, C11, ARM-02, ARM-04: names match in any case and keep that of their creation", async () => {
    await rp.put(
      "/SUBSCRIPTIONS/ABCDEF00-0000-4000-8000-000000000001/resourcegroups/rG1/PROVIDERS/redhat.openshift/OPENSHIFTCLUSTERS/Foo",
      smallestBody,
    );
    const path = clusterPath("FOO", {
      group: "RG1",
      subscription: "abcdef00-0000-4000-8000-000000000001",
    });
    const settled = await rp.until(
      path,
      ({ body }) => body.properties.provisioningState === "Succeeded",
    );
    expect(settled.body).toMatchObject({
      id: "/subscriptions/ABCDEF00-0000-4000-8000-000000000001/resourceGroups/rG1/providers/RedHat.OpenShift/OpenShiftClusters/Foo",
      name: "Foo",
    });
    expect((await rp.put(path, smallestBody)).status).toBe(200);
    const list = await rp.get(path.slice(0, path.lastIndexOf("/")));
    expect(list.body.value).toEqual([settled.body]);
  });

  test("seed B2, ARM-02: the same cluster through another casing of the subscription is no second cluster", async () => {
    const lower = clusterPath("one", { subscription: "abcdef00-0000-4000-8000-000000000002" });
    const upper = clusterPath("one", { subscription: "ABCDEF00-0000-4000-8000-000000000002" });
    expect((await rp.put(lower, smallestBody)).status).toBe(201);
    expect([200, 409]).toContain((await rp.put(upper, smallestBody)).status);
    expect((await rp.get(upper)).body.id).toBe((await rp.get(lower)).body.id);
  });
});

describe("refused", () => {
  test("ARM-37: create-only members can't be changed; every one is named", async () => {
    const before = await rp.created("fixed");
    const answer = await rp.put(clusterPath("fixed"), {
      location: "eastus",
      properties: {
        networkProfile: { vnetCidr: "10.1.0.0/16" },
        workerProfiles: [{ name: "worker", vmSize: "Standard_D8s_v3" }],
      },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("PropertyChangeNotAllowed");
    expect(answer.body.error.details.map(({ target }: { target: string }) => target)).toEqual(
      expect.arrayContaining([
        "properties.networkProfile.vnetCidr",
        "properties.workerProfiles[0].vmSize",
      ]),
    );
    expect((await rp.get(clusterPath("fixed"))).body).toEqual(before.body);
  });

  test("ARM-06: id, name and type of the body must be the URL's", async () => {
    const answer = await rp.put(clusterPath("mine"), {
      ...smallestBody,
      id: "/subscriptions/x",
      name: "yours",
      type: "Other/type",
    });
    expect(answer.status).toBe(400);
    expect(
      answer.body.error.details.map(({ code, target }: Record<string, string>) => [code, target]),
    ).toEqual([
      ["MismatchingResourceID", "id"],
      ["MismatchingResourceName", "name"],
      ["MismatchingResourceType", "type"],
    ]);
    expect((await rp.get(clusterPath("mine"))).status).toBe(404);
  });

  test("ARM-41: faults of form, of values and of rules are reported at once", async () => {
    const form = await rp.put(clusterPath("faults"), {
      location: 5,
      nope: 1,
      properties: { alsoNope: 1, workerProfiles: [{ name: "worker", count: "3" }] },
    });
    expect(form.status).toBe(400);
    expect(form.body.error.code).toBe("InvalidRequestContent");
    expect(
      form.body.error.details.map(({ target }: Record<string, string>) => target).toSorted(),
    ).toEqual(
      [
        "location",
        "nope",
        "properties.alsoNope",
        "properties.pullSecret",
        "properties.workerProfiles[0].count",
      ].toSorted(),
    );
    const values = await rp.put(clusterPath("faults"), {
      location: "westus",
      properties: {
        pullSecret: "bm8gSlNPTg==",
        networkProfile: { vnetCidr: "10.0.0.0/8", podCidr: "10.0.0.0/14" },
        workerProfiles: [{ name: "worker", count: 2 }],
      },
    });
    expect(values.status).toBe(400);
    const targets = values.body.error.details.map(({ target }: Record<string, string>) => target);
    expect(targets).toEqual(
      expect.arrayContaining([
        "location",
        "properties.pullSecret",
        "properties.workerProfiles[0].count",
      ]),
    );
    expect((await rp.get(clusterPath("faults"))).status).toBe(404);
  });
});
