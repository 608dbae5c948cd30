/**
 * What the real program does on any engines, as users run it: asked over HTTP, stopped, killed in mid-install, started again, its
 * roles in processes of their own. It must know nothing of an engine but the variables that select it.
 */
import { describe, expect, test } from "vitest";
import {
  announceSubscription,
  askForCluster,
  clusterUrl,
  getCluster,
  patchCluster,
  putCluster,
  untilState,
} from "./clusterCalls.ts";
import { RpProcess, type Environment } from "./rpProcess.ts";
import { signalsItself } from "./signalsItself.ts";

/** Engines that nobody has used yet. */
export interface FreshEngines extends AsyncDisposable {
  /** The variables that select them. */
  readonly settings: Environment;
}

/** Faster than usual, so that a takeover takes few seconds; slow enough for a busy machine, where each lease that is lost costs an attempt. */
const quickTakeover = {
  HEARTBEAT_SECONDS: "0.5",
  LEASE_SECONDS: "2",
  VISIBILITY_SECONDS: "2.5",
};

/** @param open engines of their own for each case. */
export function engineSuite(name: string, open: () => Promise<FreshEngines>): void {
  describe(`the program on ${name}`, () => {
    test("the README's session: create, look, credentials, scale, delete", async () => {
      await using engines = await open();
      const settings = { ...engines.settings, LOCAL_INSTALL_SECONDS: "0.5" };
      await using rp = await RpProcess.start(settings);
      await announceSubscription(rp, "Registered");
      const created = await askForCluster(rp, "demo");
      expect(created.status).toBe(201);
      const updating = { properties: { provisioningState: "Updating" } };
      expect(await created.json()).toMatchObject(updating);
      // who looks late sees it done
      expect(["Updating", "Succeeded"]).toContain((await getCluster(rp, "demo")).state);
      const { cluster } = await untilState(rp, "demo", "Succeeded");
      expect(cluster.properties).toMatchObject({
        apiserverURL: expect.stringMatching(/^https:\/\/api\.demo/),
        consoleURL: expect.stringMatching(/^https:\/\/console-openshift-console\./),
      });
      const credentials = await fetch(clusterUrl(rp, "demo/credentials"));
      expect(await credentials.json()).toEqual({
        kubeadminPassword: expect.stringMatching(/^(\w{5}-){3}\w{5}$/),
      });
      const workerProfiles = [{ name: "worker", count: 4 }];
      const scaled = await patchCluster(rp, "demo", { properties: { workerProfiles } });
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
      await using engines = await open();
      const settings = { ...engines.settings, LOCAL_INSTALL_SECONDS: "2", ...quickTakeover };
      const before = await RpProcess.start({
        ...settings,
        ...signalsItself({ line: /"phase":"DeployResources"/, signal: "SIGKILL" }),
      });
      await announceSubscription(before, "Registered");
      expect(await putCluster(before, "survivor")).toBe(201);
      expect((await before.exit()).signal).toBe("SIGKILL");

      // nobody works yet, however long this takes
      await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
      expect((await getCluster(web, "survivor")).state).toBe("Updating");
      await using after = await RpProcess.start(settings);
      await untilState(after, "survivor", "Succeeded");
      const phases = new Set(after.log.map(({ phase }) => phase).filter(Boolean));
      expect(phases).not.toContain("DeployStorage");
      expect(phases).toContain("RemoveBootstrap");
    });

    stopCase("SIGTERM", open);

    test("several processes share them: one takes the requests, another does the work", async () => {
      await using engines = await open();
      const settings = { ...engines.settings, LOCAL_INSTALL_SECONDS: "0" };
      await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
      await using work = await RpProcess.start({ ...settings, ROLES: "forwarder, backend" });
      expect(work.url).toBe("undefined");
      await announceSubscription(web, "Registered");
      expect(await putCluster(web, "shared")).toBe(201);
      await untilState(web, "shared", "Succeeded");
    });

    test("as long as ARM has not announced a subscription, nothing can be created in it", async () => {
      await using engines = await open();
      const UNANNOUNCED_SUBSCRIPTIONS = "unregistered";
      const settings = { ...engines.settings, UNANNOUNCED_SUBSCRIPTIONS };
      await using rp = await RpProcess.start({ ...settings, ROLES: "frontend" });
      expect(await putCluster(rp, "early")).toBe(409);
      await announceSubscription(rp, "Registered");
      expect(await putCluster(rp, "early")).toBe(201);
    });
  });
}

/** One case of the suite, for each signal by itself. */
export function stopCase(signal: "SIGTERM" | "SIGINT", open: () => Promise<FreshEngines>): void {
  test(`seed 26, B6: ${signal} in mid-install ends it cleanly with 0; the next process goes on at once`, async () => {
    await using engines = await open();
    const settings = { ...engines.settings, LOCAL_INSTALL_SECONDS: "2" };
    const before = await RpProcess.start(settings);
    await announceSubscription(before, "Registered");
    await putCluster(before, "paused");
    await before.logged(({ phase }) => phase === "DeployStorage");
    before.kill(signal);
    expect(await before.exit()).toEqual({ code: 0, signal: null });
    // by itself: a stop that has to be cut off says so last
    expect(before.log.at(-1)).toMatchObject({ message: "stopped" });
    expect(before.log.filter(({ level }) => level === "error")).toEqual([]);

    await using after = await RpProcess.start(settings);
    await untilState(after, "paused", "Succeeded");
    // leases were given back: nobody had to wait for one to run out
    expect(after.log.filter(({ level }) => level !== "info" && level !== "debug")).toEqual([]);
  });
}
