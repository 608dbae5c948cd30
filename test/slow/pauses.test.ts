/**
 * A process that is stopped (SIGSTOP) and goes on later, as on a machine that was suspended: in the middle of a step, and in
 * the middle of a write, where it holds SQLite's only lock.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
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
import { expectEveryStepOnce, stepNames } from "../process/stepHistory.ts";
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

/** Resolves when the system has stopped it, as Linux tells. */
async function untilStopped(rp: RpProcess): Promise<void> {
  const pid = rp.log.find(({ version }) => version !== undefined)?.["pid"];
  // behind the name, which may hold anything
  const state = (): string | undefined => /\) (\w) [^)]*$/.exec(stat())?.[1];
  const stat = (): string => readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  await expect.poll(state, { interval: 5 }).toBe("T");
}

const steps = stepNames("create");

/**
 * Stops it while it is in that step of a cluster, and outside of any write. A test that stands still for a moment comes too late for
 * the step: then it tries with another cluster.
 *
 * @returns the cluster's name.
 */
async function stopInStep(rp: RpProcess, state: StoredState, web: RpProcess): Promise<string> {
  for (let count = 1; ; count += 1) {
    const name = `c${count}`;
    expect(await putCluster(web, name)).toBe(201);
    const isReached = (): boolean => {
      const { provisioningState, work } = state.cluster(name).document;
      const isHeld = steps.indexOf(work.step ?? "") >= steps.indexOf(heldStep);
      return isHeld || provisioningState === "Succeeded";
    };
    await expect.poll(isReached, { interval: 5 }).toBe(true);
    rp.kill("SIGSTOP");
    await untilStopped(rp);
    while (state.isLocked()) {
      rp.kill("SIGCONT");
      rp.kill("SIGSTOP");
      await untilStopped(rp);
    }
    if (state.cluster(name).document.work.step === heldStep) return name;
    rp.kill("SIGCONT");
    await untilState(web, name, "Succeeded");
  }
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
    const name = await stopInStep(sleeper, state, web);
    const held = state.cluster(name).document.work;

    await using other = await RpProcess.start({ ...settings, ROLES: "backend" });
    // a machine that stands still may cost the other one a claim too
    const isTakenOver = (): boolean => {
      const { epoch, step } = state.cluster(name).document.work;
      return epoch > held.epoch && step !== heldStep;
    };
    await expect.poll(isTakenOver).toBe(true);
    if (isEnded) await untilState(web, name, "Succeeded");
    const before = state.cluster(name);
    expect(before.document.work.owner).not.toBe(held.owner);

    sleeper.kill("SIGCONT");
    await sleeper.logged(({ message }) =>
      String(message).startsWith("this worker lost the cluster"),
    );
    if (isEnded) {
      expect(state.cluster(name)).toEqual(before);
      expect(
        other.log.filter(({ step, outcome }) => step === heldStep && outcome === "done"),
      ).toHaveLength(1);
    }
    await untilState(web, name, "Succeeded");
    const { document } = state.cluster(name);
    expect(document.work.epoch).toBeGreaterThan(held.epoch);
    expect(document.work.owner).not.toBe(held.owner);
    expectEveryStepOnce(state.operation(document.operation.id).document);

    // it is as good as any other backend from then on
    other.kill("SIGKILL");
    await other.exit();
    expect(await putCluster(web, "next")).toBe(201);
    await untilState(web, "next", "Succeeded");
    await sleeper.logged(
      ({ message, resourceId }) =>
        message === "create succeeded" && String(resourceId).endsWith("/next"),
    );
    expect(state.integrity()).toBe("ok");
  },
);

/** A stranger that is ready for a write, to be stopped in the middle of it. */
async function readyWriter(dataDir: string, name: string) {
  const program = fileURLToPath(new URL("processes/holdTransaction.ts", import.meta.url));
  const child = spawn(process.execPath, [program, join(dataDir, "rp.sqlite"), name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  expect(String(await once(child.stdout, "data"))).toBe("ready\n");
  return {
    stopInWrite: async (): Promise<void> => {
      child.kill("SIGUSR2");
      expect(String(await once(child.stdout, "data"))).toBe("1\n");
      child.kill("SIGSTOP");
    },
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
    const settings = { DATA_DIR: folder.path, ...quickTakeover };
    await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
    using state = new StoredState(folder.path);
    const tags = { held: "up" };
    const workSettings = { ...settings, ROLES: "forwarder,backend" };
    const first = await RpProcess.start({ ...workSettings, LOCAL_INSTALL_SECONDS: "0" });
    for (const name of ["idle", "unwanted"]) expect(await putCluster(web, name)).toBe(201);
    for (const name of ["idle", "unwanted"]) await untilState(web, name, "Succeeded");
    first.kill("SIGTERM");
    await first.exit();
    const writer = await readyWriter(folder.path, "idle");
    await using _work = await RpProcess.start({ ...workSettings, LOCAL_INSTALL_SECONDS: "6" });
    expect(await putCluster(web, "busy")).toBe(201);
    await expect.poll(() => state.cluster("busy").document.work.step).toBeDefined();

    await writer.stopInWrite();
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
