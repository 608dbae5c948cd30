/**
 * The real program is told to stop, or falls, under bad circumstances: it ends in time, and its log says what happened. And
 * `npm start` itself, stopped as a user stops it.
 */
import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { putCluster } from "../process/clusterCalls.ts";
import { stopCase } from "../process/engineSuite.ts";
import { RpProcess, temporaryFolder, type Exit } from "../process/rpProcess.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const stopped: Exit = { code: 0, signal: null };
const path =
  "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g" +
  "/providers/RedHat.OpenShift/OpenShiftClusters";
const query = "?api-version=2019-12-31-preview";

/** Opens a request and never ends it. */
async function slowRequest(rp: RpProcess): Promise<Socket> {
  const { hostname, port } = new URL(rp.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {
    // it is cut off in the end
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    `PUT ${path}/slow${query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      "Content-Length: 1000\r\n\r\n{",
  );
  // once this is answered, that one is under way
  await fetch(`${rp.url}/healthz/live`);
  return socket;
}

/** What a busy machine adds to a stop that ends in time; one that hangs takes far longer. */
const slackSeconds = 3;

/** From the signal to the last line of the log, by the process's clock: how long that line lies before it is read doesn't count. */
async function stopSeconds(rp: RpProcess): Promise<number> {
  const begunAt = Date.now();
  rp.kill("SIGTERM");
  expect(await rp.exit()).toEqual(stopped);
  return (Date.parse(String(rp.log.at(-1)?.["time"])) - begunAt) / 1_000;
}

test("a client that holds a request open doesn't make a stop longer than the setting", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    LOCAL_INSTALL_SECONDS: "600",
    SHUTDOWN_SECONDS: "2",
  });
  expect(await putCluster(rp, "busy")).toBe(201);
  await rp.logged(({ phase }) => phase === "DeployStorage");
  const socket = await slowRequest(rp);
  expect(await stopSeconds(rp)).toBeLessThan(2 + slackSeconds);
  socket.destroy();
  expect(rp.log.at(-1)).toMatchObject({ message: "stopped" });
});

test("nor does a database that is locked by somebody else: what isn't done by then is left", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    LOCAL_INSTALL_SECONDS: "600",
    SHUTDOWN_SECONDS: "2",
  });
  expect(await putCluster(rp, "busy")).toBe(201);
  await rp.logged(({ phase }) => phase === "DeployStorage");
  const socket = await slowRequest(rp);
  const other = new DatabaseSync(join(folder.path, "rp.sqlite"), { timeout: 5_000 });
  other.exec("BEGIN IMMEDIATE");
  expect(await stopSeconds(rp)).toBeLessThan(2 + slackSeconds);
  other.close();
  socket.destroy();
  expect(rp.log.at(-1)).toMatchObject({
    level: "warn",
    message: expect.stringContaining("did not end in time"),
  });
});

test("with no time for a stop it ends at once", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, SHUTDOWN_SECONDS: "0" });
  expect(await stopSeconds(rp)).toBeLessThan(1 + slackSeconds);
});

test("while nobody reads its output it goes on serving, and stops in time", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    LOCAL_INSTALL_SECONDS: "0",
    SHUTDOWN_SECONDS: "2",
    LOG_LEVEL: "debug",
  });
  rp.stopReading();
  for (let round = 0; round < 50; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => fetch(`${rp.url}${path}/none${query}`)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  }
  expect(await putCluster(rp, "unseen")).toBe(201);
  const begun = performance.now();
  rp.kill("SIGTERM");
  expect(await rp.ended()).toEqual(stopped);
  // without the setting it would take ten seconds
  expect(performance.now() - begun).toBeLessThan(8_000);
});

test("what it says when it falls is in the log, and the exit code is 1", async () => {
  using folder = temporaryFolder();
  const fall = 'process.on("SIGUSR2", () => { throw new Error("a defect"); })';
  await using rp = await RpProcess.start({
    DATA_DIR: folder.path,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fall)}`,
  });
  rp.kill("SIGUSR2");
  expect((await rp.exit()).code).toBe(1);
  expect(rp.log.at(-1)).toMatchObject({ level: "error", error: { message: "a defect" } });
  expect(rp.errors).toContain("a defect");
});

test.each(["SIGTERM", "SIGINT"] as const)("npm start ends with 0 on %s", async (signal) => {
  using folder = temporaryFolder();
  const child = spawn("npm", ["start"], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], PORT: "0", DATA_DIR: folder.path },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes("listens on") && !child.killed) child.kill(signal);
  }
  const code = await new Promise((resolve) =>
    child.exitCode === null ? child.once("exit", resolve) : resolve(child.exitCode),
  );
  expect(output).toContain('"message":"stopped"');
  expect(code).toBe(0);
});

// `npm test` has it with SIGTERM
stopCase("SIGINT", async () => {
  const folder = temporaryFolder();
  return {
    settings: { DATA_DIR: folder.path },
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});

test("a database that is lost while the process stops is told, and is a fault", async () => {
  using folder = temporaryFolder();
  await using rp = await RpProcess.start({ DATA_DIR: folder.path, ROLES: "frontend" });
  const socket = await slowRequest(rp);
  rp.kill("SIGTERM");
  await rp.logged(({ message }) => message === "stopping");
  for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name));
  socket.destroy();
  expect(await rp.exit()).toEqual({ code: 1, signal: null });
  expect(rp.errors).toContain(join(folder.path, "rp.sqlite"));
  expect(rp.log.at(-1)).toMatchObject({ level: "error", reason: expect.any(String) });
});
