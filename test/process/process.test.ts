/** The real program as users run it: started, asked over HTTP, stopped, killed in mid-install, started again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { clusterBody, clusterUrl, getCluster, putCluster, untilState } from "./clusterCalls.ts";
import { ownProgram, RpProcess, temporaryFolder } from "./rpProcess.ts";

/** The protocol at a tenth of its usual pace, so that a takeover takes no seconds. */
const quickTakeover = {
  HEARTBEAT_SECONDS: "0.2",
  LEASE_SECONDS: "0.6",
  VISIBILITY_SECONDS: "0.8",
};

test("the README's session: create, look, credentials, scale, delete", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0.5" });
  expect(rp.log[0]).toMatchObject({ message: "a new database was made" });
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

/** Gives a program a terminal. */
const script = "/usr/bin/script";

test("on a terminal that shows log and errors, a port that is taken is said once", async ({
  skip,
}) => {
  skip(process.platform !== "linux" || !existsSync(script), "only Linux gives a terminal that way");
  using folder = temporaryFolder();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const LOG_LEVEL of ["info", "silent"]) {
    const env = {
      PATH: process.env["PATH"],
      DATA_DIR: folder.path,
      PORT: String(port),
      LOG_LEVEL,
    };
    const command = `'${process.execPath}' '${ownProgram}'`;
    const child = spawn(script, ["-qec", command, "/dev/null"], { env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [shown] = await Promise.all([text(child.stdout), once(child, "close")]);
    expect(shown.match(/EADDRINUSE/g), shown).toHaveLength(1);
    expect(child.exitCode).toBe(1);
  }
  server.close();
});

test.each([
  ["removed", "frontend,forwarder,backend"],
  ["removed", "frontend"],
  ["replaced", "frontend"],
])(
  "its database's files are %s under %s: a sentence, once, and exit code 1",
  async (what, ROLES) => {
    using folder = temporaryFolder();
    const DATA_DIR = join(folder.path, "data");
    await using rp = await RpProcess.start({ DATA_DIR, ROLES, LOCAL_INSTALL_SECONDS: "0" });
    expect(await putCluster(rp, "before")).toBe(201);
    if (what === "removed") {
      for (const file of readdirSync(DATA_DIR)) rmSync(join(DATA_DIR, file));
    } else {
      renameSync(DATA_DIR, `${DATA_DIR}.elsewhere`);
      // another process makes its own in the same place
      await using other = await RpProcess.start({ DATA_DIR, ROLES });
      expect(await putCluster(other, "other")).toBe(201);
    }
    // nobody asks it for anything
    expect(await rp.exit()).toEqual({ code: 1, signal: null });
    const file = join(DATA_DIR, "rp.sqlite");
    expect(rp.errors).toBe(
      `The database file ${file} was removed or replaced while the process ran; start it again, ` +
        "and should clusters be missing then, restore a backup.\n",
    );
    const said = rp.log.filter(({ reason }) => String(reason).includes("removed or replaced"));
    expect(said).toHaveLength(1);
    expect(rp.log.filter(({ error }) => error !== undefined)).toEqual([]);
  },
);

test("a request that meets the database's files removed is answered before the process ends", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, ROLES: "frontend" });
  const put = request(clusterUrl(rp, "c"), {
    method: "PUT",
    headers: { "Content-Type": "application/json", Expect: "100-continue" },
  });
  put.flushHeaders();
  await once(put, "continue");
  for (const file of readdirSync(folder.path)) rmSync(join(folder.path, file));
  put.end(clusterBody);
  const [response] = (await once(put, "response")) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(503);
  expect((await rp.exit()).code).toBe(1);
  // that the files are gone is told once, not for each request
  expect(rp.log.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(rp.log.filter(({ status }) => status === 503)).toHaveLength(1);
});
