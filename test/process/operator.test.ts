/** The real program in the hands of an operator: a cluster that failed is found, tried again and succeeds. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { failed } from "../../src/backend/changes.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { getCluster, putCluster, untilState } from "./clusterCalls.ts";
import { Operator } from "./operator.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

/** What a backend writes that has found out that an operation can't be done. */
async function failAll(folder: string): Promise<void> {
  await using database = await SqliteDatabase.open({ path: join(folder, "rp.sqlite") });
  const store = new SqliteStore({ database, clock: systemClock });
  for (const { key, operationId } of (await store.listUnqueued({ limit: 10 })).items) {
    const cluster = await store.read("cluster", key);
    const operation = await store.read("operation", { ...key, id: operationId });
    if (cluster === undefined || operation === undefined) throw new Error("gone");
    const error = { code: "InstallationFailed", message: "the quota is used up" } as const;
    const next = failed({ error, now: systemClock.now() })({
      cluster: cluster.document,
      operation: operation.document,
    });
    await store.commit(key.partition, [
      { replace: cluster, document: next.cluster },
      { replace: operation, document: next.operation },
    ]);
  }
}

test("an operator finds a cluster that failed, and why; tries it again, and sees it succeed", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0", ADMIN_PORT: "0" };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  expect(await putCluster(web, "unlucky")).toBe(201);
  await failAll(folder.path);
  expect((await getCluster(web, "unlucky")).state).toBe("Failed");

  // any process will do, also one without a frontend
  await using work = await RpProcess.start({ ...settings, ROLES: "forwarder,backend" });
  const operator = new Operator(work);
  const { body: list } = await operator.get("/admin/v1/clusters");
  expect(list.value).toEqual([
    expect.objectContaining({
      provisioningState: "Failed",
      operation: expect.objectContaining({ kind: "create" }),
      lastError: { code: "InstallationFailed", message: "the quota is used up" },
    }),
  ]);
  const path = `/admin/v1${list.value[0].resourceId}`;
  const { body: shown } = await operator.get(path);
  expect(shown.cluster.removed).toContain("secrets.pullSecret");
  expect((await operator.post(`${path}/retry`)).status).toBe(202);
  await untilState(web, "unlucky", "Succeeded");
  expect((await operator.get("/admin/v1/clusters")).body.value).toEqual([]);
  expect((await operator.post(`${path}/retry`)).status).toBe(409);
  expect((await operator.post(`${path}/redrive`)).status).toBe(409);
  expect(operator.audited).toEqual([
    ["Clusters_List", 200, "loopback", "info"],
    ["Clusters_Get", 200, "loopback", "info"],
    ["Clusters_Retry", 202, "loopback", "info"],
    ["Clusters_List", 200, "loopback", "info"],
    ["Clusters_Retry", 409, "loopback", "info"],
    ["Clusters_Redrive", 409, "loopback", "info"],
  ]);
});
