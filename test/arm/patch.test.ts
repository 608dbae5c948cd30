/** Section E of the contract of ARM: PATCH of a cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterKey } from "../../src/model/resourceId.ts";
import { clusterPath, StartedRp, subscriptionId } from "../frontend/startedRp.ts";
import { ArmCaller, faults, isAsync, operationId } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { servedVersions } from "./servedVersions.ts";

const held = new HeldInstaller();
let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer: held.installer });
});
afterAll(async () => rp[Symbol.asyncDispose]());

const scale = (count: unknown) => ({ properties: { workerProfiles: [{ name: "worker", count }] } });

describe.each(servedVersions)("$name", (version) => {
  const { smallest, full } = version;
  let caller: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
  });

  test("ARM-46, ARM-53: tags are replaced as a whole, at once and without an operation", async () => {
    const before = await caller.created("tags", full);
    for (const [asked, shown] of [
      [{ "3": "c" }, { "3": "c" }],
      [undefined, { "3": "c" }],
      [{}, undefined],
      [{ a: "1" }, { a: "1" }],
      [null, undefined],
    ]) {
      const answer = await caller.patch("tags", asked === undefined ? {} : { tags: asked });
      expect([answer.status, isAsync(answer), answer.body.tags]).toEqual([200, false, shown]);
      expect((await caller.get("tags")).body).toEqual(answer.body);
    }
    const { tags: _t, etag: _e, ...rest } = before.body;
    const { etag: _, ...after } = (await caller.get("tags")).body;
    expect(after).toEqual(rest);
  });

  test("ARM-47: objects are merged, null gives the default back, arrays are replaced", async () => {
    const before = await caller.created("merged", full);
    const { podCidr } = before.body.properties.networkProfile;
    const same = await caller.patch("merged", { properties: { networkProfile: { podCidr } } });
    expect([same.status, isAsync(same), same.body]).toEqual([200, false, before.body]);

    const reset = await caller.patch("merged", scale(null));
    expect(reset.status).toBe(202);
    await caller.ended(reset);
    const { properties } = (await caller.get("merged")).body;
    expect(properties.workerProfiles[0].count).toBe(3);
    expect(properties.networkProfile).toEqual(before.body.properties.networkProfile);

    const required = await caller.patch("merged", { location: null });
    expect([required.status, faults(required)]).toEqual([400, ["InvalidParameter location"]]);
    for (const workerProfiles of [[], [{ name: "other", count: 3 }]]) {
      const answer = await caller.patch("merged", { properties: { workerProfiles } });
      expect(answer.status).toBe(400);
      expect(answer.body.error.target).toMatch(/^properties\.workerProfiles/);
    }
    const twice = { name: "worker", count: 4 };
    const doubled = await caller.patch("merged", {
      properties: { workerProfiles: [twice, twice] },
    });
    expect(doubled.status).toBe(400);
    expect((await caller.get("merged")).body.properties).toEqual(properties);
  });

  test("ARM-48: a listed item inherits what it leaves out from the stored one of its name", async () => {
    const before = await caller.created("scaled", full);
    const [pool] = before.body.properties.workerProfiles;
    const answer = await caller.patch("scaled", scale(4));
    expect(answer.status).toBe(202);
    await caller.ended(answer);
    const after = (await caller.get("scaled")).body.properties;
    expect(after).toEqual({ ...before.body.properties, workerProfiles: [{ ...pool, count: 4 }] });
  });

  test("ARM-49: PATCH of a missing cluster is 404 and creates nothing", async () => {
    for (const headers of [{}, { "If-Match": "*" }, { "If-None-Match": "*" }]) {
      const answer = await caller.patch("none", smallest, headers);
      expect([answer.status, answer.body.error.code]).toEqual([404, "ResourceNotFound"]);
    }
    expect((await caller.get("none")).status).toBe(404);
  });

  test("ARM-50: id, name, type, location and provisioningState are the cluster's own or refused", async () => {
    const before = await caller.created("own");
    const equal = {
      id: clusterPath("OWN", { group: caller.group.toUpperCase() }),
      name: "Own",
      type: "redhat.openshift/openshiftclusters",
      location: "EAST US",
      properties: { provisioningState: "Succeeded" },
    };
    const same = await caller.patch("own", equal);
    expect([same.status, isAsync(same), same.body]).toEqual([200, false, before.body]);
    for (const [change, fault] of [
      [{ id: `${equal.id}x` }, "MismatchingResourceID id"],
      [{ name: "other" }, "MismatchingResourceName name"],
      [{ type: "x" }, "MismatchingResourceType type"],
      [{ location: "westus" }, "PropertyChangeNotAllowed location"],
      [
        { properties: { provisioningState: "Failed" } },
        "InvalidParameter properties.provisioningState",
      ],
    ] as const) {
      const answer = await caller.patch("own", { ...change, tags: { new: "1" } });
      expect([answer.status, faults(answer)]).toEqual([400, [fault]]);
    }
    expect((await caller.get("own")).body).toEqual(before.body);
  });

  test("ARM-37: what is set at creation can't be patched", async () => {
    const before = await caller.created("fixed", full);
    for (const [target, properties] of version.createOnly) {
      const answer = await caller.patch("fixed", { properties, tags: { new: "1" } });
      expect(answer.status).toBe(400);
      expect(faults(answer)).toEqual([`PropertyChangeNotAllowed ${target}`]);
    }
    expect((await caller.get("fixed")).body).toEqual(before.body);
  });

  test("ARM-51: nothing is needed, nothing gets a default, and a body there must be", async () => {
    const before = await caller.created("least", full);
    for (const body of [{}, { properties: {} }, { tags: full.tags }]) {
      const answer = await caller.patch("least", body);
      expect([answer.status, isAsync(answer), answer.body]).toEqual([200, false, before.body]);
    }
    expect(before.body.properties.workerProfiles[0].count).not.toBe(3);
    for (const rawBody of ["", " ", "null", "[]", "{"]) {
      const answer = await rp.send("PATCH", caller.cluster("least"), {
        rawBody,
        headers: { "Content-Type": "application/json" },
      });
      expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidRequestContent"]);
    }
  });

  test("ARM-52: the result is judged as a PUT would be; secrets that are left out stay stored", async () => {
    const before = await caller.created("judged", full);
    const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ""]));
    for (const [body, fault] of [
      [scale(2), "InvalidParameter properties.workerProfiles[0].count"],
      [scale(21), "InvalidParameter properties.workerProfiles[0].count"],
      [scale("4"), "InvalidRequestContent properties.workerProfiles[0].count"],
      [{ tags: tooMany }, "InvalidParameter tags"],
      [{ tags: { a: null } }, "InvalidRequestContent tags.a"],
      [{ nope: null }, "InvalidRequestContent nope"],
    ] as const) {
      const answer = await caller.patch("judged", body);
      expect([answer.status, faults(answer)]).toEqual([400, [fault]]);
    }
    expect((await caller.get("judged")).body).toEqual(before.body);
    const key = clusterKey({ subscriptionId, resourceGroup: caller.group, name: "judged" });
    const { secrets } = (await rp.store.read("cluster", key))?.document ?? {};
    expect(Object.keys(secrets ?? {})).toContain("pullSecret");
    await caller.ended(await caller.patch("judged", scale(6)));
    expect((await rp.store.read("cluster", key))?.document.secrets).toEqual(secrets);
  });

  test("ARM-54, ARM-75: what needs work is 202 without a body, is Updating, and ends in the resource", async () => {
    const before = await caller.created("async");
    held.hold("update");
    const answer = await caller.patch("async", scale(8));
    expect([answer.status, answer.text]).toEqual([202, ""]);
    for (const header of ["location", "azure-asyncoperation"]) {
      expect(answer.headers.get(header)).toContain(operationId(answer));
    }
    const running = await caller.get("async");
    expect(running.status).toBe(200);
    expect(running.body.properties).toMatchObject({
      provisioningState: "Updating",
      workerProfiles: [{ count: 8 }],
    });
    const location = answer.headers.get("location") ?? "";
    expect((await rp.get(location)).status).toBe(202);
    held.release("update");
    await caller.ended(answer);
    const result = await rp.get(location);
    expect([result.status, result.body]).toEqual([200, (await caller.get("async")).body]);
    expect(result.body.properties.provisioningState).toBe("Succeeded");
    expect(result.body.etag).not.toBe(before.body.etag);
  });

  test("ARM-53, ARM-119: a secret is never in the answer, and a new one is an operation", async () => {
    await caller.created("secret", full);
    for (const [, properties] of version.secrets) {
      const answer = await caller.patch("secret", { properties });
      expect(answer.status).toBe(202);
      expect((await caller.ended(answer)).body.status).toBe("Succeeded");
      const again = await caller.patch("secret", { properties });
      expect([again.status, isAsync(again)]).toEqual([200, false]);
    }
    for (const [target] of version.secrets) {
      const steps = target.split(".");
      const removal = steps.reduceRight<unknown>((value, step) => ({ [step]: value }), null);
      const answer = await caller.patch("secret", removal);
      expect([answer.status, faults(answer)]).toEqual([400, [`InvalidParameter ${target}`]]);
    }
  });
});
