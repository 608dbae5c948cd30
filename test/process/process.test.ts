/** The real program as users run it: started, asked over HTTP, stopped, killed in mid-install, started again. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { clusterUrl, getCluster, putCluster, untilState } from "./clusterCalls.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

/** The protocol at a tenth of its usual pace, so that a takeover takes no seconds. */
const quickTakeover = {
  HEARTBEAT_SECONDS: "0.2",
  LEASE_SECONDS: "0.6",
  VISIBILITY_SECONDS: "0.8",
};

test("the README's session: create, look, credentials, scale, delete", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0.5" });
  expect(await putCluster(rp, "demo")).toBe(201);
  expect((await getCluster(rp, "demo")).state).toBe("Updating");
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
    const { state } = await getCluster(rp, "demo");
    if (state === "gone") break;
    expect(state).toBe("Deleting");
  }
});

test("ARM-88: killed with SIGKILL in mid-install and started again, it goes on at the step where it was", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "2", ...quickTakeover };
  const before = await RpProcess.start(settings);
  expect(await putCluster(before, "survivor")).toBe(201);
  await before.logged(({ phase }) => phase === "DeployResources");
  before.kill("SIGKILL");
  expect((await before.exit()).signal).toBe("SIGKILL");

  await using after = await RpProcess.start(settings);
  expect((await getCluster(after, "survivor")).state).toBe("Updating");
  await untilState(after, "survivor", "Succeeded");
  const phases = new Set(after.log.map(({ phase }) => phase).filter(Boolean));
  expect(phases).not.toContain("DeployStorage");
  expect(phases).toContain("RemoveBootstrap");
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "seed 26, B6: %s in mid-install ends it cleanly with 0; the next process goes on at once",
  async (signal) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "2" };
    const before = await RpProcess.start(settings);
    await putCluster(before, "paused");
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

test("several processes share a folder: one takes the requests, another does the work", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0" };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  await using work = await RpProcess.start({ ...settings, ROLES: "forwarder, backend" });
  expect(work.url).toBe("undefined");
  expect(await putCluster(web, "shared")).toBe(201);
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
