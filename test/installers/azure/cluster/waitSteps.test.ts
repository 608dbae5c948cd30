/** The steps that wait for a cluster: what they take for its coming up, and what they tell when it doesn't. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ingressAddress } from "../../../../src/installers/azure/cluster/ingressAddress.ts";
import type { ReadCredentials } from "../../../../src/installers/azure/cluster/clusterStep.ts";
import { waitForBootstrap } from "../../../../src/installers/azure/cluster/waitForBootstrap.ts";
import { waitForClusterVersion } from "../../../../src/installers/azure/cluster/waitForClusterVersion.ts";
import type { Step, StepResult } from "../../../../src/installers/installer.ts";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import { TerminalError } from "../../../../src/model/rpError.ts";
import { newCluster } from "../../../backend/stepsSuite.ts";
import { ClusterAnswerer } from "../clusterAnswerer.ts";
import { pollMs, StepRun } from "../clusterSteps.ts";

let cluster: ClusterAnswerer;
beforeAll(async () => {
  cluster = await ClusterAnswerer.start();
});
afterAll(async () => cluster[Symbol.asyncDispose]());
beforeEach(() => {
  cluster.takeCalls();
  cluster.reply = () => ({ status: 404 });
});

const readCredentials: ReadCredentials = async () => ({
  adminKubeconfig: cluster.kubeconfig(),
  kubeadminPassword: "unused",
});

type MakeStep = (effects: AzureEffects, read: ReadCredentials) => Step;

function startRun(step: MakeStep, read = readCredentials, document = newCluster()): StepRun {
  return new StepRun({ document, step: (effects) => step(effects, read) });
}

/** Why the operation ends. */
async function endOf(run: StepRun): Promise<TerminalError> {
  const error: unknown = await run.begin().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TerminalError);
  return error as TerminalError;
}

const again: StepResult = { done: false, againAfterMs: pollMs };

/** So that nothing is deployed again. */
const bootstrapped = { done: true, changes: { installation: { azure: { bootstrapped: true } } } };

describe("WaitForBootstrap", () => {
  it("is done when the cluster says that its bootstrap is complete", async () => {
    const run = startRun(waitForBootstrap);
    expect(await run.begin()).toEqual(again);
    cluster.reply = () => ({ body: { data: { status: "in progress" } } });
    expect(await run.begin()).toEqual(again);
    cluster.reply = () => ({ body: { data: { status: "complete" } } });
    expect(await run.begin()).toEqual(bootstrapped);
    expect(cluster.takeCalls()).toEqual(
      Array.from({ length: 3 }, () => "GET /api/v1/namespaces/kube-system/configmaps/bootstrap"),
    );
  });

  it.each([
    ["401", { status: 401 }, "answered 401."],
    ["403", { status: 403, body: { reason: "Forbidden" } }, "answered 403 Forbidden."],
    ["503", { status: 503 }, "answered 503."],
    ["no JSON", { body: "<html>" }, "can't be read"],
    ["a broken connection", "break" as const, "can't be reached: ECONNRESET."],
    ["no report", { status: 404 }, "has not reported yet."],
    ["another status", { body: { data: { status: "half\u0007\u202e" } } }, "status is 'half??'."],
  ])("asks again on %s, and tells of it when the time is up", async (_title, reply, told) => {
    cluster.reply = () => reply;
    const run = startRun(waitForBootstrap);
    expect(await run.begin()).toEqual(again);
    run.clock.skip(45 * 60_000 - 1);
    expect(await run.begin()).toEqual(again);
    run.clock.skip(1);
    const end = await endOf(run);
    expect(end.code).toBe("StepTimedOut");
    expect(end.message).toContain(
      "The bootstrap of the cluster did not complete within 45 minutes. Last seen: ",
    );
    expect(end.message).toContain(told);
    // or the backend's own end would come first
    expect(run.step.deadlineMs).toBeGreaterThan(45 * 60_000 + 2 * pollMs);
  });

  it("is done by a last look, even when the time is up", async () => {
    cluster.reply = () => ({ body: { data: { status: "complete" } } });
    const run = startRun(waitForBootstrap);
    run.clock.skip(50 * 60_000);
    expect(await run.begin()).toEqual(bootstrapped);
  });

  it("takes the credentials that are kept sealed, and those of the document once they are there", async () => {
    cluster.reply = () => ({ body: { data: { status: "complete" } } });
    const unreadable: ReadCredentials = async () => {
      throw new Error("the blob is not to be had");
    };
    await expect(startRun(waitForBootstrap, unreadable).begin()).rejects.toThrow("the blob");
    const document = newCluster();
    const stored = {
      ...document,
      secrets: { ...document.secrets, adminKubeconfig: cluster.kubeconfig() },
    };
    expect(await startRun(waitForBootstrap, unreadable, stored).begin()).toEqual(bootstrapped);
  });

  it("ends the operation when the credentials can't be used, before anything is called", async () => {
    const hostile: ReadCredentials = async () => ({
      adminKubeconfig: cluster.kubeconfig({ user: { exec: { command: "/bin/sh" } } }),
      kubeadminPassword: "unused",
    });
    const end = await endOf(startRun(waitForBootstrap, hostile));
    expect(end.code).toBe("InstallationFailed");
    expect(end.message).toContain("'exec'");
    expect(cluster.takeCalls()).toEqual([]);
  });

  it("comes to rest with the reason of its signal", async () => {
    cluster.reply = () => "hang";
    const run = startRun(waitForBootstrap);
    const abort = new AbortController();
    const begun = run.begin({ signal: abort.signal });
    await expect.poll(() => cluster.calls.length).toBe(1);
    abort.abort(new Error("superseded"));
    await expect(begun).rejects.toThrow("superseded");
    expect(run.clock.sleeping).toBe(0);
  });
});

describe("WaitForClusterVersion", () => {
  const conditions = (...of: readonly [string, string, string?][]) => ({
    body: {
      status: { conditions: of.map(([type, status, message]) => ({ type, status, message })) },
    },
  });

  it("is done when the version is available, whatever else it says", async () => {
    cluster.reply = () =>
      conditions(["Progressing", "True"], ["Available", "True"], ["Failing", "True"]);
    expect(await startRun(waitForClusterVersion).begin()).toEqual({ done: true });
    expect(cluster.takeCalls()).toEqual([
      "GET /apis/config.openshift.io/v1/clusterversions/version",
    ]);
  });

  it.each([
    [{ status: 404 }, "has no conditions yet."],
    [{ body: { status: { conditions: "many" } } }, "has no conditions yet."],
    [conditions(["Available", "False"]), "has no conditions yet."],
    [
      conditions(["Available", "False"], ["Progressing", "True", "84% done"]),
      "Progressing: 84% done",
    ],
    [
      conditions(["Progressing", "True", "84% done"], ["Failing", "True", "console is degraded"]),
      "Failing: console is degraded",
    ],
    [
      conditions(["Failing", "False", "old"], ["Progressing", "True"]),
      "Progressing: without a message",
    ],
    [conditions(["Failing", "True", `${"x".repeat(9_999)}\r\n`]), "Failing: xxx"],
  ])("goes on at %o, and tells of it when the time is up", async (reply, told) => {
    cluster.reply = () => reply;
    const run = startRun(waitForClusterVersion);
    expect(await run.begin()).toEqual(again);
    run.clock.skip(60 * 60_000);
    const end = await endOf(run);
    expect(end.code).toBe("StepTimedOut");
    expect(end.message).toContain(told);
    expect(end.message.length).toBeLessThan(500);
    expect(end.message).not.toMatch(/\p{Cc}/u);
  });
});

describe("the ingress address", () => {
  const found: (string | undefined)[] = [];
  const step: MakeStep = (effects, read) => ({
    name: "CreateIngressRecord",
    deadlineMs: 1,
    run: async (context) => {
      found.push(await ingressAddress(context, effects, read));
      return { done: true };
    },
  });
  const addressOf = async (): Promise<string | undefined> => {
    found.length = 0;
    await startRun(step).begin();
    return found[0];
  };

  it("is the router's first one of IPv4", async () => {
    cluster.reply = () => ({
      body: {
        status: {
          loadBalancer: { ingress: [{ hostname: "a" }, { ip: "fd00::1" }, { ip: "20.1.2.3" }] },
        },
      },
    });
    expect(await addressOf()).toBe("20.1.2.3");
    expect(cluster.takeCalls()).toEqual([
      "GET /api/v1/namespaces/openshift-ingress/services/router-default",
    ]);
  });

  it.each([
    { status: 404 },
    { status: 503 },
    { body: {} },
    { body: { status: { loadBalancer: { ingress: null } } } },
    { body: { status: { loadBalancer: { ingress: [] } } } },
    { body: { status: { loadBalancer: { ingress: [{ ip: "20.1.2.3\n" }, { ip: 5 }] } } } },
    { body: { status: { loadBalancer: { ingress: "20.1.2.3" } } } },
  ])("is none at %o", async (reply) => {
    cluster.reply = () => reply;
    expect(await addressOf()).toBeUndefined();
  });
});
