/** Sections G and H of the contract of ARM: DELETE of a cluster, and its actions. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StartedRp } from "../frontend/startedRp.ts";
import { ArmCaller, isAsync, operationId, statusLink } from "./armCaller.ts";
import { HeldInstaller, kubeadminPassword } from "./heldInstaller.ts";
import { servedVersions } from "./servedVersions.ts";

const held = new HeldInstaller();
/** An operation that is cut short gives way after a moment. */
const timing = { heartbeatMs: 250, leaseMs: 1_000, visibilityMs: 1_500 };
let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer: held.installer, timing });
});
afterAll(async () => rp[Symbol.asyncDispose]());

describe.each(servedVersions)("$name", (version) => {
  let caller: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
  });

  test("ARM-65: DELETE of a missing cluster is an empty 204, every time", async () => {
    for (let time = 0; time < 3; time += 1) {
      const answer = await caller.delete("none");
      expect([answer.status, answer.text, isAsync(answer)]).toEqual([204, "", false]);
    }
  });

  test("ARM-66, ARM-67: DELETE is 202 and Deleting, then nothing is left, also for a new one of the name", async () => {
    const person = JSON.stringify({ createdBy: "a", lastModifiedBy: "a" });
    const headers = { "x-ms-arm-resource-system-data": person };
    const created = await caller.put("gone", version.full, headers);
    await caller.ended(created);
    held.hold("delete");
    const deleted = await caller.delete("gone");
    expect([deleted.status, deleted.text]).toEqual([202, ""]);
    for (const header of ["location", "azure-asyncoperation"]) {
      expect(deleted.headers.get(header)).toContain(operationId(deleted));
    }
    expect(deleted.headers.get("retry-after")).toMatch(/^\d+$/);
    const deleting = await caller.get("gone");
    expect([deleting.status, deleting.body.properties.provisioningState]).toEqual([
      200,
      "Deleting",
    ]);
    const location = deleted.headers.get("location") ?? "";
    expect((await rp.get(location)).status).toBe(202);

    held.release("delete");
    expect((await caller.ended(deleted)).body.status).toBe("Succeeded");
    expect((await caller.get("gone")).status).toBe(404);
    expect((await caller.list()).text).not.toContain('/gone"');
    expect([(await rp.get(location)).status, (await caller.delete("gone")).status]).toEqual([
      204, 204,
    ]);
    const anew = await caller.put("gone", version.smallest);
    expect(anew.status).toBe(201);
    for (const member of ["tags", "systemData"]) expect(anew.body).not.toHaveProperty(member);
    await caller.ended(anew);
  });

  test("ARM-68, ARM-69: DELETE wins in every state, and a second one joins the first", async () => {
    await caller.created("succeeded");
    await caller.created("updating");
    held.hold("update");
    const pools = [{ name: "worker", count: 9 }];
    const updated = await caller.patch("updating", { properties: { workerProfiles: pools } });
    held.fail("create");
    await caller.created("failed");
    held.fail("create", false);
    held.hold("create");
    const created = await caller.put("creating", version.smallest);
    held.hold("delete");
    const names = ["creating", "updating", "failed", "succeeded"];
    for (const name of names) {
      const first = await caller.delete(name);
      const second = await caller.delete(name);
      expect([first.status, second.status]).toEqual([202, 202]);
      expect(statusLink(second)).toBe(statusLink(first));
      expect(second.headers.get("location")).toBe(first.headers.get("location"));
      const shown = await caller.get(name);
      expect(shown.body.properties.provisioningState).toBe("Deleting");
    }
    for (const cut of [updated, created]) {
      expect((await caller.ended(cut)).body).toMatchObject({
        status: "Canceled",
        error: { code: "OperationCanceled" },
      });
    }
    for (const kind of ["create", "update", "delete"] as const) held.release(kind);
    for (const name of names) {
      await rp.until(caller.cluster(name), ({ status }) => status === 404);
    }
  });

  test("ARM-70, ARM-73, ARM-74: credentials are the answer to an action, which changes nothing", async () => {
    const before = await caller.created("secret");
    const answers = [
      await caller.post("secret", "listCredentials"),
      await caller.post("secret", "listCredentials", { body: {} }),
    ];
    for (const answer of answers) {
      expect([answer.status, isAsync(answer)]).toEqual([200, false]);
      expect(answer.body).toEqual(version.credentials(kubeadminPassword));
    }
    for (const rawBody of ["{", "[]", "null", '{"a":1}', '"text"']) {
      const answer = await caller.post("secret", "listCredentials", { rawBody });
      expect([answer.status, answer.body.error.code]).toEqual([400, "InvalidRequestContent"]);
    }
    const read = await rp.send("GET", caller.cluster("secret", "/listCredentials"));
    expect(read.status).toBe(405);
    expect((await caller.get("secret")).body).toEqual(before.body);
  });

  test("ARM-71: an action on a missing cluster is 404", async () => {
    const answer = await caller.post("none", "listCredentials");
    expect([answer.status, answer.body.error.code]).toEqual([404, "ResourceNotFound"]);
  });

  test("ARM-72: credentials that are not there are 409: while creating, after it failed, while deleting", async () => {
    const expectNone = async (name: string): Promise<void> => {
      const answer = await caller.post(name, "listCredentials");
      expect([answer.status, answer.body.error.code]).toEqual([409, "Conflict"]);
      expect(answer.text).not.toContain("aaaaa");
    };
    held.hold("create");
    held.fail("create");
    const created = await caller.put("bare", version.smallest);
    await expectNone("bare");
    held.release("create");
    await caller.ended(created);
    await expectNone("bare");
    held.fail("create", false);

    await caller.created("rich");
    held.hold("delete");
    const deleted = await caller.delete("rich");
    await expectNone("rich");
    held.release("delete");
    await caller.ended(deleted);
  });
});
