/** The real program as users run it: started, asked over HTTP, stopped, killed in mid-install, started again. */
import { readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

const query = "?api-version=2019-12-31-preview";
const pullSecret = Buffer.from('{"auths":{"quay.example":{"auth":"YTpi"}}}\n').toString("base64");
const body = JSON.stringify({ location: "eastus", properties: { pullSecret } });

/** The protocol at a tenth of its usual pace, so that a takeover takes no seconds. */
const quickTakeover = {
  HEARTBEAT_SECONDS: "0.2",
  LEASE_SECONDS: "0.6",
  VISIBILITY_SECONDS: "0.8",
};

function clusterUrl(rp: RpProcess, name: string): string {
  return (
    `${rp.url}/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g` +
    `/providers/RedHat.OpenShift/OpenShiftClusters/${name}${query}`
  );
}

async function put(rp: RpProcess, name: string): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(clusterUrl(rp, name), { method: "PUT", headers, body });
}

async function get(rp: RpProcess, name: string) {
  const response = await fetch(clusterUrl(rp, name));
  const cluster = (await response.json()) as { properties?: Record<string, unknown> };
  return { status: response.status, state: cluster.properties?.["provisioningState"], cluster };
}

async function untilState(rp: RpProcess, name: string, wanted: string) {
  for (;;) {
    const answer = await get(rp, name);
    if (answer.state === wanted) return answer;
    expect(answer.state).not.toBe("Failed");
  }
}

test("the README's session: create, look, credentials, scale, delete", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0.5" });
  expect((await put(rp, "demo")).status).toBe(201);
  expect((await get(rp, "demo")).state).toBe("Updating");
  const { cluster } = await untilState(rp, "demo", "Succeeded");
  expect(cluster.properties).toMatchObject({
    apiserverURL: expect.stringMatching(/^https:\/\/api\.demo/),
    consoleURL: expect.stringMatching(/^https:\/\/console-openshift-console\./),
  });
  const credentials = await fetch(clusterUrl(rp, "demo/credentials"));
  expect(await credentials.json()).toEqual({
    kubeadminPassword: expect.stringMatching(/^(\w{5}-){3}\w{5}$/),
  });
  const scaled = await fetch(clusterUrl(rp, "demo"), {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: '{"properties":{"workerProfiles":[{"name":"worker","count":4}]}}',
  });
  expect(scaled.status).toBe(202);
  await untilState(rp, "demo", "Succeeded");
  expect((await fetch(clusterUrl(rp, "demo"), { method: "DELETE" })).status).toBe(202);
  for (;;) {
    const { status, state } = await get(rp, "demo");
    if (status === 404) break;
    expect(state).toBe("Deleting");
  }
});

test("ARM-88: killed with SIGKILL in mid-install and started again, it goes on at the step where it was", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "2", ...quickTakeover };
  const before = await RpProcess.start(settings);
  expect((await put(before, "survivor")).status).toBe(201);
  await before.logged(({ phase }) => phase === "DeployResources");
  before.kill("SIGKILL");
  expect((await before.exit()).signal).toBe("SIGKILL");

  await using after = await RpProcess.start(settings);
  expect((await get(after, "survivor")).state).toBe("Updating");
  await untilState(after, "survivor", "Succeeded");
  const phases = new Set(after.log.map(({ phase }) => phase).filter(Boolean));
  expect(phases).not.toContain("DeployStorage");
  expect(phases).toContain("RemoveBootstrap");
});

test("an accepted PUT survives a SIGKILL right after its answer", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0", ...quickTakeover };
  const before = await RpProcess.start(settings);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => put(before, `c${index}`)),
  );
  before.kill("SIGKILL");
  await before.exit();
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
  await using after = await RpProcess.start(settings);
  for (let index = 0; index < 20; index += 1) await untilState(after, `c${index}`, "Succeeded");
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "seed 26, B6: %s in mid-install ends it cleanly with 0; the next process goes on at once",
  async (signal) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "2" };
    const before = await RpProcess.start(settings);
    await put(before, "paused");
    await before.logged(({ phase }) => phase === "DeployStorage");
    const begun = performance.now();
    before.kill(signal);
    expect(await before.exit()).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(before.log.filter(({ level }) => level === "error")).toEqual([]);

    await using after = await RpProcess.start(settings);
    await untilState(after, "paused", "Succeeded");
    // leases were given back: nobody had to wait for one to run out
    expect(after.log.filter(({ level }) => level !== "info" && level !== "debug")).toEqual([]);
  },
);

test("200 clusters at once all succeed", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" });
  const names = Array.from({ length: 200 }, (_, index) => `c${index}`);
  const answers = await Promise.all(names.map(async (name) => put(rp, name)));
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  for (const name of names) await untilState(rp, name, "Succeeded");
  // no warning of Node, such as one of too many listeners
  expect(rp.errors).toBe("");
});

test("when the files of its database are removed it takes no writes and isn't ready, but lives", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" });
  const health = async (name: string) => (await fetch(`${rp.url}/healthz/${name}`)).status;
  expect((await put(rp, "before")).status).toBe(201);
  expect(await health("ready")).toBe(200);
  for (const file of readdirSync(folder.path)) rmSync(join(folder.path, file));
  const refused = await put(rp, "after");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("Retry-After")).not.toBeNull();
  expect(await health("ready")).toBe(503);
  expect(await health("live")).toBe(200);
});

test("while its database is locked by somebody else it isn't ready", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path });
  const ready = async () => (await fetch(`${rp.url}/healthz/ready`)).status;
  const other = new DatabaseSync(join(folder.path, "rp.sqlite"));
  other.exec("BEGIN IMMEDIATE");
  expect(await ready()).toBe(503);
  other.exec("ROLLBACK");
  expect(await ready()).toBe(200);
  other.close();
});

test("several processes share a folder: one takes the requests, another does the work", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  await using work = await RpProcess.start({ ...settings, ROLES: "forwarder, backend" });
  expect(work.url).toBe("undefined");
  expect((await put(web, "shared")).status).toBe(201);
  await untilState(web, "shared", "Succeeded");
});

test("bad settings: every fault is listed with its variable, and the exit code is 2", async () => {
  using folder = temporaryFolder();
  await using rp = RpProcess.spawn({
    DATA_DIR: folder.path,
    PORT: "http",
    WORKERS: "0",
    LEASE_SECONDS: "60",
    LOG_LEVEL: "loud",
  });
  expect((await rp.exit()).code).toBe(2);
  for (const variable of ["PORT", "WORKERS", "LEASE_SECONDS", "LOG_LEVEL"]) {
    expect(rp.errors).toContain(variable);
  }
});

test("a port that is taken: a sentence and exit code 1", async () => {
  using folder = temporaryFolder();
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await using rp = RpProcess.spawn({ DATA_DIR: folder.path, PORT: String(port) });
  expect((await rp.exit()).code).toBe(1);
  expect(rp.errors).toContain("EADDRINUSE");
  server.close();
});
