/** Sections I and J of the contract of ARM: operations, and the state of a cluster while they run. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StartedRp, subscriptionId, type RpResponse } from "../frontend/startedRp.ts";
import { TestClock } from "../runtime/testClock.ts";
import { ArmCaller, armOrigin, operationId, referer, statusLink } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { having, secretValues, servedVersions } from "./servedVersions.ts";

const held = new HeldInstaller();
let rp: StartedRp;
/** One in which nothing is ever done, so that operations go on. */
let still: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer: held.installer });
  still = await StartedRp.start();
});
afterAll(async () => {
  await rp[Symbol.asyncDispose]();
  await still[Symbol.asyncDispose]();
});

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const terminal = ["Succeeded", "Failed", "Canceled"];
const scale = (count: number) => ({ properties: { workerProfiles: [{ name: "worker", count }] } });

function resultLink(answer: RpResponse): string {
  return statusLink(answer).replace("/operationStatuses/", "/operationResults/");
}

describe.each(servedVersions)("$name", (version) => {
  let caller: ArmCaller;
  let idle: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
    idle = new ArmCaller(still, version);
  });

  test("ARM-75, ARM-76, ARM-77, ARM-78, ARM-79: every answer that starts an operation says where to follow it, and when", async () => {
    await caller.created("links");
    const inbound = {
      ...referer,
      "x-ms-request-id": "11111111-1111-4111-8111-111111111111",
      "x-ms-correlation-request-id": "22222222-2222-4222-8222-222222222222",
    };
    const created = await caller.put("links2", version.smallest, inbound);
    const scaled = having(version.smallest, { workerProfiles: [{ name: "worker", count: 4 }] });
    const put = await caller.put("links", scaled, inbound);
    await caller.ended(put);
    const patched = await caller.patch("links", scale(5), inbound);
    await caller.ended(patched);
    const deleted = await caller.delete("links", inbound);
    const answers = [created, put, patched, deleted];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 202, 202]);
    const path = `/subscriptions/${subscriptionId}/providers/RedHat.OpenShift/locations/eastus`;
    for (const answer of answers) {
      const status = new URL(answer.headers.get("azure-asyncoperation") ?? "");
      expect(status.origin).toBe(armOrigin);
      expect(status.pathname).toBe(`${path}/operationStatuses/${operationId(answer)}`);
      expect(status.search).toBe(`?api-version=${version.name}`);
      expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
      if (answer.status !== 202) continue;
      const location = new URL(answer.headers.get("location") ?? "");
      expect(location.origin).toBe(armOrigin);
      expect(location.pathname).toBe(`${path}/operationResults/${operationId(answer)}`);
      expect(location.search).toBe(`?api-version=${version.name}`);
    }
    const ids = answers.map(operationId);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(guid);
    const used = answers.map(({ headers }) => headers.get("x-ms-request-id"));
    for (const id of [...used, ...Object.values(inbound)]) expect(ids).not.toContain(id);
  });

  test("ARM-76: without a Referer links are on the address that was called, absolute all the same", async () => {
    for (const [name, headers] of [
      ["plain", {}],
      ["odd", { Referer: "/relative" }],
      ["file", { Referer: "file:///x" }],
    ] as const) {
      const created = await idle.put(name, version.smallest, headers);
      expect(new URL(created.headers.get("azure-asyncoperation") ?? "").origin).toBe(still.url);
      const result = await still.send("GET", resultLink(created), { headers });
      expect(new URL(result.headers.get("location") ?? "").origin).toBe(still.url);
    }
    const created = await idle.put("through", version.smallest, referer);
    const result = await still.send("GET", resultLink(created), { headers: referer });
    expect(new URL(result.headers.get("location") ?? "").origin).toBe(armOrigin);
  });

  test("ARM-78, ARM-80, ARM-82: a running operation is 200 with its status and 202 without a result", async () => {
    const created = await idle.put("running", version.smallest);
    const status = await still.get(statusLink(created));
    expect(status.status).toBe(200);
    expect(status.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(status.body).toEqual({
      id: new URL(statusLink(created), still.url).pathname,
      name: operationId(created),
      status: "InProgress",
      startTime: expect.stringMatching(iso),
      percentComplete: 0,
    });
    const result = await still.get(resultLink(created));
    expect([result.status, result.text]).toEqual([202, ""]);
    expect(new URL(result.headers.get("location") ?? "").pathname).toContain(operationId(created));
    expect(result.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(await still.get(statusLink(created)).then(({ body }) => body)).toEqual(status.body);
  });

  test("ARM-80, ARM-81, ARM-82: what succeeded says so, and its result is what a synchronous call would have given", async () => {
    const created = await caller.put("done", version.full);
    const patched = await caller.ended(created).then(async () => caller.patch("done", scale(6)));
    const patchEnd = await caller.ended(patched);
    const results = [await caller.result(created), await caller.result(patched)];
    const { body } = await caller.get("done");
    for (const result of results) {
      expect([result.status, result.body]).toEqual([200, body]);
      expect(result.headers.get("etag")).toBe(body.etag);
    }
    const deleted = await caller.delete("done");
    const ends = [await caller.ended(created), patchEnd, await caller.ended(deleted)];
    for (const { body: status } of ends) {
      expect(status).toMatchObject({ status: "Succeeded", percentComplete: 100 });
      for (const time of [status.startTime, status.endTime]) expect(time).toMatch(iso);
      expect(Date.parse(status.endTime)).toBeGreaterThanOrEqual(Date.parse(status.startTime));
      expect(status).not.toHaveProperty("error");
    }
    const gone = await caller.result(deleted);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    // the others' cluster is gone as well
    expect((await caller.result(patched)).status).toBe(404);
  });

  test("ARM-80, ARM-81, ARM-83: what failed says why, by the same code in both places, and stays readable", async () => {
    held.fail("create");
    const created = await caller.put("failed", version.full);
    const status = await caller.ended(created);
    held.fail("create", false);
    expect([status.status, status.body.status]).toEqual([200, "Failed"]);
    expect(status.body.endTime).toMatch(iso);
    expect(status.body.error).toEqual({
      code: "InstallationFailed",
      message: expect.stringContaining("the quota of the region is used up"),
    });
    const result = await caller.result(created);
    expect([result.status, result.body.error]).toEqual([409, status.body.error]);
    for (const secret of secretValues) expect(status.text + result.text).not.toContain(secret);

    const running = await idle.put("canceled", version.smallest);
    await idle.delete("canceled");
    const canceled = await idle.ended(running);
    expect(canceled.body).toMatchObject({
      status: "Canceled",
      error: { code: "OperationCanceled" },
    });
    expect(canceled.body.endTime).toMatch(iso);
    const canceledResult = await idle.result(running);
    expect([canceledResult.status, canceledResult.body.error]).toEqual([409, canceled.body.error]);
  });

  test("ARM-84: when a status says that it is over, the cluster shows it already", async () => {
    const names = Array.from({ length: 8 }, (_, index) => `news${index}`);
    /** Asks without a pause until it is over, and then once for the cluster; gives how often it was asked. */
    const follow = async (name: string, answer: RpResponse, states: readonly string[]) => {
      for (let asked = 1; ; asked += 1) {
        const { body } = await rp.get(statusLink(answer));
        const shown = await caller.get(name);
        if (body.status !== "InProgress") {
          expect(terminal).toContain(body.status);
          expect(states).toContain(shown.body.properties?.provisioningState ?? "gone");
          return asked;
        }
      }
    };
    await Promise.all(
      names.map(async (name) => {
        await follow(name, await caller.put(name, version.smallest), ["Succeeded"]);
        await follow(name, await caller.patch(name, scale(4)), ["Succeeded"]);
        await follow(name, await caller.delete(name), ["gone"]);
      }),
    );
  });

  test("ARM-85: an operation is nobody else's, and nothing is found by a made-up id", async () => {
    const created = await idle.put("bound", version.smallest);
    for (const link of [statusLink(created), resultLink(created)]) {
      expect((await still.get(link)).status).toBeLessThan(300);
      for (const other of [
        link.replace(subscriptionId, "00000000-0000-4000-8000-000000000009"),
        link.replace("/eastus/", "/westus/"),
        link.replace(operationId(created), "00000000-0000-4000-8000-000000000000"),
        link.replace(operationId(created), "no-guid"),
        // ids of other documents in the same partition
        link.replace(operationId(created), `${encodeURIComponent(`${idle.group}|bound`)}`),
        link.replace(operationId(created), "subscription"),
      ]) {
        const answer = await still.get(other);
        expect([answer.status, answer.body.error.code]).toEqual([404, "NotFound"]);
      }
    }
  });

  test("ARM-87: any api-version will do for polling, any state of the subscription, and nothing changes by it", async () => {
    const subscription = `00000000-0000-4000-8000-0000000004${servedVersions.indexOf(version)}0`;
    const body = JSON.parse(
      JSON.stringify(version.smallest).replaceAll(subscriptionId, subscription),
    );
    const path = idle.cluster("polled").replace(subscriptionId, subscription);
    const created = await still.send("PUT", path, { body });
    expect(created.status).toBe(201);
    for (const state of ["Registered", "Warned", "Suspended", "Unregistered", "Deleted"]) {
      const announcement = `/subscriptions/${subscription}?api-version=2.0`;
      await still.send("PUT", announcement, { body: { state } });
      for (const { name } of servedVersions) {
        const through = statusLink(created).replace(version.name, name);
        expect((await still.get(through)).body.status).toBe("InProgress");
        const result = through.replace("operationStatuses", "operationResults");
        expect((await still.get(result)).status).toBe(202);
      }
    }
    expect((await still.send("GET", path)).body).toEqual(created.body);
  });

  test("ARM-89, ARM-90: a state is in every body, running from the first moment to the last, and then stays", async () => {
    const seen: string[] = [];
    const look = ({ body }: RpResponse): void => {
      const { provisioningState } = body.properties;
      if (seen.at(-1) !== provisioningState) seen.push(provisioningState);
    };
    held.hold("create");
    held.fail("create");
    const first = await caller.put("states", version.smallest);
    look(first);
    look(await caller.get("states"));
    held.release("create");
    const follow = async (answer: RpResponse): Promise<void> => {
      for (let status = "InProgress"; status === "InProgress";) {
        look(await caller.get("states"));
        ({ status } = (await rp.get(statusLink(answer))).body);
      }
      for (let time = 0; time < 3; time += 1) look(await caller.get("states"));
      look({ ...answer, body: (await caller.list()).body.value.at(-1) });
    };
    await follow(first);
    held.fail("create", false);
    const second = await caller.put("states", version.smallest);
    look(second);
    await follow(second);
    held.fail("update");
    const third = await caller.patch("states", scale(7));
    look(await caller.get("states"));
    await follow(third);
    held.fail("update", false);
    expect(seen).toEqual([
      version.creating,
      "Failed",
      version.creating,
      "Succeeded",
      "Updating",
      "Failed",
    ]);
    // the last in the list, for those that come after
    await caller.ended(await caller.delete("states"));
  });

  test("ARM-91: an update that failed shows what the cluster really is; its error is the operation's", async () => {
    const before = await caller.created("true", version.full);
    held.fail("update");
    const updated = await caller.patch("true", { tags: { new: "1" }, ...scale(9) });
    const status = await caller.ended(updated);
    held.fail("update", false);
    expect(status.body).toMatchObject({ status: "Failed", error: { code: "InstallationFailed" } });
    const after = (await caller.get("true")).body;
    expect(after.properties).toEqual({
      ...before.body.properties,
      provisioningState: "Failed",
    });
    expect(after).not.toHaveProperty("error");
    const again = await caller.patch("true", scale(9));
    expect(again.status).toBe(202);
    expect((await caller.ended(again)).body.status).toBe("Succeeded");
    const { workerProfiles } = (await caller.get("true")).body.properties;
    expect(workerProfiles[0].count).toBe(9);
  });

  test("ARM-86: status and result can be read for seven days after the end, and are gone then", async () => {
    const clock = new TestClock();
    await using turned = await StartedRp.start({ clock });
    const old = new ArmCaller(turned, version);
    const created = await old.put("old", version.smallest);
    const day = 24 * 60 * 60 * 1000;
    clock.skip(30 * day);
    // one that runs is kept however long it takes
    expect((await turned.get(statusLink(created))).body.status).toBe("InProgress");
    await old.delete("old");
    const statuses = async (): Promise<number[]> => [
      (await turned.get(statusLink(created))).status,
      (await turned.get(resultLink(created))).status,
    ];
    expect(await statuses()).toEqual([200, 409]);
    clock.skip(7 * day - 1);
    // a commit clears away what has expired
    await old.put("other", version.smallest);
    expect(await statuses()).toEqual([200, 409]);
    clock.skip(1);
    await old.put("another", version.smallest);
    expect(await statuses()).toEqual([404, 404]);
  });
});
