/** Section D of the contract of ARM: PUT of a cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterPath, StartedRp } from "../frontend/startedRp.ts";
import { ArmCaller, faults, isAsync, operationId, statusLink } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { having, servedVersions } from "./servedVersions.ts";

const { installer } = new HeldInstaller();
let rp: StartedRp;
/** One in which nothing is ever done, so that operations go on. */
let still: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer });
  still = await StartedRp.start();
});
afterAll(async () => {
  await rp[Symbol.asyncDispose]();
  await still[Symbol.asyncDispose]();
});

describe.each(servedVersions)("$name", (version) => {
  const { smallest, full } = version;
  let caller: ArmCaller;
  let idle: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
    idle = new ArmCaller(still, version);
  });
  const scaled = (count: number) =>
    having(smallest, { workerProfiles: [{ name: "worker", count }] });

  test("ARM-30, ARM-42: a new cluster is 201 with the whole resource, as the next GET shows it", async () => {
    const created = await idle.put("new", full);
    expect(created.status).toBe(201);
    const { etag, ...body } = created.body;
    expect(body).toEqual({
      id: clusterPath("new", { group: idle.group }),
      name: "new",
      type: "RedHat.OpenShift/OpenShiftClusters",
      location: full.location,
      tags: full.tags,
      properties: version.fullShown,
    });
    expect((await idle.get("new")).body).toEqual({ ...body, etag });
    expect((await idle.list()).body.value).toContainEqual({ ...body, etag });
  });

  test("ARM-31, ARM-42: an existing one is 200 with the whole resource, whatever the PUT does", async () => {
    await caller.created("existing");
    for (const body of [smallest, { ...smallest, tags: { b: "2", A: "1" } }]) {
      const answer = await caller.put("existing", body);
      expect([answer.status, isAsync(answer)]).toEqual([200, false]);
      expect((await caller.get("existing")).body).toEqual(answer.body);
    }
    const answer = await caller.put("existing", scaled(6));
    expect([answer.status, isAsync(answer)]).toEqual([200, true]);
    expect(answer.body.properties).toMatchObject({
      provisioningState: "Updating",
      workerProfiles: [{ name: "worker", count: 6 }],
    });
    await caller.ended(answer);
    const { properties, etag, ...envelope } = (await caller.get("existing")).body;
    expect(answer.body).toMatchObject(envelope);
    expect(answer.body.properties).toEqual({ ...properties, provisioningState: "Updating" });
    expect(etag).not.toBe(answer.body.etag);
  });

  test("ARM-32: the body of a create can be repeated and changes nothing", async () => {
    for (const [name, body] of [
      ["least", smallest],
      ["most", full],
    ] as const) {
      const before = await caller.created(name, body);
      for (let time = 0; time < 2; time += 1) {
        const again = await caller.put(name, body);
        expect([again.status, isAsync(again)]).toEqual([200, false]);
        expect(again.body).toEqual(before.body);
      }
    }
  });

  test("ARM-33: what is left out goes back to its default; secrets and what is set at creation stay", async () => {
    const before = await caller.created("replaced", full);
    const needed = having(full, {});
    const { tags: _, ...bare } = needed;
    const { workerProfiles: _w, networkProfile: _n, ...rest } = bare.properties;
    const answer = await caller.put("replaced", { ...bare, properties: rest });
    expect([answer.status, answer.body.tags]).toEqual([200, undefined]);
    await caller.ended(answer);
    const after = (await caller.get("replaced")).body.properties;
    const [pool] = before.body.properties.workerProfiles;
    expect(after).toEqual({ ...before.body.properties, workerProfiles: [{ ...pool, count: 3 }] });
  });

  test("ARM-34: what a GET shows can be sent back, and one tag edited is all that changes", async () => {
    const person = JSON.stringify({ createdBy: "a", lastModifiedBy: "a" });
    const created = await caller.put("back", full, { "x-ms-arm-resource-system-data": person });
    await caller.ended(created);
    const { body } = await caller.get("back");
    expect(body.systemData).toBeDefined();
    const same = await caller.put("back", body);
    expect([same.status, isAsync(same)]).toEqual([200, false]);
    expect(same.body).toEqual(body);
    const edited = await caller.put("back", { ...body, tags: { ...body.tags, Team: "Blue" } });
    expect([edited.status, isAsync(edited)]).toEqual([200, false]);
    expect({ ...edited.body, etag: "" }).toEqual({
      ...body,
      etag: "",
      tags: { ...body.tags, Team: "Blue" },
    });
  });

  test("ARM-35: provisioningState is ignored at a create, and must be the cluster's own later", async () => {
    const planted = { provisioningState: "Failed", ...version.planted };
    const created = await caller.put("stated", having(smallest, planted));
    expect(created.status).toBe(201);
    expect(created.body.properties.provisioningState).toBe(version.creating);
    expect(created.text).not.toContain("planted");
    await caller.ended(created);
    const before = await caller.get("stated");
    const same = await caller.put("stated", having(smallest, { provisioningState: "Succeeded" }));
    expect([same.status, same.body]).toEqual([200, before.body]);
    for (const provisioningState of ["Failed", "Updating", "succeeded", "Nonsense"]) {
      const answer = await caller.put("stated", having(smallest, { provisioningState }));
      expect(answer.status).toBe(400);
      expect(faults(answer)).toEqual(["InvalidParameter properties.provisioningState"]);
    }
    expect((await caller.get("stated")).body).toEqual(before.body);
  });

  test("ARM-36: location is needed, compared without case and blanks, and given back as sent", async () => {
    const { location: _, ...without } = smallest;
    expect(faults(await caller.put("placed", without))).toEqual(["InvalidParameter location"]);
    for (const location of ["westus", "", "eastus2"]) {
      const answer = await caller.put("placed", { ...smallest, location });
      expect([answer.status, faults(answer)]).toEqual([400, ["InvalidParameter location"]]);
    }
    expect((await caller.get("placed")).status).toBe(404);
    const created = await caller.created("placed", { ...smallest, location: "East us" });
    expect(created.body.location).toBe("East us");
    for (const location of ["eastus", "EAST US", "East us"]) {
      const answer = await caller.put("placed", { ...smallest, location });
      expect([answer.status, isAsync(answer)]).toEqual([200, false]);
    }
    const absent = await caller.put("placed", without);
    expect([absent.status, faults(absent)]).toEqual([400, ["InvalidParameter location"]]);
  });

  test("ARM-37: what is set at creation can't be changed, not even with something else", async () => {
    const before = await caller.created("fixed", full);
    const moved = await caller.put("fixed", { ...full, location: "westus" });
    expect([moved.status, faults(moved)]).toEqual([400, ["PropertyChangeNotAllowed location"]]);
    for (const [target, properties] of version.createOnly) {
      const answer = await caller.put("fixed", { ...having(full, properties), tags: { new: "1" } });
      expect(answer.status).toBe(400);
      expect(faults(answer)).toEqual([`PropertyChangeNotAllowed ${target}`]);
    }
    expect((await caller.get("fixed")).body).toEqual(before.body);
  });

  test("ARM-38: an unknown member is refused by its name, wherever it is", async () => {
    for (const member of ["nope", "Tags", "sku", "kind", "identity", "properties "]) {
      const answer = await caller.put("unknown", { ...smallest, [member]: {} });
      expect(answer.status).toBe(400);
      expect(faults(answer)[0]).toMatch(/^InvalidRequestContent /);
      expect(answer.body.error.message).toContain(member);
    }
    for (const [target, properties] of version.unknown) {
      const answer = await caller.put("unknown", having(smallest, properties));
      expect([answer.status, faults(answer)]).toEqual([400, [`InvalidRequestContent ${target}`]]);
    }
    expect((await caller.get("unknown")).status).toBe(404);
  });

  test("ARM-39: settings are under properties, and nothing else is at the top", async () => {
    const person = JSON.stringify({ createdBy: "a" });
    await caller.put("envelope", full, { "x-ms-arm-resource-system-data": person });
    const envelope = ["etag", "id", "location", "name", "properties", "systemData", "tags", "type"];
    for (const body of [(await caller.get("envelope")).body, ...(await caller.list()).body.value]) {
      const members = Object.keys(body);
      expect(envelope).toEqual(expect.arrayContaining(members));
      for (const member of envelope) expect(body.properties).not.toHaveProperty(member);
    }
  });

  test("ARM-40: what is no JSON object, or has a member of another type, is refused and stored nowhere", async () => {
    const send = async (rawBody: string) =>
      rp.send("PUT", caller.cluster("form"), {
        rawBody,
        headers: { "Content-Type": "application/json" },
      });
    for (const rawBody of ["", " ", "null", "[]", '"text"', "5", '{"location":"eastus"', "{}{}"]) {
      const answer = await send(rawBody);
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBe("InvalidRequestContent");
    }
    for (const [target, properties] of version.mistyped) {
      const answer = await caller.put("form", having(smallest, properties));
      expect([answer.status, faults(answer)]).toEqual([400, [`InvalidRequestContent ${target}`]]);
    }
    for (const member of ["location", "tags", "properties"]) {
      const answer = await caller.put("form", { ...smallest, [member]: 5 });
      expect([answer.status, faults(answer)]).toEqual([400, [`InvalidRequestContent ${member}`]]);
    }
    expect((await caller.get("form")).status).toBe(404);
  });

  test("ARM-41: a value that breaks a rule is refused by its path, several of them in one answer", async () => {
    for (const [target, properties] of version.illegal) {
      const answer = await caller.put("illegal", having(smallest, properties));
      expect([answer.status, faults(answer)]).toEqual([400, [`InvalidParameter ${target}`]]);
      expect(answer.body.error.target).toBe(target);
    }
    const overlapping = { networkProfile: { podCidr: "10.0.0.0/14", serviceCidr: "10.2.0.0/16" } };
    const overlap = await caller.put("illegal", having(smallest, overlapping));
    expect(overlap.status).toBe(400);
    expect(overlap.body.error.code).toBe("InvalidParameter");
    const all = version.illegal.reduce(
      (body, [, properties]) => having(body, properties),
      having(smallest, {}),
    );
    const answer = await caller.put("illegal", { ...all, location: "westus" });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("InvalidParameter");
    expect(faults(answer)).toEqual(
      expect.arrayContaining(
        ["location", ...version.illegal.map(([target]) => target)].map(
          (target) => `InvalidParameter ${target}`,
        ),
      ),
    );
    expect((await caller.get("illegal")).status).toBe(404);
  });

  test("ARM-43: a PUT on a cluster that failed starts anew", async () => {
    const held = new HeldInstaller();
    await using failing = await StartedRp.start({ workers: true, installer: held.installer });
    const broken = new ArmCaller(failing, version);
    held.fail("create");
    const first = await broken.put("c", smallest);
    expect((await broken.ended(first)).body.status).toBe("Failed");
    expect((await broken.get("c")).body.properties.provisioningState).toBe("Failed");
    const second = await broken.put("c", smallest);
    expect([second.status, isAsync(second)]).toEqual([200, true]);
    expect(second.body.properties.provisioningState).toBe(version.creating);
    expect((await broken.ended(second)).body.status).toBe("Failed");
    held.fail("create", false);
    const third = await broken.put("c", smallest);
    expect((await broken.ended(third)).body.status).toBe("Succeeded");
    expect(new Set([first, second, third].map(operationId)).size).toBe(3);
  });

  test("ARM-44: PUT and PATCH while an operation runs are 409 with its link, and leave it alone", async () => {
    const created = await idle.put("busy", smallest);
    for (const answer of [
      await idle.put("busy", smallest),
      await idle.put("busy", scaled(9)),
      await idle.patch("busy", { tags: { a: "1" } }),
      await idle.patch("busy", {}),
    ]) {
      expect([answer.status, answer.body.error.code]).toEqual([409, "Conflict"]);
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(answer.body.error.message).toContain(operationId(created));
      expect(answer.body.error.message).toContain(statusLink(created));
    }
    expect((await idle.get("busy")).body).toEqual(created.body);
    expect((await still.get(statusLink(created))).body.status).toBe("InProgress");
  });

  test("ARM-106: tags are a map of strings within ARM's limits, and come back exactly", async () => {
    const tags = {
      "": "",
      " ": " blank ",
      "Ключ 'x' (\"y\") [z]": "значение <>%&\\?/\u0001 and \u2028",
      constructor: "1",
      ["k".repeat(512)]: "v".repeat(256),
    };
    const created = await idle.put("tagged", { ...smallest, tags });
    expect([created.status, created.body.tags]).toEqual([201, tags]);
    expect((await idle.get("tagged")).body.tags).toEqual(tags);
    const numbered = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, "x"]));
    expect((await idle.put("fifty", { ...smallest, tags: numbered(50) })).status).toBe(201);
    for (const illegal of [
      numbered(51),
      { ["k".repeat(513)]: "" },
      { key: "v".repeat(257) },
      ...["<", ">", "%", "&", "\\", "?", "/", "\u0001"].map((letter) => ({ [`a${letter}`]: "" })),
    ]) {
      const answer = await idle.put("untagged", { ...smallest, tags: illegal });
      expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidParameter"]);
      expect(answer.body.error.target).toMatch(/^tags/);
    }
    for (const value of [5, null, true, {}, ["x"]]) {
      const answer = await idle.put("untagged", { ...smallest, tags: { key: value } });
      expect([answer.status, faults(answer)]).toEqual([400, ["InvalidRequestContent tags.key"]]);
    }
    expect((await idle.get("untagged")).status).toBe(404);
  });

  test("ARM-101: of 20 PUTs of a new name at once, through every version, one creates", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const through = servedVersions[index % servedVersions.length] ?? version;
        return idle.as(through).put(index % 2 === 0 ? "race" : "RACE", through.smallest);
      }),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => ![200, 201, 409, 412].includes(status))).toEqual([]);
    const list = await idle.list();
    const named = list.body.value.filter(({ name }: { name: string }) => /^race$/i.test(name));
    expect(named).toHaveLength(1);
    const winner = answers.find(({ status }) => status === 201);
    expect(named[0].etag).toBe(winner?.body.etag);
  });
});
