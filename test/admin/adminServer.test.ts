/** The listener of operators: metrics in the form of Prometheus, whether the process is well, and what it refuses. */
import { expect, onTestFinished, test } from "vitest";
import type { Authenticator } from "../../src/listener/authenticator.ts";
import { RpError } from "../../src/model/rpError.ts";
import { adminPath, StartedAdmin, type AdminOptions } from "./startedAdmin.ts";
import { TestClock } from "../runtime/testClock.ts";
import { RawConnection } from "../listener/rawConnection.ts";

async function open(options: AdminOptions = {}) {
  const admin = await StartedAdmin.start(options);
  onTestFinished(async () => admin[Symbol.asyncDispose]());
  const lines = async (name: string): Promise<readonly string[]> => {
    const response = await fetch(`${admin.url}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    return (await response.text()).split("\n").filter((line) => line.startsWith(name));
  };
  return { admin, metrics: admin.metrics, lines };
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
    'rp_step_duration_seconds_sum{kind="create",step="Dns",outcome="done"} 0.5',
  ]);

  metrics.charged({ operation: "read", requestUnits: 1 });
  metrics.charged({ operation: "read", requestUnits: 1.5 });
  expect(await lines("rp_store_request_units_total{")).toEqual([
    'rp_store_request_units_total{method="read"} 2.5',
  ]);

  let busy = 1;
  metrics.workers(100, () => busy);
  expect(await lines("rp_worker")).toEqual(["rp_worker_slots 100", "rp_workers_busy 1"]);
  busy = 7;
  expect(await lines("rp_workers_busy")).toEqual(["rp_workers_busy 7"]);
});

test("it is ready while what it depends on answers and it takes work, and alive in any case", async () => {
  let isThere = true;
  let isDrained = false;
  const clock = new TestClock();
  const { admin } = await open({
    clock,
    check: async () => {
      if (!isThere) throw new Error("secret internals");
    },
    stopping: () => isDrained,
  });
  const ready = async (): Promise<unknown> => {
    const answers = [];
    for (const path of ["/healthz", "/healthz/ready"]) {
      clock.skip(1_000);
      const { status, body } = await admin.get(path);
      answers.push([status, body.status ?? body.error.message]);
    }
    expect(answers[0]).toEqual(answers[1]);
    return answers[0];
  };
  expect(await ready()).toEqual([200, "ready"]);
  isThere = false;
  expect(await ready()).toEqual([503, "The process is not ready."]);
  isThere = true;
  isDrained = true;
  expect(await ready()).toEqual([503, "The process is not ready."]);
  expect((await admin.get("/healthz/live")).body).toEqual({ status: "live" });
});

test("what isn't there is answered in ARM's form, and no page but its own is", async () => {
  const { admin } = await open();
  const answers: readonly (readonly [string, string, number])[] = [
    ["GET", "/", 404],
    ["GET", "/nothing", 404],
    ["GET", "/docs", 404],
    ["GET", "/admin/v2/clusters", 404],
    ["GET", "/admin/v1/clusters/more", 404],
    ["GET", "/admin/v1/%zz", 400],
    ["POST", "/metrics", 405],
    ["DELETE", "/healthz/live", 405],
    ["DELETE", "/admin/v1/clusters", 405],
    ["PUT", adminPath("c"), 405],
    ["GET", `${adminPath("c")}/retry`, 405],
    ["GET", "/admin/v1/process/drain", 405],
    ["OPTIONS", "/admin/v1/process/drain", 405],
    ["GET", "/admin/v1/subscriptions/none", 400],
    ["GET", "/admin/v1/subscriptions/none/operations/none", 400],
    ["GET", adminPath("c", { group: "a/b" }), 400],
    ["GET", adminPath("-c-"), 400],
    ["GET", adminPath("c").replace("RedHat", "BlueHat"), 404],
  ];
  for (const [method, path, status] of answers) {
    const answer = await admin.send(method, path);
    expect([method, path, answer.status]).toEqual([method, path, status]);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    if (status === 405) expect(answer.headers.get("allow")).toBeTruthy();
  }
});

test("no web page can make it act: a request that a browser sends unasked is refused before anything", async () => {
  let drained = 0;
  const { admin } = await open({
    process: {
      status: () => ({ state: "working", pid: 1, version: "0", roles: [], workersBusy: 0 }),
      drain: () => (drained += 1),
      undrain: () => true,
    },
  });
  const drain = "/admin/v1/process/drain";
  const unasked: readonly RequestInit[] = [
    {},
    { body: "" },
    { body: "{}", headers: { "Content-Type": "text/plain" } },
    { body: "a=b", headers: { "Content-Type": "application/x-www-form-urlencoded" } },
    { body: "{}", headers: { "Content-Type": "multipart/form-data; boundary=x" } },
    { body: "{}", headers: { "Content-Type": "text/plain; x=application/json" } },
  ];
  for (const init of unasked) {
    const { status } = await admin.send("POST", drain, init);
    expect([400, 415]).toContain(status);
  }
  // asking whether it may is no way in either
  const preflight = await admin.send("OPTIONS", drain, {
    headers: { Origin: "http://evil.example", "Access-Control-Request-Method": "POST" },
  });
  expect(preflight.status).toBe(405);
  expect(drained).toBe(0);
  expect((await admin.post(drain)).status).toBe(202);
  expect(drained).toBe(1);
});

test("bodies that are none, too large, too deep or not in the contract are refused", async () => {
  const { admin } = await open();
  const json = { "Content-Type": "application/json" };
  const deep = `${'{"a":'.repeat(100)}1${"}".repeat(100)}`;
  const bodies: readonly (readonly [string, number])[] = [
    ["[]", 400],
    ["null", 400],
    ["{", 400],
    ["", 400],
    ['{"force":true}', 400],
    ['{"__proto__":{}}', 400],
    [deep, 400],
    [`{"a":"${"x".repeat(5_000)}"}`, 413],
  ];
  for (const [body, expected] of bodies) {
    const { status } = await admin.send("POST", "/admin/v1/process/drain", { body, headers: json });
    expect([body.slice(0, 20), status]).toEqual([body.slice(0, 20), expected]);
  }
});

test("who may not call is refused before its path is looked at or its body read", async () => {
  const authenticator: Authenticator = {
    judge: ({ headers: { authorization } }) =>
      authorization === "me"
        ? { caller: { isAuthenticated: true, subject: "CN=me" } }
        : { refusal: new RpError({ code: "Forbidden", message: "not for you" }), reason: "none" },
  };
  const { admin } = await open({ authenticator });
  for (const path of ["/metrics", "/admin/v1/clusters", "/none", "/%zz"]) {
    expect((await admin.get(path)).body.error.message).toBe("not for you");
  }
  const headers = { Authorization: "me" };
  expect((await admin.send("GET", "/admin/v1/clusters", { headers })).status).toBe(200);
  expect(admin.lines).toContainEqual(expect.objectContaining({ audit: true, actor: "CN=me" }));
  // yes or no, for machines that have no certificate
  expect((await admin.get("/healthz/ready")).status).toBe(200);
});

test("a target of another form than a path is taken for its path, without a warning of Node", async () => {
  const { admin } = await open();
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  for (const [target, status] of [
    ["http://[::1]:99999x/healthz/live", 200],
    ["//user@host:99999//healthz/live#x", 404],
    ["http://", 404],
    ["*", 404],
  ] as const) {
    const caller = await RawConnection.open(admin.url);
    caller.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await caller.closed();
    expect([target, caller.statuses]).toEqual([target, [status]]);
  }
  expect(warnings).toEqual([]);
});
