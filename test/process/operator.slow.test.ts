/** The real program in the hands of an operator: a cluster that failed is found, tried again and succeeds. */
import { expect, test } from "vitest";
import { putCluster, untilState } from "./clusterCalls.ts";
import { Operator } from "./operator.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

test("an operator finds a cluster that failed, and why; tries it again, and sees it succeed", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0", ADMIN_PORT: "0" };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  expect(await putCluster(web, "unlucky")).toBe(201);
  const broken = { ...settings, ROLES: "forwarder,backend", LOCAL_FAILING_STEP: "CopyImage" };
  await using failing = await RpProcess.start(broken);
  await untilState(web, "unlucky", "Failed");
  failing.kill("SIGTERM");
  await failing.exit();

  // any process will do, also one without a frontend
  await using work = await RpProcess.start({ ...settings, ROLES: "forwarder,backend" });
  const operator = new Operator(work);
  const { body: list } = await operator.get("/admin/v1/clusters");
  expect(list.value).toEqual([
    expect.objectContaining({
      provisioningState: "Failed",
      operation: expect.objectContaining({ kind: "create" }),
      lastError: {
        code: "InstallationFailed",
        message: "Step CopyImage failed: The setting LOCAL_FAILING_STEP names it.",
      },
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
  // the log comes by another way than the answers
  await expect
    .poll(() => operator.audited)
    .toEqual([
      ["Clusters_List", 200, "loopback", "info"],
      ["Clusters_Get", 200, "loopback", "info"],
      ["Clusters_Retry", 202, "loopback", "info"],
      ["Clusters_List", 200, "loopback", "info"],
      ["Clusters_Retry", 409, "loopback", "info"],
      ["Clusters_Redrive", 409, "loopback", "info"],
    ]);
});
