/**
 * A process that is stopped (SIGSTOP) and goes on later, as on a machine that was suspended: in the middle of a step, and in
 * the middle of a write, where it holds SQLite's only lock.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import {
  askForCluster,
  deleteCluster,
  getCluster,
  patchCluster,
  putCluster,
  untilState,
} from "../process/clusterCalls.ts";
import { RpProcess, temporaryFolder } from "../process/rpProcess.ts";
import { expectEveryStepOnce } from "../process/stepHistory.ts";
import { StoredState } from "../process/storedState.ts";

const quickTakeover = {
  HEARTBEAT_SECONDS: "0.5",
  LEASE_SECONDS: "1.5",
  VISIBILITY_SECONDS: "2",
};

/** A step that the local installer waits out holding its claim, as it takes a quarter of a second at most. */
const heldStep = "UploadIgnition";
/** That step then takes 0.2 s; those after it more than one lease. */
const installSeconds = "4";

/** Stops it while it is in that step of the cluster, and outside of any write. */
async function stopInStep(rp: RpProcess, state: StoredState, name: string): Promise<void> {
  await expect
    .poll(() => state.cluster(name).document.work.step, { interval: 5, timeout: 30_000 })
    .toBe(heldStep);
  rp.kill("SIGSTOP");
  while (state.isLocked()) {
    rp.kill("SIGCONT");
    rp.kill("SIGSTOP");
  }
  expect(state.cluster(name).document.work.step).toBe(heldStep);
}

test.each([
  ["while another works on it", false],
  ["when another has ended it", true],
])(
  "a backend that is stopped for longer than its lease, and goes on %s, has lost its cluster and writes nothing",
  async (_when, isEnded) => {
    using folder = temporaryFolder();
    const settings = {
      DATA_DIR: folder.path,
      LOCAL_INSTALL_SECONDS: installSeconds,
      ...quickTakeover,
    };
    await using web = await RpProcess.start({ ...settings, ROLES: "frontend,forwarder" });
    await using sleeper = await RpProcess.start({ ...settings, ROLES: "backend" });
    using state = new StoredState(folder.path);
    expect(await putCluster(web, "c")).toBe(201);
    await stopInStep(sleeper, state, "c");
    const held = state.cluster("c").document.work;

    await using other = await RpProcess.start({ ...settings, ROLES: "backend" });
    await expect
      .poll(() => state.cluster("c").document.work, { timeout: 30_000 })
      .toMatchObject({ epoch: held.epoch + 1, step: expect.not.stringMatching(heldStep) });
    if (isEnded) await untilState(web, "c", "Succeeded");
    const before = state.cluster("c");
    expect(before.document.work.owner).not.toBe(held.owner);

    sleeper.kill("SIGCONT");
    await sleeper.logged(({ message }) =>
      String(message).startsWith("this worker lost the cluster"),
    );
    if (isEnded) {
      expect(state.cluster("c")).toEqual(before);
      expect(
        other.log.filter(({ step, outcome }) => step === heldStep && outcome === "done"),
      ).toHaveLength(1);
    }
    await untilState(web, "c", "Succeeded");
    const { document } = state.cluster("c");
    expect(document.work.epoch).toBeGreaterThan(held.epoch);
    expect(document.work.owner).not.toBe(held.owner);
    expectEveryStepOnce(state.operation(document.operation.id).document);

    // it is as good as any other backend from then on
    other.kill("SIGKILL");
    await other.exit();
    expect(await putCluster(web, "next")).toBe(201);
    await untilState(web, "next", "Succeeded");
    expect(sleeper.log).toContainEqual(
      expect.objectContaining({
        message: "create succeeded",
        resourceId: expect.stringMatching(/next$/),
      }),
    );
    expect(state.integrity()).toBe("ok");
  },
);

/** A stranger in the middle of a write, stopped. */
async function stoppedWriter(dataDir: string, name: string) {
  const program = fileURLToPath(new URL("processes/holdTransaction.ts", import.meta.url));
  const child = spawn(process.execPath, [program, join(dataDir, "rp.sqlite"), name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  expect(String(await once(child.stdout, "data"))).toBe("1\n");
  child.kill("SIGSTOP");
  return {
    end: async (signal: "SIGCONT" | "SIGKILL"): Promise<void> => {
      child.kill(signal);
      await exited;
    },
  };
}

test.each(["SIGCONT", "SIGKILL"] as const)(
  "a process that is stopped in the middle of a write holds up all others until %s; nothing is lost",
  async (signal) => {
    using folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, LOCAL_INSTALL_SECONDS: "3", ...quickTakeover };
    await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
    await using _work = await RpProcess.start({ ...settings, ROLES: "forwarder,backend" });
    using state = new StoredState(folder.path);
    const tags = { held: "up" };
    for (const name of ["idle", "unwanted"]) expect(await putCluster(web, name)).toBe(201);
    for (const name of ["idle", "unwanted"]) await untilState(web, name, "Succeeded");
    expect(await putCluster(web, "busy")).toBe(201);
    await expect
      .poll(() => state.cluster("busy").document.work.step, { timeout: 30_000 })
      .toBe("DeployNetwork");

    const writer = await stoppedWriter(folder.path, "idle");
    const before = state.clusters();
    const refused = await Promise.all([
      askForCluster(web, "new"),
      patchCluster(web, "idle", { tags }),
      deleteCluster(web, "unwanted"),
    ]);
    for (const response of refused) {
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ error: { code: "ServiceUnavailable" } });
    }
    // reads go on, and show that nothing has moved
    expect((await getCluster(web, "busy")).state).toBe("Updating");
    expect((await getCluster(web, "idle")).state).toBe("Succeeded");
    expect(state.clusters()).toEqual(before);

    await writer.end(signal);
    expect(await putCluster(web, "new")).toBe(201);
    expect((await patchCluster(web, "idle", { tags })).status).toBe(200);
    expect((await deleteCluster(web, "unwanted")).status).toBe(202);
    for (const name of ["busy", "new"]) await untilState(web, name, "Succeeded");
    while ((await getCluster(web, "unwanted")).state !== "gone");
    expect(state.cluster("idle").document).toMatchObject({ cluster: { tags } });
    expect("heldWrite" in state.cluster("idle").document).toBe(signal === "SIGCONT");
    for (const operation of state.operations()) expectEveryStepOnce(operation);
    expect(state.integrity()).toBe("ok");
  },
);
