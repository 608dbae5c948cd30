/** What may be done to a cluster on which an operation runs, over HTTP; nobody works on it here, so it stays so. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterPath, smallestBody, StartedRp, subscriptionId } from "./startedRp.ts";

let rp: StartedRp;
beforeAll(async () => {
  rp = await StartedRp.start();
});
afterAll(async () => rp[Symbol.asyncDispose]());

function operationId(header: string | null): string {
  return new URL(header ?? "").pathname.split("/").at(-1) ?? "";
}

test("seed C3, ARM-44, decision 5: PUT and PATCH are refused with 409 and the way to the running operation", async () => {
  const created = await rp.put(clusterPath("busy"), smallestBody);
  const running = operationId(created.headers.get("azure-asyncoperation"));
  for (const answer of [
    await rp.put(clusterPath("busy"), smallestBody),
    await rp.patch(clusterPath("busy"), { tags: { a: "1" } }),
  ]) {
    expect(answer.status).toBe(409);
    expect(answer.body.error.code).toBe("Conflict");
    expect(answer.body.error.message).toContain(running);
    expect(answer.headers.get("retry-after")).toBe("1");
  }
  expect((await rp.get(clusterPath("busy"))).body).toEqual(created.body);
});

test("ARM-72: there are no credentials yet", async () => {
  await rp.put(clusterPath("bare"), smallestBody);
  const answer = await rp.get(`${clusterPath("bare")}/credentials`);
  expect(answer.status).toBe(409);
});

test("ARM-78, ARM-80, ARM-82, decision 12: the status of a running operation says when to ask again", async () => {
  const created = await rp.put(clusterPath("status"), smallestBody);
  const link = created.headers.get("azure-asyncoperation") ?? "";
  const status = await rp.get(link);
  expect(status.status).toBe(200);
  expect(status.headers.get("retry-after")).toBe("1");
  expect(status.body).toMatchObject({
    id: new URL(link).pathname,
    name: operationId(link),
    status: "InProgress",
    percentComplete: 0,
  });
  expect(status.body).not.toHaveProperty("endTime");
  const result = await rp.get(link.replace("operationStatuses", "operationResults"));
  expect(result.status).toBe(202);
  expect(result.headers.get("location")).toContain("/operationResults/");
});

test("ARM-68, ARM-69: DELETE wins over a running create; a second one joins the first", async () => {
  const created = await rp.put(clusterPath("won"), smallestBody);
  const createLink = created.headers.get("azure-asyncoperation") ?? "";
  const deleted = await rp.delete(clusterPath("won"));
  expect(deleted.status).toBe(202);
  expect((await rp.get(clusterPath("won"))).body.properties.provisioningState).toBe("Deleting");
  const canceled = await rp.get(createLink);
  expect(canceled.body).toMatchObject({
    status: "Canceled",
    error: { code: "OperationCanceled" },
  });
  expect(canceled.body.endTime).toBeTruthy();
  const result = await rp.get(createLink.replace("operationStatuses", "operationResults"));
  expect(result.status).toBe(409);
  expect(result.body.error.code).toBe("OperationCanceled");

  const again = await rp.delete(clusterPath("won"));
  expect(again.status).toBe(202);
  expect(again.headers.get("location")).toBe(deleted.headers.get("location"));
  expect((await rp.put(clusterPath("won"), smallestBody)).status).toBe(409);
  expect((await rp.get(`${clusterPath("won")}/credentials`)).status).toBe(409);
});

test("ARM-69: 20 DELETEs at once start one deletion", async () => {
  await rp.put(clusterPath("crowd"), smallestBody);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => rp.delete(clusterPath("crowd"))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(({ headers }) => headers.get("location"))).size).toBe(1);
});

test("B3, ARM-02: an upper-case subscription id with a new name is a cluster like any other", async () => {
  const path = clusterPath("upper", { subscription: "ABCDEF00-0000-4000-8000-000000000003" });
  expect((await rp.put(path, smallestBody)).status).toBe(201);
  expect((await rp.get(path.toLowerCase().replace("upper", "UPPER"))).status).toBe(200);
});

test("ARM-85: an operation is not found through another subscription, location, or a made-up id", async () => {
  const created = await rp.put(clusterPath("bound"), smallestBody);
  const link = created.headers.get("azure-asyncoperation") ?? "";
  for (const other of [
    link.replace(subscriptionId, "00000000-0000-4000-8000-000000000009"),
    link.replace("/eastus/", "/westus/"),
    link.replace(operationId(link), "00000000-0000-4000-8000-000000000000"),
    link.replace(operationId(link), "no-guid"),
  ]) {
    expect((await rp.get(other)).status).toBe(404);
  }
});

test("ARM-76, decision 16: links are built on the origin of the Referer, never on its path", async () => {
  const answer = await rp.put(clusterPath("referred"), smallestBody, {
    headers: { Referer: "https://management.azure.com/subscriptions/x?secret=1" },
  });
  expect(answer.headers.get("azure-asyncoperation")).toMatch(
    /^https:\/\/management\.azure\.com\/subscriptions\/0/,
  );
  expect(answer.headers.get("azure-asyncoperation")).not.toContain("secret");
  for (const referer of ["file:///etc/passwd", "not a url", "javascript:alert(1)"]) {
    const status = await rp.get(clusterPath("referred"), { headers: { Referer: referer } });
    expect(status.status).toBe(200);
  }
});
