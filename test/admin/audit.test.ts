/** The audit log: a line for each call of the API, with who, what, on what and what came of it, that nobody can forge. */
import { request } from "node:http";
import { expect, test } from "vitest";
import type { ProcessControl } from "../../src/admin/exchange.ts";
import { StoreUnavailableError, type Store } from "../../src/store/store.ts";
import { clusterDocument, partition, subscriptionDocument } from "../store/documents.ts";
import { adminPath, StartedAdmin } from "./startedAdmin.ts";

const target = `/subscriptions/${partition}/resourceGroups/rg/providers/RedHat.OpenShift/OpenShiftClusters/c`;

test("what came of a call is told once, at the level info", async () => {
  await using admin = await StartedAdmin.start();
  const failed = { provisioningState: "Failed", unqueued: false } as const;
  await admin.store.commit(partition, [
    { create: clusterDocument("c", failed) },
    { create: subscriptionDocument(partition, { state: "Registered" }) },
  ]);
  const operationId = "11111111-2222-4333-8444-555555555555";
  const json = { headers: { "Content-Type": "application/json" } };
  const answers = [
    await admin.get("/admin/v1/clusters"),
    await admin.get(adminPath("c")),
    await admin.get(`/admin/v1/subscriptions/${partition}`),
    await admin.get(`/admin/v1/subscriptions/${partition}/operations/${operationId}`),
    await admin.post(`${adminPath("c")}/retry`),
    await admin.post(`${adminPath("c")}/retry`),
    await admin.post(`${adminPath("c")}/redrive`),
    await admin.post("/admin/v1/process/drain"),
    await admin.send("POST", "/admin/v1/process/undrain", { body: "{", ...json }),
    await admin.send("POST", "/admin/v1/process/undrain", {}),
    await admin.get("/admin/v1/process"),
    await admin.get("/admin/v1/clusters?top=none"),
  ];
  const told = admin.audited.map(({ action, target: on, status, errorCode }) => [
    action,
    on,
    status,
    errorCode,
  ]);
  expect(told).toEqual([
    ["Clusters_List", "", 200, undefined],
    ["Clusters_Get", target, 200, undefined],
    ["Subscriptions_Get", `/subscriptions/${partition}`, 200, undefined],
    ["Operations_Get", `/subscriptions/${partition}/operations/${operationId}`, 404, "NotFound"],
    ["Clusters_Retry", target, 202, undefined],
    ["Clusters_Retry", target, 409, "Conflict"],
    ["Clusters_Redrive", target, 202, undefined],
    ["Process_Drain", "", 202, undefined],
    ["Process_Undrain", "", 400, "InvalidRequestContent"],
    ["Process_Undrain", "", 400, "InvalidRequestContent"],
    ["Process_Get", "", 200, undefined],
    ["Clusters_List", "", 400, "InvalidParameter"],
  ]);
  for (const [index, line] of admin.audited.entries()) {
    expect(line).toMatchObject({ level: "info", audit: true, actor: "loopback" });
    expect(line["requestId"]).toBe(answers[index]?.headers.get("x-ms-request-id"));
  }
});

test.each(["debug", "info", "warn", "error", "silent"] as const)(
  "it is there at the level %s, where other lines are not",
  async (logLevel) => {
    await using admin = await StartedAdmin.start({ logLevel });
    await admin.get("/admin/v1/process");
    await admin.post("/admin/v1/process/drain");
    expect(admin.audited.map(({ action }) => action)).toEqual(["Process_Get", "Process_Drain"]);
    for (const line of admin.audited) {
      expect(line).toMatchObject({ level: "info", audit: true, requestId: expect.any(String) });
    }
    const isTalkative = logLevel === "debug" || logLevel === "info";
    expect(admin.lines.length > admin.audited.length + admin.intents.length).toBe(isTalkative);
  },
);

test("what changes something is told before it is done, with the same request id as what comes of it", async () => {
  const before: unknown[] = [];
  const process: ProcessControl = {
    status: () => ({ state: "draining", pid: 1, version: "0", roles: [], workersBusy: 0 }),
    drain: () => before.push(...admin.lines.filter(({ audit }) => audit === true)),
    undrain: () => false,
  };
  await using admin = await StartedAdmin.start({ process, logLevel: "error" });
  const answer = await admin.post("/admin/v1/process/drain");
  const requestId = answer.headers.get("x-ms-request-id");
  const line = { actor: "loopback", action: "Process_Drain", target: "", requestId };
  expect(before).toEqual([expect.objectContaining({ ...line, intent: true })]);
  expect(before[0]).not.toHaveProperty("status");
  expect(admin.audited).toEqual([expect.objectContaining({ ...line, status: 202 })]);
  // also of what then fails; not of what was never going to be done, nor of a look
  await admin.post("/admin/v1/process/undrain");
  await admin.send("POST", "/admin/v1/process/undrain", {});
  await admin.get("/admin/v1/process");
  expect(admin.intents.map(({ action }) => action)).toEqual(["Process_Drain", "Process_Undrain"]);
  expect(admin.audited.map(({ status }) => status)).toEqual([202, 409, 400, 200]);
});

test("probes, metrics and paths that lead nowhere are no calls of the API", async () => {
  await using admin = await StartedAdmin.start();
  await fetch(`${admin.url}/metrics`);
  for (const path of ["/healthz/ready", "/healthz/live", "/none", "/admin/v1/none"]) {
    await admin.get(path);
  }
  expect(admin.audited).toEqual([]);
  // and what machines ask for all the time fills no log
  const asked = admin.lines.filter(({ level, path }) => level === "info" && path !== undefined);
  expect(asked.map(({ path }) => String(path))).toEqual(["/none", "/admin/v1/none"]);
});

test("who was authenticated is told by name, also when the store is down", async () => {
  const fail = async (): Promise<never> => {
    throw new StoreUnavailableError("down");
  };
  await using admin = await StartedAdmin.start({
    store: { read: fail, ping: fail } as unknown as Store,
    authenticator: {
      judge: () => ({ caller: { isAuthenticated: true, subject: "CN=operator\nCN=forged" } }),
    },
  });
  expect((await admin.get(adminPath("c"))).status).toBe(503);
  expect(admin.audited).toEqual([
    expect.objectContaining({
      actor: "CN=operator?CN=forged",
      status: 503,
      errorCode: "ServiceUnavailable",
    }),
  ]);
});

test("nothing that a caller writes ends a line, hides in it or makes it endless", async () => {
  await using admin = await StartedAdmin.start();
  const odd = [
    'x","audit":true,"actor":"root',
    "x\nlevel: info audit: root",
    "x\r\n{}",
    "a\u2028b\u2029c\u0085d",
    "\u202eetirw\u202c",
    "a\u200bb\ufeff",
    "\u001b[2Kx",
    "x".repeat(20_000),
  ];
  for (const name of odd) {
    const subscription = encodeURIComponent(name);
    await admin.post(`/admin/v1/subscriptions/${subscription}/none`);
    await admin.post(`${adminPath("c", { group: name })}/retry`);
    await admin.post(`${adminPath(name)}/retry`);
    await admin.get(`/admin/v1/clusters?state=${subscription}`);
  }
  expect(admin.audited.length).toBeGreaterThan(0);
  for (const line of admin.lines) {
    const { message, target: on, actor } = line;
    if (line["audit"] !== true) continue;
    expect(`${message}${on}${actor}`).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]*$/u);
    expect(String(message).length).toBeLessThan(2_000);
    expect(actor).toBe("loopback");
  }
});

test("what was done is told also when who asked has gone away", async () => {
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>();
  await using plain = await StartedAdmin.start();
  const { store } = plain;
  const failed = { provisioningState: "Failed", unqueued: false } as const;
  await store.commit(partition, [{ create: clusterDocument("c", failed) }]);
  const commit: Store["commit"] = async (...given) => {
    isAsked();
    await goOn;
    return store.commit(...given);
  };
  const slow = new Proxy(store, {
    get(from, name: keyof Store) {
      const method = name === "commit" ? commit : from[name];
      return typeof method === "function" ? method.bind(from) : method;
    },
  });
  await using admin = await StartedAdmin.start({ store: slow });
  const call = request(`${admin.url}${adminPath("c")}/retry`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
  });
  call.on("error", () => {
    // it is we who hang up
  });
  call.end("{}");
  await asked;
  call.destroy();
  letGo();
  await expect.poll(() => admin.audited.length).toBe(1);
  expect(admin.audited[0]).toMatchObject({ action: "Clusters_Retry", target, status: 202 });
});
