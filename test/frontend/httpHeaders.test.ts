/** Headers that every answer has, and health, over HTTP. */
import { TestClock } from "../runtime/testClock.ts";
import { expect, test } from "vitest";
import { pinoLog } from "../../src/runtime/pinoLog.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { clusterPath, pullSecret, pullSecretValue, smallestBody, StartedRp } from "./startedRp.ts";

test("ARM-18, ARM-19: every answer has a request id of its own; the caller's is echoed if it asks", async () => {
  await using rp = await StartedRp.start();
  const asked = {
    "x-ms-client-request-id": "mine",
    "x-ms-request-id": "taken",
    "x-ms-correlation-request-id": "same",
    "x-ms-return-client-request-id": "TRUE",
  };
  const ids = new Set<string | null>();
  for (const path of [clusterPath("x"), "/none", `${clusterPath("x")}/%ZZ`, "/healthz/live"]) {
    const answer = await rp.get(path, { headers: asked });
    expect(answer.headers.get("x-ms-client-request-id")).toBe("mine");
    ids.add(answer.headers.get("x-ms-request-id"));
  }
  expect(ids.size).toBe(4);
  expect(ids).not.toContain("taken");
  const quiet = await rp.get(clusterPath("x"), { headers: { "x-ms-client-request-id": "mine" } });
  expect(quiet.headers.get("x-ms-client-request-id")).toBeNull();
});

test("seed B9, ARM-20, ARM-105: the log has a line for each request with its ids and status, and no secret or person", async () => {
  const lines: string[] = [];
  const log = pinoLog({
    level: "debug",
    clock: systemClock,
    readable: false,
    sink: { write: (line) => lines.push(line) },
  });
  {
    await using rp = await StartedRp.start({ workers: true, log });
    const headers = {
      "x-ms-client-request-id": "client-1",
      "x-ms-correlation-request-id": "correlation-1",
      "x-ms-arm-resource-system-data": JSON.stringify({ createdBy: "person@example.com" }),
      "x-ms-client-principal-name": "person@example.com",
    };
    await rp.put(clusterPath("logged"), smallestBody, { headers });
    await rp.settled("logged");
    const credentials = await rp.get(`${clusterPath("logged")}/credentials`);
    await rp.send("PUT", `${clusterPath("logged")}?api-version=2019-12-31-preview`, {
      rawBody: `{"properties":{"pullSecret":"${pullSecret}"`,
    });
    await rp.put(clusterPath("logged"), {
      location: "eastus",
      properties: { pullSecret: `${pullSecret}x`, [pullSecretValue.slice(0, 10)]: 1 },
    });
    await rp.delete(clusterPath("logged"));
    await rp.until(clusterPath("logged"), ({ status }) => status === 404);
    for (const secret of [
      pullSecret.slice(0, 40),
      pullSecretValue,
      credentials.body.kubeadminPassword,
      "person@example.com",
      "PRIVATE KEY",
    ]) {
      expect(lines.join("")).not.toContain(secret);
    }
  }
  const records = lines.map((line) => JSON.parse(line));
  const put = records.find(({ method, status }) => method === "PUT" && status === 201);
  expect(put).toMatchObject({
    requestId: expect.any(String),
    correlationId: "correlation-1",
    clientRequestId: "client-1",
    operationId: expect.any(String),
    resourceId: expect.stringContaining("/OpenShiftClusters/logged"),
    durationMs: expect.any(Number),
  });
  expect(
    records.filter(({ method }) => method !== undefined).every(({ status }) => status >= 200),
  ).toBe(true);
  const steps = records.filter(
    ({ step, operationId }) => step !== undefined && operationId === put.operationId,
  );
  expect(steps.length).toBeGreaterThan(5);
  expect(
    steps.every(
      ({ correlationId, requestId }) =>
        correlationId === "correlation-1" && requestId === put.requestId,
    ),
  ).toBe(true);
});

test("seed 28, ARM-118: ready is 200 while what the process depends on answers, else 503; live is 200", async () => {
  let down = false;
  const clock = new TestClock();
  await using rp = await StartedRp.start({
    clock,
    checks: [
      {
        name: "database",
        check: async () => {
          if (down) throw new Error("host db-7 refused the connection");
        },
      },
    ],
  });
  expect((await rp.get("/healthz/ready")).status).toBe(200);
  expect((await rp.get("/healthz/live")).status).toBe(200);
  down = true;
  clock.skip(1_000);
  const unready = await rp.get("/healthz/ready");
  expect(unready.status).toBe(503);
  expect(unready.text).not.toMatch(/db-7|database/);
  expect((await rp.get("/healthz/live")).status).toBe(200);
  expect((await rp.send("POST", "/healthz/ready")).status).toBe(405);
});

test("seed 29, B7: there is no profiler on the port", async () => {
  await using rp = await StartedRp.start();
  for (const path of ["/debug/pprof/", "/debug/pprof/cmdline", "/metrics", "/health"]) {
    expect((await rp.get(path)).status).toBe(404);
  }
});

test("ARM-114 to ARM-116: the provider's operations", async () => {
  await using rp = await StartedRp.start();
  const { status, body } = await rp.get("/providers/redhat.openshift/operations");
  expect(status).toBe(200);
  const names = body.value.map(({ name }: { name: string }) => name);
  expect(names).toEqual(
    expect.arrayContaining(
      [
        "register/action",
        "OpenShiftClusters/read",
        "OpenShiftClusters/write",
        "OpenShiftClusters/delete",
        "OpenShiftClusters/listCredentials/action",
        "operations/read",
        "locations/operationStatuses/read",
        "locations/operationResults/read",
      ].map((name) => `RedHat.OpenShift/${name}`),
    ),
  );
  for (const { name, isDataAction, display } of body.value) {
    expect(name).toMatch(
      /^RedHat\.OpenShift\/([\w]+\/)+(read|write|delete|action)$|register\/action$/,
    );
    expect(isDataAction).toBe(false);
    for (const part of ["provider", "resource", "operation", "description"]) {
      expect(display[part]).toBeTruthy();
    }
  }
});
