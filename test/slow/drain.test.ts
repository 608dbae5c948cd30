/**
 * The real program lays down its work, when an operator drains it or when it is told to stop: it says so first, ends what can be
 * ended, and hands the rest to others at once. Leases last for minutes here, so that whoever had to wait for one would never end.
 */
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import {
  clusterBody,
  clusterUrl,
  getCluster,
  putCluster,
  untilState,
} from "../process/clusterCalls.ts";
import { Operator } from "../process/operator.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";

const patient = {
  LOCAL_INSTALL_SECONDS: "2",
  ADMIN_PORT: "0",
  HEARTBEAT_SECONDS: "2",
  LEASE_SECONDS: "600",
  VISIBILITY_SECONDS: "800",
};
const stopped = { code: 0, signal: null };

test("a drained process hands its work to another at once, goes on answering, and takes work again", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, ...patient };
  // so long that it can't end here, however slow the machine is
  await using one = await RpProcess.start({ ...settings, LOCAL_INSTALL_SECONDS: "20" });
  const operator = new Operator(one);
  await putCluster(one, "moved");
  await one.logged(({ phase }) => phase === "DeployStorage");
  const draining = await operator.post("/admin/v1/process/drain");
  expect(draining.status).toBe(202);
  expect(["draining", "drained"]).toContain(draining.body.state);
  await operator.untilDrained();
  expect((await operator.get("/healthz/ready")).status).toBe(503);
  expect((await operator.get("/healthz/live")).status).toBe(200);
  expect((await fetch(`${one.url}/healthz/ready`)).status).toBe(503);
  expect((await operator.get("/admin/v1/process")).body.workersBusy).toBe(0);
  expect((await getCluster(one, "moved")).state).toBe("Updating");

  {
    const quick = { ...settings, LOCAL_INSTALL_SECONDS: "0" };
    await using other = await RpProcess.start({ ...quick, ROLES: "forwarder,backend" });
    await untilState(one, "moved", "Succeeded");
    // what is asked for here is done there
    expect(await putCluster(one, "asked")).toBe(201);
    await untilState(one, "asked", "Succeeded");
    for (const { log } of [one, other]) {
      expect(log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
    }
    other.kill("SIGTERM");
    expect(await other.exit()).toEqual(stopped);
  }
  expect(await operator.post("/admin/v1/process/undrain")).toMatchObject({
    status: 200,
    body: { state: "working" },
  });
  expect((await operator.get("/healthz/ready")).status).toBe(200);
  expect(await putCluster(one, "back")).toBe(201);
  await one.logged(
    ({ resourceId, outcome }) => String(resourceId).endsWith("/back") && outcome === "done",
  );

  await operator.post("/admin/v1/process/drain");
  one.kill("SIGTERM");
  expect(await one.exit()).toEqual(stopped);
});

test("a backend alone that is told to stop in mid-install hands it to another at once", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, ...patient };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  const roles = { ...settings, ROLES: "forwarder,backend" };
  await using one = await RpProcess.start(roles);
  expect(await putCluster(web, "moved")).toBe(201);
  await one.logged(({ phase }) => phase === "DeployStorage");
  await using other = await RpProcess.start(roles);
  one.kill("SIGTERM");
  expect(await one.exit()).toEqual(stopped);
  await untilState(web, "moved", "Succeeded");
  // somebody had done a part of it, and nobody did a step again that was done
  const steps = [...one.log, ...other.log].filter(({ outcome }) => outcome === "done");
  const names = steps.map(({ phase, step }) => `${String(phase)} ${String(step)}`);
  expect(new Set(names).size).toBe(names.length);
  for (const { log } of [one, other]) {
    expect(log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  }
});

test("a frontend alone that is told to stop is not ready first, and answers what is under way", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, ...patient };
  // it is this request alone that the stop waits for
  await using web = await RpProcess.start({
    ...settings,
    ROLES: "frontend",
    SHUTDOWN_SECONDS: "120",
  });
  const operator = new Operator(web);
  const call = request(clusterUrl(web, "underway"), {
    method: "PUT",
    headers: {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(clusterBody),
      Expect: "100-continue",
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    call.once("response", resolve);
    call.once("error", reject);
  });
  const begun = new Promise((resolve) => call.once("continue", resolve));
  call.flushHeaders();
  await begun;
  call.write(clusterBody.slice(0, 10));

  web.kill("SIGTERM");
  await web.logged(({ message }) => message === "stopping");
  const { status, body } = await operator.get("/healthz/ready");
  expect([status, body.error.message]).toEqual([503, "The process is not ready."]);
  expect((await operator.get("/admin/v1/process")).body.state).toBe("stopping");
  expect((await operator.post("/admin/v1/process/undrain")).status).toBe(409);
  await expect(fetch(clusterUrl(web, "late"))).rejects.toThrow("fetch failed");

  call.end(clusterBody.slice(10));
  const answer = await answered;
  expect([answer.statusCode, answer.headers.connection]).toEqual([201, "close"]);
  expect(JSON.parse(await text(answer))).toMatchObject({ name: "underway" });
  expect(await web.exit()).toEqual(stopped);

  await using next = await RpProcess.start(settings);
  await untilState(next, "underway", "Succeeded");
});

test("what does not end in time is handed back in time: the stop ends with 0, and another goes on at once", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, ...patient };
  const long = { LOCAL_INSTALL_SECONDS: "600", SHUTDOWN_SECONDS: "3" };
  await using one = await RpProcess.start({ ...settings, ...long });
  expect(await putCluster(one, "long")).toBe(201);
  await one.logged(({ phase }) => phase === "DeployStorage");
  one.kill("SIGTERM");
  expect(await one.exit()).toEqual(stopped);
  expect(one.log.at(-1)).toMatchObject({ message: "stopped" });
  await using other = await RpProcess.start({ ...settings, LOCAL_INSTALL_SECONDS: "0" });
  await untilState(other, "long", "Succeeded");
});
