/** Section L of the contract of ARM: entity tags, and writes at the same time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StartedRp, type RpResponse } from "../frontend/startedRp.ts";
import { ArmCaller, isAsync } from "./armCaller.ts";
import { HeldInstaller } from "./heldInstaller.ts";
import { servedVersions } from "./servedVersions.ts";

const { installer } = new HeldInstaller();
let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true, installer });
});
afterAll(async () => rp[Symbol.asyncDispose]());

const scale = (count: number) => ({ properties: { workerProfiles: [{ name: "worker", count }] } });

describe.each(servedVersions)("$name", (version) => {
  const { smallest } = version;
  let caller: ArmCaller;
  beforeAll(() => {
    caller = new ArmCaller(rp, version);
  });

  test("ARM-97: etag in the body is the ETag of the answer, and another one after each change", async () => {
    const created = await caller.put("tagged", smallest);
    await caller.ended(created);
    const read = await caller.get("tagged");
    const put = await caller.put("tagged", { ...smallest, tags: { a: "1" } });
    const patched = await caller.patch("tagged", { tags: { a: "2" } });
    const scaled = await caller.patch("tagged", scale(4));
    const updating = await caller.get("tagged");
    await caller.ended(scaled);
    const updated = await caller.get("tagged");
    const answers = [created, read, put, patched, updating, updated];
    for (const { body, headers } of answers) {
      expect(body.etag).toMatch(/^"[^"]+"$/);
      expect(headers.get("etag")).toBe(body.etag);
    }
    // the update may have ended before it was looked at
    const changes = [created, read, put, patched, updated].map(({ body }) => body.etag);
    expect(new Set(changes).size).toBe(5);
    const list = await caller.list();
    expect(list.body.value).toContainEqual(updated.body);
    const same = await caller.put("tagged", updated.body);
    expect(same.body.etag).toBe(updated.body.etag);
    for (const other of servedVersions) {
      expect((await caller.as(other).get("tagged")).body.etag).toBe(updated.body.etag);
    }
  });

  test("ARM-98, ARM-100: conditions of a PUT hold or are 412, and an empty one is none", async () => {
    const missing = async (headers: Readonly<Record<string, string>>) =>
      (await caller.put("missing", smallest, headers)).status;
    expect(await missing({ "If-Match": "*" })).toBe(412);
    expect(await missing({ "If-Match": '"x"' })).toBe(412);
    expect((await caller.get("missing")).status).toBe(404);
    expect((await caller.put("made", smallest, { "If-None-Match": "*" })).status).toBe(201);
    expect((await caller.put("made2", smallest, { "If-Match": "" })).status).toBe(201);

    const { body } = await caller.created("there");
    for (const [headers, status] of [
      [{ "If-None-Match": "*" }, 412],
      [{ "If-None-Match": body.etag }, 412],
      [{ "If-None-Match": '"x"' }, 200],
      [{ "If-None-Match": "" }, 200],
      [{ "If-Match": '"x"' }, 412],
      [{ "If-Match": body.etag.slice(1, -1) }, 412],
      [{ "If-Match": "*" }, 200],
      [{ "If-Match": body.etag }, 200],
      [{ "If-Match": `"x", ${body.etag}` }, 200],
      [{ "If-Match": "" }, 200],
      [{ "If-Match": body.etag, "If-None-Match": "*" }, 412],
    ] as const) {
      const answer = await caller.put("there", smallest, headers);
      expect([headers, answer.status]).toEqual([headers, status]);
      if (status === 412) expect(answer.body.error.code).toBe("PreconditionFailed");
    }
    expect((await caller.get("there")).body).toEqual(body);
    await caller.patch("there", { tags: { a: "1" } });
    expect((await caller.put("there", smallest, { "If-Match": body.etag })).status).toBe(412);
  });

  test("ARM-99: a missing cluster is 404 to PATCH and 204 to DELETE whatever the condition; an existing one obeys it", async () => {
    for (const headers of [{ "If-Match": "*" }, { "If-Match": '"x"' }, { "If-None-Match": "*" }]) {
      expect((await caller.patch("nobody", {}, headers)).status).toBe(404);
      expect((await caller.delete("nobody", headers)).status).toBe(204);
    }
    const { body } = await caller.created("somebody");
    const tags = { tags: { a: "1" } };
    for (const headers of [{ "If-Match": '"x"' }, { "If-None-Match": "*" }]) {
      expect((await caller.patch("somebody", tags, headers)).status).toBe(412);
      expect((await caller.delete("somebody", headers)).status).toBe(412);
    }
    expect((await caller.get("somebody")).body).toEqual(body);
    expect((await caller.patch("somebody", tags, { "If-Match": "*" })).status).toBe(200);
    expect((await caller.delete("somebody", { "If-Match": body.etag })).status).toBe(412);
    const { etag } = (await caller.get("somebody")).body;
    expect((await caller.patch("somebody", {}, { "If-Match": etag })).status).toBe(200);
    expect((await caller.delete("somebody", { "If-Match": etag })).status).toBe(202);
  });

  test("ARM-101: of writers that read, change and write under a condition, each change is kept", async () => {
    await caller.created("counted");
    let lost = 0;
    /** Adds one tag to those there are, however often others were faster. */
    const add = async (tag: string): Promise<void> => {
      for (;;) {
        const { body } = await caller.get("counted");
        const answer = await caller.patch(
          "counted",
          { tags: { ...body.tags, [tag]: "1" } },
          { "If-Match": body.etag },
        );
        if (answer.status === 200) return;
        expect([409, 412]).toContain(answer.status);
        lost += 1;
      }
    };
    const tags = Array.from({ length: 8 }, (_, index) => `t${index}`);
    await Promise.all(tags.map(add));
    const { body } = await caller.get("counted");
    expect(Object.keys(body.tags).toSorted()).toEqual(tags);
    expect(lost).toBeGreaterThan(0);
  });

  test("ARM-101: writes of every kind at once end in a state that one of them asked for, none in 5xx", async () => {
    await caller.created("torn");
    const calls: readonly (() => Promise<RpResponse>)[] = [
      async () => caller.put("torn", smallest),
      async () => caller.patch("torn", { tags: { a: "1" } }),
      async () => caller.patch("torn", scale(5)),
      async () => caller.delete("torn"),
      async () => caller.get("torn"),
      async () => caller.list(),
    ];
    const answers = await Promise.all([...calls, ...calls, ...calls].map(async (call) => call()));
    // the harness refuses every 5xx
    for (const { status } of answers) expect([200, 201, 202, 204, 404, 409, 412]).toContain(status);
    const started = answers.filter((answer) => isAsync(answer) && answer.status !== 409);
    const ends = await Promise.all(started.map(async (answer) => caller.ended(answer)));
    for (const { body } of ends) expect(["Succeeded", "Canceled"]).toContain(body.status);
    const last = await caller.get("torn");
    if (last.status === 200) expect(last.body.properties.provisioningState).toBe("Succeeded");
    else expect(last.status).toBe(404);
  });
});
