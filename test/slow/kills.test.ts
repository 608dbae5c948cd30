/**
 * The real program under the default settings, killed with SIGKILL at moments spread over an installation: every accepted
 * cluster is carried on, with the same credentials it once showed, within about ten seconds. And `npm start` itself, stopped
 * as a user stops it.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { clusterUrl, getCluster, putCluster, untilState } from "../process/clusterCalls.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("killed again and again at any moment, every accepted create and delete comes to its end", async () => {
  using folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "3" };
  const accepted: string[] = [];
  const takeoversMs: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    await using rp = await RpProcess.start(settings);
    const waiting = accepted.length > 0;
    const startedAt = performance.now();
    for (let index = 0; index < 5; index += 1) {
      const name = `c${round}-${index}`;
      if ((await putCluster(rp, name)) === 201) accepted.push(name);
    }
    // each round is killed after another number of finished steps, its own clusters' or those it took over
    let steps = 0;
    await rp.logged(({ outcome }) => {
      if (outcome === "done") steps += 1;
      return steps > round * 7;
    });
    if (waiting) takeoversMs.push(performance.now() - startedAt);
    rp.kill("SIGKILL");
    expect((await rp.exit()).signal).toBe("SIGKILL");
  }
  expect(accepted).toHaveLength(30);
  await using rp = await RpProcess.start(settings);
  const restartedAt = performance.now();
  await rp.logged(({ message }) => String(message).includes("step"));
  // lease 6 s, visibility 8 s, poll 0.5 s
  expect(performance.now() - restartedAt).toBeLessThan(12_000);
  for (const name of accepted) await untilState(rp, name, "Succeeded");
  for (const name of accepted) {
    expect((await fetch(clusterUrl(rp, name), { method: "DELETE" })).status).toBe(202);
  }
  for (const name of accepted) {
    while ((await getCluster(rp, name)).state !== "gone");
  }
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
