/** The real program on its embedded engine, as operators see it, and what it says when it can't run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { clusterBody, clusterUrl, putCluster, untilState } from "./clusterCalls.ts";
import { ownProgram, RpProcess, temporaryFolder } from "./rpProcess.ts";

test("an operator sees what the process does on a port of its own", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "0", ADMIN_PORT: "0" };
  await using rp = await RpProcess.start({ ...settings, COSMOSDB_ACOUNT: "withheld" });
  expect(rp.log.slice(0, 2)).toMatchObject([
    {
      level: "warn",
      message: expect.stringMatching(/^COSMOSDB_ACOUNT is set, .*COSMOSDB_ACCOUNT may/),
    },
    { message: "a new database was made" },
  ]);
  expect(JSON.stringify(rp.log)).not.toContain("withheld");
  const adminUrl = rp.log.find(({ version }) => version !== undefined)?.["adminUrl"];
  expect(await putCluster(rp, "counted")).toBe(201);
  await untilState(rp, "counted", "Succeeded");
  const metrics = await (await fetch(`${String(adminUrl)}/metrics`)).text();
  expect(metrics).toMatch(
    /^rp_http_request_duration_seconds_count\{operation="OpenShiftClusters_CreateOrUpdate",api_version="[^"]+",status_class="2xx"\} 1$/m,
  );
  expect(metrics).toMatch(/^rp_step_duration_seconds_count\{kind="create",.*outcome="done"\} 1$/m);
  expect(metrics).toMatch(/^rp_worker_slots 100$/m);
  expect((await fetch(`${rp.url}/metrics`)).status).toBe(404);
});

test("bad settings: every fault is listed with its variable, and the exit code is 2", async () => {
  using folder = temporaryFolder();
  await using rp = RpProcess.spawn({
    DATA_DIR: folder.path,
    PORT: "http",
    WORKERS: "0",
    LEASE_SECONDS: "60",
    LOG_LEVEL: "loud",
    COSMOSDB_ACOUNT: "withheld",
  });
  expect((await rp.exit()).code).toBe(2);
  for (const variable of ["PORT", "WORKERS", "LEASE_SECONDS", "LOG_LEVEL"]) {
    expect(rp.errors).toContain(variable);
  }
  expect(rp.errors).toContain("COSMOSDB_ACOUNT is no setting; COSMOSDB_ACCOUNT may be meant");
  expect(rp.errors).not.toContain("withheld");
});

test("no program to install with: a sentence and exit code 1, and nothing is made", async () => {
  using folder = temporaryFolder();
  const program = join(folder.path, "gone", "openshift-install");
  await using rp = RpProcess.spawn({
    DATA_DIR: join(folder.path, "gone", "data"),
    INSTALLER: "azure",
    AZURE_DNS_ZONE_ID:
      "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/dns/providers/Microsoft.Network/dnsZones/clusters.example",
    OPENSHIFT_INSTALL: program,
  });
  expect((await rp.exit()).code).toBe(1);
  expect(rp.errors).toContain(`The program ${program} is not there: set OPENSHIFT_INSTALL`);
  expect(readdirSync(folder.path)).toEqual([]);
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

test("a request that meets the database's files removed is answered before the process ends", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, ROLES: "frontend" });
  const put = request(clusterUrl(rp, "c"), {
    method: "PUT",
    headers: { "Content-Type": "application/json", Expect: "100-continue" },
  });
  put.flushHeaders();
  await once(put, "continue");
  // it looks after its files once a second, and then has little patience with a caller that is held back
  rp.kill("SIGSTOP");
  for (const file of readdirSync(folder.path)) rmSync(join(folder.path, file));
  put.end(clusterBody);
  await once(put, "finish");
  rp.kill("SIGCONT");
  const [response] = (await once(put, "response")) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(503);
  expect((await rp.exit()).code).toBe(1);
  // that the files are gone is told once, not for each request
  expect(rp.log.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(rp.log.filter(({ status }) => status === 503)).toHaveLength(1);
});
