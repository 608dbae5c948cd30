/** The program as a whole tells what it does, and keeps to the limit of operations: nothing is left unconnected. */
import { expect, test } from "vitest";
import { clusterUrl, deleteCluster, putCluster } from "./clusterCalls.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

const patiently = { timeout: 120_000, interval: 200 };

test("a process tells of its requests, its work and the fleet, and limits what is under way", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    ADMIN_PORT: "0",
    LOCAL_INSTALL_SECONDS: "0",
    OPERATIONS_LIMIT: "1",
  });
  const start = rp.log.find((line) => line["adminUrl"] !== undefined);
  const told = async (): Promise<ReadonlyMap<string, number>> => {
    const text = await (await fetch(`${String(start?.["adminUrl"])}/metrics`)).text();
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      series.map((line) => {
        const at = line.lastIndexOf(" ");
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  };
  // until there is a publication, nobody is refused
  await expect.poll(async () => (await told()).get("rp_queue_messages"), patiently).toBe(0);
  expect(await putCluster(rp, "a")).toBe(201);
  expect(await putCluster(rp, "b")).toBe(503);
  expect((await fetch(clusterUrl(rp, "a"))).status).toBe(200);
  expect((await deleteCluster(rp, "a")).status).toBe(202);
  const deleted = 'rp_operations_ended_total{kind="delete",outcome="succeeded",code="none"}';
  await expect.poll(async () => (await told()).get(deleted), patiently).toBe(1);
  // the next publication tells that nothing is under way
  await expect.poll(async () => putCluster(rp, "b"), patiently).toBe(201);

  const series = await told();
  const count = (metric: string, labels: string): number | undefined =>
    series.get(`${metric}{${labels}}`);
  const created = 'operation="OpenShiftClusters_CreateOrUpdate",api_version="2019-12-31-preview"';
  expect(count("rp_http_request_duration_seconds_count", `${created},status_class="2xx"`)).toBe(2);
  expect(series.get("rp_operations_refused_total")).toBeGreaterThanOrEqual(1);
  expect(series.get("rp_operations_limit")).toBe(1);
  expect(series.get("rp_forwarder_lease_held")).toBe(1);
  expect(series.get("rp_messages_sent_total")).toBeGreaterThanOrEqual(2);
  expect(count("rp_claims_total", 'attempt="first"')).toBeGreaterThanOrEqual(1);
  expect(
    count("rp_store_call_duration_seconds_count", 'method="commit",outcome="ok"'),
  ).toBeGreaterThan(2);
  expect(
    count("rp_queue_call_duration_seconds_count", 'method="send",outcome="ok"'),
  ).toBeGreaterThan(1);
  expect(series.get("rp_log_lines_dropped_total")).toBe(0);
  expect(series.get("rp_http_requests_in_flight")).toBe(0);
});
