/** Two api-versions over HTTP: what one has written, the other reads, changes and deletes (ARM-16, decision 24). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationIds } from "../../generated/types/operationIds.ts";
import { operations } from "../../src/frontend/operations.ts";
import { apiVersions } from "../../src/versions/registry.ts";
import {
  clientSecret,
  clusterPath,
  pullSecret,
  pullSecretValue,
  smallestBody,
  StartedRp,
  subscriptionId,
  type RpResponse,
} from "./startedRp.ts";

const preview = "2019-12-31-preview";
const stable = "2020-04-30";
const clientId = "6f3bc0d2-8f0e-4f7a-9a57-2f6f3a3c9d10";
const subscription = `/subscriptions/${subscriptionId}`;
const subnets = `${subscription}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet/subnets`;
const pullSecretText = Buffer.from(pullSecret, "base64").toString("utf8");

const stableProperties = {
  clusterProfile: {
    pullSecret: pullSecretText,
    domain: "clusters.example.com",
    version: "4.3.27",
    resourceGroupId: `${subscription}/resourceGroups/machines`,
  },
  servicePrincipalProfile: { clientId, clientSecret },
  networkProfile: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
  masterProfile: { vmSize: "Standard_D8s_v3", subnetId: `${subnets}/master` },
  workerProfiles: [
    {
      name: "worker",
      vmSize: "Standard_D2s_v3",
      diskSizeGB: 128,
      subnetId: `${subnets}/worker`,
      count: 3,
    },
  ],
  apiserverProfile: { visibility: "Public" },
  ingressProfiles: [{ name: "default", visibility: "Private" }],
};
const stableBody = { location: "eastus", tags: { team: "red" }, properties: stableProperties };
const { pullSecret: _p, ...clusterProfile } = stableProperties.clusterProfile;
/** As it is shown, without what the installation makes known. */
const stableShown = {
  ...stableProperties,
  clusterProfile,
  servicePrincipalProfile: { clientId },
};

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true });
});
afterAll(async () => rp[Symbol.asyncDispose]());

function at(version: string, name: string, action = ""): string {
  return `${clusterPath(name)}${action}?api-version=${version}`;
}

async function settled(version: string, name: string): Promise<RpResponse> {
  return rp.until(
    at(version, name),
    ({ status, body }) =>
      status === 404 || ["Succeeded", "Failed"].includes(body.properties.provisioningState),
  );
}

async function createdBy(version: string, name: string): Promise<RpResponse> {
  const body = version === stable ? stableBody : { ...smallestBody, tags: { team: "red" } };
  expect((await rp.put(at(version, name), body)).status).toBe(201);
  return settled(version, name);
}

test("every operation of every version has a handler", () => {
  expect(apiVersions.map(({ name }) => name)).toEqual(Object.keys(operationIds));
  for (const ids of Object.values(operationIds)) {
    for (const id of ids) expect(operations.versions[id]).toHaveProperty("handle");
  }
});

describe("2020-04-30", () => {
  test("a create is answered with what was asked for, is Creating, and comes to Succeeded", async () => {
    const answer = await rp.put(at(stable, "shape"), stableBody);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      id: clusterPath("shape"),
      name: "shape",
      type: "RedHat.OpenShift/OpenShiftClusters",
      location: "eastus",
      tags: { team: "red" },
    });
    expect(answer.body.properties).toEqual({ ...stableShown, provisioningState: "Creating" });
    const status = new URL(answer.headers.get("azure-asyncoperation") ?? "");
    expect(status.search).toBe(`?api-version=${stable}`);
    const { body } = await settled(stable, "shape");
    expect(body.properties).toEqual({
      ...stableShown,
      consoleProfile: {
        url: "https://console-openshift-console.apps.clusters.example.com/",
      },
      apiserverProfile: {
        visibility: "Public",
        url: "https://api.clusters.example.com:6443/",
      },
      provisioningState: "Succeeded",
    });
  });

  test("what a GET shows can be sent back, and starts nothing (ARM-34)", async () => {
    const { body } = await createdBy(stable, "sent-back");
    const again = await rp.put(at(stable, "sent-back"), body);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(body);
    expect(again.headers.has("azure-asyncoperation")).toBe(false);
  });

  test("a label is put before the domain of the service", async () => {
    const body = {
      ...stableBody,
      properties: {
        ...stableProperties,
        clusterProfile: { ...stableProperties.clusterProfile, domain: "Mine" },
      },
    };
    expect((await rp.put(at(stable, "label"), body)).status).toBe(201);
    const { properties } = (await settled(stable, "label")).body;
    expect(properties.clusterProfile.domain).toBe("Mine");
    expect(properties.apiserverProfile.url).toBe("https://api.mine.openshift.test:6443/");
  });

  test("what is missing is named all at once, and nothing is stored (decision 24)", async () => {
    const answer = await rp.put(at(stable, "missing"), {
      location: "eastus",
      properties: { workerProfiles: [{ name: "worker", count: 2 }] },
    });
    expect(answer.status).toBe(400);
    const targets = answer.body.error.details.map(({ target }: { target: string }) => target);
    expect(targets.toSorted()).toEqual(
      [
        "properties.clusterProfile.domain",
        "properties.clusterProfile.resourceGroupId",
        "properties.masterProfile.subnetId",
        "properties.servicePrincipalProfile.clientId",
        "properties.servicePrincipalProfile.clientSecret",
        "properties.workerProfiles[0].count",
        "properties.workerProfiles[0].subnetId",
      ].toSorted(),
    );
    expect((await rp.get(at(stable, "missing"))).status).toBe(404);
  });

  test("members of the other version are unknown here (ARM-17, ARM-38)", async () => {
    const answer = await rp.put(at(stable, "unknown"), {
      location: "eastus",
      properties: { ...stableProperties, pullSecret, networkProfile: { vnetCidr: "10.0.0.0/16" } },
    });
    expect(answer.body.error.code).toBe("InvalidRequestContent");
    const targets = answer.body.error.details.map(({ target }: { target: string }) => target);
    expect(targets.toSorted()).toEqual([
      "properties.networkProfile.vnetCidr",
      "properties.pullSecret",
    ]);
  });

  test("an empty client secret is refused by the contract", async () => {
    const answer = await rp.put(at(stable, "empty"), {
      location: "eastus",
      properties: {
        ...stableProperties,
        servicePrincipalProfile: { clientId, clientSecret: "" },
      },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      code: "InvalidParameter",
      message: "'properties.servicePrincipalProfile.clientSecret' must not be empty.",
      target: "properties.servicePrincipalProfile.clientSecret",
    });
  });

  test("ARM-70: there is no GET of credentials, and the action tells the user's name (decision 8)", async () => {
    await createdBy(stable, "credentials");
    const gone = await rp.get(at(stable, "credentials", "/credentials"));
    expect(gone.status).toBe(404);
    expect(gone.body.error.message).toContain(
      `not in api-version ${stable}; use POST …/listCredentials.`,
    );
    const ofStable = await rp.send("POST", at(stable, "credentials", "/listCredentials"));
    expect(ofStable.status).toBe(200);
    expect(ofStable.body).toEqual({
      kubeadminUsername: "kubeadmin",
      kubeadminPassword: expect.stringMatching(/^(\w{5}-){3}\w{5}$/),
    });
    const { kubeadminPassword } = ofStable.body;
    const ofPreview = await rp.send("POST", at(preview, "credentials", "/listCredentials"));
    expect(ofPreview.body).toEqual({ kubeadminPassword });
    expect((await rp.get(at(preview, "credentials", "/credentials"))).body).toEqual({
      kubeadminPassword,
    });
  });

  test("ARM-119: a new secret of the service principal is an operation, and is never shown", async () => {
    const before = await createdBy(stable, "renewed");
    const answer = await rp.patch(at(stable, "renewed"), {
      properties: { servicePrincipalProfile: { clientSecret: `${clientSecret}-2` } },
    });
    expect(answer.status).toBe(202);
    const after = await settled(stable, "renewed");
    expect({ ...after.body, etag: "" }).toEqual({ ...before.body, etag: "" });
  });
});

test("ARM-89: a create shows as Creating in the one version and as Updating in the other", async () => {
  await using still = await StartedRp.start();
  await still.put(at(stable, "one"), stableBody);
  await still.put(at(preview, "two"), smallestBody);
  for (const name of ["one", "two"]) {
    const state = async (version: string): Promise<string> =>
      (await still.get(at(version, name))).body.properties.provisioningState;
    expect([await state(preview), await state(stable)]).toEqual(["Updating", "Creating"]);
  }
  const list = async (version: string) =>
    (await still.get(`${clusterPath("").slice(0, -1)}?api-version=${version}`)).body.value.map(
      ({ properties }: RpResponse["body"]) => properties.provisioningState,
    );
  expect(await list(preview)).toEqual(["Updating", "Updating"]);
  expect(await list(stable)).toEqual(["Creating", "Creating"]);
});

describe.each([
  [preview, stable],
  [stable, preview],
])("ARM-16: made through %s, handled through %s", (maker, other) => {
  const label = maker === preview ? "preview" : "stable";

  test("the envelope and the entity tag are the same (decision 18)", async () => {
    const made = await createdBy(maker, `${label}-seen`);
    const seen = await rp.get(at(other, `${label}-seen`));
    const { properties: _m, ...envelope } = made.body;
    const { properties: _s, ...otherEnvelope } = seen.body;
    expect(otherEnvelope).toEqual(envelope);
    expect(seen.headers.get("etag")).toBe(made.headers.get("etag"));
  });

  test("a GET can be sent back and starts nothing", async () => {
    const made = await createdBy(maker, `${label}-back`);
    const seen = await rp.get(at(other, `${label}-back`));
    const answer = await rp.put(at(other, `${label}-back`), seen.body, {
      headers: { "If-Match": made.body.etag },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(seen.body);
    expect(answer.headers.has("azure-asyncoperation")).toBe(false);
    expect((await rp.get(at(maker, `${label}-back`))).body).toEqual(made.body);
  });

  test("tags and scale change, and what only the maker knows stays", async () => {
    const made = await createdBy(maker, `${label}-scaled`);
    const scaled = await rp.patch(at(other, `${label}-scaled`), {
      tags: { team: "blue" },
      properties: { workerProfiles: [{ name: "worker", count: 5 }] },
    });
    expect(scaled.status).toBe(202);
    const { body } = await settled(maker, `${label}-scaled`);
    const [pool] = made.body.properties.workerProfiles;
    expect({ ...body, etag: "" }).toEqual({
      ...made.body,
      etag: "",
      tags: { team: "blue" },
      properties: { ...made.body.properties, workerProfiles: [{ ...pool, count: 5 }] },
    });
    const result = await rp.get(
      (scaled.headers.get("location") ?? "").replace(other, maker).replace(rp.url, ""),
    );
    expect(result.body).toEqual(body);
  });

  test("it is deleted, and its operation is polled through either", async () => {
    await createdBy(maker, `${label}-gone`);
    const answer = await rp.delete(at(other, `${label}-gone`));
    expect(answer.status).toBe(202);
    expect((await settled(maker, `${label}-gone`)).status).toBe(404);
    const status = (answer.headers.get("azure-asyncoperation") ?? "").replace(rp.url, "");
    for (const link of [status, status.replace(other, maker)]) {
      expect((await rp.get(link)).body).toMatchObject({ status: "Succeeded" });
    }
  });

  test("ARM-119: no answer of either holds a secret of it", async () => {
    await createdBy(maker, `${label}-secret`);
    for (const version of [maker, other]) {
      const { text } = await rp.get(at(version, `${label}-secret`));
      expect(text).not.toMatch(new RegExp(`${clientSecret}|${pullSecretValue}|pullSecret`));
    }
  });
});
