/** What an operator gets from the listener of its own: metrics in the form of Prometheus, and whether the process is well. */
import { expect, onTestFinished, test } from "vitest";
import { AdminServer } from "../../src/admin/adminServer.ts";
import { loopbackCallers } from "../../src/listener/loopbackCallers.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { Metrics } from "../../src/runtime/metrics.ts";

async function open(check: () => Promise<void> = async () => {}) {
  const metrics = new Metrics();
  const server = await AdminServer.listen({
    authenticator: loopbackCallers,
    host: "127.0.0.1",
    port: 0,
    metrics,
    check,
    log: silentLog,
  });
  onTestFinished(async () => server.stop());
  const lines = async (name: string): Promise<readonly string[]> => {
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    return (await response.text()).split("\n").filter((line) => line.startsWith(name));
  };
  return { server, metrics, lines };
}

test("what was counted is told, by labels of closed sets", async () => {
  const { metrics, lines } = await open();
  const known = { operation: "OpenShiftClusters_Get", apiVersion: "2020-04-30", durationMs: 3 };
  metrics.answered({ ...known, status: 200 });
  metrics.answered({ ...known, status: 201 });
  metrics.answered({ status: 404, durationMs: 1 });
  metrics.answered({ status: 0, durationMs: 1 });
  expect(await lines("rp_http_request_duration_seconds_count")).toEqual([
    'rp_http_request_duration_seconds_count{operation="OpenShiftClusters_Get",api_version="2020-04-30",status_class="2xx"} 2',
    'rp_http_request_duration_seconds_count{operation="none",api_version="none",status_class="4xx"} 1',
    'rp_http_request_duration_seconds_count{operation="none",api_version="none",status_class="none"} 1',
  ]);
  expect(await lines("rp_http_request_duration_seconds_sum")).toContain(
    'rp_http_request_duration_seconds_sum{operation="OpenShiftClusters_Get",api_version="2020-04-30",status_class="2xx"} 0.006',
  );

  metrics.stepEnded({ operationKind: "create", step: "Dns", outcome: "done", durationMs: 500 });
  expect(await lines("rp_step_duration_seconds_sum")).toEqual([
    'rp_step_duration_seconds_sum{operation_kind="create",step="Dns",outcome="done"} 0.5',
  ]);

  metrics.charged({ operation: "read", requestUnits: 1 });
  metrics.charged({ operation: "read", requestUnits: 1.5 });
  expect(await lines("rp_store_request_units_total{")).toEqual([
    'rp_store_request_units_total{operation="read"} 2.5',
  ]);

  let busy = 1;
  metrics.workers(100, () => busy);
  expect(await lines("rp_worker")).toEqual(["rp_worker_slots 100", "rp_workers_busy 1"]);
  busy = 7;
  expect(await lines("rp_workers_busy")).toEqual(["rp_workers_busy 7"]);
});

test("it is ready while what it depends on answers, and alive in any case", async () => {
  let isThere = true;
  const { server } = await open(async () => {
    if (!isThere) throw new Error("secret internals");
  });
  const ask = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`${server.url}/healthz/${path}`);
    return [response.status, await response.text()];
  };
  expect(await ask("ready")).toEqual([200, '{"status":"ready"}']);
  isThere = false;
  expect(await ask("ready")).toEqual([503, '{"status":"not ready"}']);
  expect(await ask("live")).toEqual([200, '{"status":"live"}']);
});

test("it takes nothing in", async () => {
  const { server } = await open();
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const response = await fetch(`${server.url}/metrics`, { method });
    expect(response.status).toBe(404);
  }
});
