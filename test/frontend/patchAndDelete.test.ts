/** PATCH and DELETE of a cluster at rest, and what its operations leave behind, over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { TerminalError } from "../../src/model/rpError.ts";
import type { Installer, Phase } from "../../src/installers/installer.ts";
import { clusterPath, smallestBody, StartedRp } from "./startedRp.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start({ workers: true });
});
afterAll(async () => rp[Symbol.asyncDispose]());

async function terminal(started: StartedRp, link: string | null) {
  return started.until(link ?? "", ({ body }) => body.status !== "InProgress");
}

test("seed C4, ARM-49, ARM-99: PATCH of a missing cluster is 404, also with If-Match", async () => {
  for (const headers of [{}, { "If-Match": "*" }, { "If-Match": '"x"' }]) {
    const answer = await rp.patch(clusterPath("none"), smallestBody, { headers });
    expect(answer.status).toBe(404);
    expect(answer.body.error.code).toBe("ResourceNotFound");
  }
  expect((await rp.get(clusterPath("none"))).status).toBe(404);
});

test("seed C19, ARM-53, decision 6, 7: the scale call is an operation of its own", async () => {
  await rp.created("scale");
  const answer = await rp.patch(clusterPath("scale"), {
    properties: { workerProfiles: [{ name: "worker", count: 4 }] },
  });
  expect(answer.status).toBe(202);
  const status = await terminal(rp, answer.headers.get("azure-asyncoperation"));
  expect(status.body).toMatchObject({ status: "Succeeded", percentComplete: 100 });
  const cluster = await rp.get(clusterPath("scale"));
  expect(cluster.body.properties.provisioningState).toBe("Succeeded");
  expect(cluster.body.properties.workerProfiles).toEqual([
    { name: "worker", vmSize: "Standard_D2s_v3", diskSizeGB: 128, count: 4 },
  ]);
  const result = await rp.get(answer.headers.get("location") ?? "");
  expect(result.status).toBe(200);
  expect(result.body).toEqual(cluster.body);
});

test("ARM-46, ARM-53: tags are replaced as a whole, at once", async () => {
  await rp.created("tagged", { ...smallestBody, tags: { a: "1", b: "2" } });
  const changed = await rp.patch(clusterPath("tagged"), { tags: { c: "3" } });
  expect(changed.status).toBe(200);
  expect(changed.body.tags).toEqual({ c: "3" });
  expect(changed.body.properties.provisioningState).toBe("Succeeded");
  const kept = await rp.patch(clusterPath("tagged"), {});
  expect(kept.status).toBe(200);
  expect(kept.body).toEqual(changed.body);
  const cleared = await rp.patch(clusterPath("tagged"), { tags: null });
  expect(cleared.status).toBe(200);
  expect(cleared.body).not.toHaveProperty("tags");
});

test("ARM-101: parallel PATCHes of tags lose none that was accepted", async () => {
  await rp.created("lost");
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, index) =>
      rp.patch(clusterPath("lost"), { tags: { last: String(index) } }),
    ),
  );
  expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
  const etags = answers.filter(({ status }) => status === 200).map(({ body }) => body.etag);
  expect(etags).toContain((await rp.get(clusterPath("lost"))).body.etag);
  expect(new Set(etags).size).toBe(etags.length);
});

test("ARM-97 to ARM-99: preconditions are judged on the entity tag", async () => {
  const { body } = await rp.created("tag");
  const path = clusterPath("tag");
  const headers = { "If-Match": '"other"' };
  expect((await rp.put(path, smallestBody, { headers })).status).toBe(412);
  expect((await rp.patch(path, {}, { headers })).status).toBe(412);
  expect((await rp.delete(path, { headers })).status).toBe(412);
  const onlyIfNew = await rp.put(path, smallestBody, { headers: { "If-None-Match": "*" } });
  expect(onlyIfNew.status).toBe(412);
  // nobody gave an entity tag
  expect(onlyIfNew.body.error.message).toBe(
    "The condition of If-None-Match does not hold: the cluster exists already, and 'If-None-Match: *' only creates.",
  );
  expect((await rp.put(path, smallestBody, { headers: { "If-Match": body.etag } })).status).toBe(
    200,
  );
  expect(
    (await rp.put(clusterPath("tagless"), smallestBody, { headers: { "If-Match": "*" } })).status,
  ).toBe(412);
  expect((await rp.delete(clusterPath("tagless"), { headers })).status).toBe(204);
  // If-Match compares strongly, If-None-Match weakly
  const weak = `W/${body.etag}`;
  expect((await rp.put(path, smallestBody, { headers: { "If-Match": weak } })).status).toBe(412);
  const unlessWeak = await rp.put(path, smallestBody, { headers: { "If-None-Match": weak } });
  expect(unlessWeak.status).toBe(412);
  expect(unlessWeak.body.error.message).toContain("the cluster exists with this entity tag");
  expect((await rp.delete(path, { headers: { "If-Match": "*" } })).status).toBe(202);
});

test("ARM-65 to ARM-67: DELETE is 202, then 404, then 204; its record outlives the cluster; a new one has no leftovers", async () => {
  await rp.created("gone", { ...smallestBody, tags: { old: "1" } });
  const deleted = await rp.delete(clusterPath("gone"));
  expect(deleted.status).toBe(202);
  const status = await terminal(rp, deleted.headers.get("azure-asyncoperation"));
  expect(status.body.status).toBe("Succeeded");
  expect((await rp.get(clusterPath("gone"))).status).toBe(404);
  expect((await rp.delete(clusterPath("gone"))).status).toBe(204);
  expect((await rp.get(deleted.headers.get("location") ?? "")).status).toBe(204);
  const recreated = await rp.created("gone");
  expect(recreated.body).not.toHaveProperty("tags");
  expect(recreated.body.properties.provisioningState).toBe("Succeeded");
});

test("the result of an operation is never a later cluster of the same name", async () => {
  await rp.created("twice");
  const scaled = await rp.patch(clusterPath("twice"), {
    properties: { workerProfiles: [{ name: "worker", count: 4 }] },
  });
  const link = scaled.headers.get("location") ?? "";
  await terminal(rp, scaled.headers.get("azure-asyncoperation"));
  expect((await rp.get(link)).status).toBe(200);
  const deleted = await rp.delete(clusterPath("twice"));
  await terminal(rp, deleted.headers.get("azure-asyncoperation"));
  expect((await rp.get(link)).status).toBe(404);
  await rp.created("twice");
  expect((await rp.get(link)).status).toBe(404);
});

test("no polling interval is in the way of a create, an update or a delete", async () => {
  // who waits for a poll here waits for an hour
  await using unpolled = await StartedRp.start({ workers: true, intervalMs: 3_600_000 });
  expect((await unpolled.created("quick")).body.properties.provisioningState).toBe("Succeeded");
  const scaled = await unpolled.patch(clusterPath("quick"), {
    properties: { workerProfiles: [{ name: "worker", count: 5 }] },
  });
  const status = await terminal(unpolled, scaled.headers.get("azure-asyncoperation"));
  expect(status.body.status).toBe("Succeeded");
  const deleted = await unpolled.delete(clusterPath("quick"));
  const gone = await terminal(unpolled, deleted.headers.get("azure-asyncoperation"));
  expect(gone.body.status).toBe("Succeeded");
});

test("ARM-73: listCredentials takes no body or an empty object, and nothing else", async () => {
  await rp.created("action");
  const path = `${clusterPath("action")}/listCredentials?api-version=2019-12-31-preview`;
  for (const request of [{}, { body: {} }]) {
    expect((await rp.send("POST", path, request)).status).toBe(200);
  }
  for (const rawBody of ["[]", "null", '{"a":1}', "{", '""']) {
    const answer = await rp.send("POST", path, { rawBody });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("InvalidRequestContent");
  }
});

/** Steps that end for good on demand. */
function failingInstaller(fails: () => boolean): Installer {
  const phase = (name: string): Phase => ({
    name: "Only",
    steps: [
      {
        name,
        deadlineMs: 60_000,
        run: async () => {
          if (fails()) {
            throw new TerminalError({
              code: "InstallationFailed",
              message: "the quota of the region is used up",
            });
          }
          return { done: true };
        },
      },
    ],
  });
  return {
    name: "failing",
    phases: { create: [phase("Create")], update: [phase("Update")], delete: [phase("Delete")] },
  };
}

test("seed 13, 20, C16, ARM-43, ARM-83, ARM-91: a failed operation says why, and the cluster can be put, patched and deleted", async () => {
  let fails = true;
  await using failing = await StartedRp.start({
    workers: true,
    installer: failingInstaller(() => fails),
  });
  const path = clusterPath("bad");
  const created = await failing.put(path, smallestBody);
  const link = created.headers.get("azure-asyncoperation");
  const status = await terminal(failing, link);
  expect(status.body).toMatchObject({ status: "Failed", error: { code: "InstallationFailed" } });
  expect(status.body.error.message).toContain("the quota of the region is used up");
  expect((await failing.get(path)).body.properties.provisioningState).toBe("Failed");
  const result = await failing.get((link ?? "").replace("operationStatuses", "operationResults"));
  expect(result.status).toBe(409);
  expect(result.body.error).toEqual(status.body.error);

  fails = false;
  const again = await failing.put(path, smallestBody);
  expect(again.status).toBe(200);
  expect((await terminal(failing, again.headers.get("azure-asyncoperation"))).body.status).toBe(
    "Succeeded",
  );

  fails = true;
  const scaled = await failing.patch(path, {
    properties: { workerProfiles: [{ name: "worker", count: 7 }] },
  });
  expect((await terminal(failing, scaled.headers.get("azure-asyncoperation"))).body.status).toBe(
    "Failed",
  );
  const after = await failing.get(path);
  expect(after.body.properties.provisioningState).toBe("Failed");
  expect(after.body.properties.workerProfiles[0].count).toBe(3);

  const undeleted = await failing.delete(path);
  expect((await terminal(failing, undeleted.headers.get("azure-asyncoperation"))).body.status).toBe(
    "Failed",
  );
  fails = false;
  const deleted = await failing.delete(path);
  expect(deleted.status).toBe(202);
  expect((await terminal(failing, deleted.headers.get("azure-asyncoperation"))).body.status).toBe(
    "Succeeded",
  );
  expect((await failing.get(path)).status).toBe(404);
});
