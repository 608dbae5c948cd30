/**
 * A create that failed and is begun anew with other credentials, over the stand-in: the cluster gets them wherever it can still get
 * them, and where it can't its user is told at once.
 */
import { describe, expect, it } from "vitest";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import { updateOf } from "../../backend/stepsSuite.ts";
import { AzureRun, type KillAt } from "./azureRun.ts";

const otherPullSecret = '{"auths":{"registry.example":{"auth":"b3RoZXI6c2VjcmV0"}}}';

const atCopy: KillAt = ({ method, path }, at) =>
  method === "PUT" && path.endsWith("/vhd/rhcos.vhd") && at === "before";
const atDeployment =
  (moment: "before" | "after"): KillAt =>
  ({ method, path }, at) =>
    method === "PUT" && path.includes("/deployments/resources-") && at === moment;
const atBootstrapRemoval: KillAt = ({ method, path }, at) =>
  method === "DELETE" && /virtualMachines\/.*-bootstrap$/.test(path) && at === "before";

function ids(run: AzureRun): readonly string[] {
  return run.azure.resources().map(({ id }) => id);
}

function workers(run: AzureRun): readonly string[] {
  return ids(run).filter((id) => /virtualMachines\/.*-worker-/.test(id));
}

/** Whoever has a role on the managed group: the machines' identity as well. */
function contributors(run: AzureRun): readonly unknown[] {
  return run.azure
    .resources()
    .filter(({ type }) => type === "Microsoft.Authorization/roleAssignments")
    .map(({ properties }) => properties["principalId"]);
}

function notesOf(run: AzureRun): AzureNotes {
  return run.document.installation["azure"] as AzureNotes;
}

function renewSecret(run: AzureRun): { readonly clientSecret: string } {
  const { clientSecret } = run.azure.renewSecret(run.azure.clusterApplication);
  return { clientSecret };
}

describe("before any machine is begun", () => {
  it("takes another pull secret in place of one that registries refuse", async () => {
    await using run = await AzureRun.open();
    run.azure.conditions.refusedPullSecrets.add(run.document.secrets.pullSecret ?? "");
    await run.untilKilled(atCopy);
    const { infraId } = notesOf(run);
    run.asks({}, { pullSecret: otherPullSecret });
    await run.operation();
    expect(await run.clusterSecret("openshift-config", "pull-secret")).toEqual({
      ".dockerconfigjson": otherPullSecret,
    });
    expect(workers(run)).toHaveLength(3);
    // nothing stays of what was named by the assets before
    expect(infraId).toBeDefined();
    expect(ids(run).filter((id) => id.includes(infraId ?? ""))).toEqual([]);
  });

  it("takes another secret of its service principal in place of one that was revoked", async () => {
    await using run = await AzureRun.open();
    await run.untilKilled(atCopy);
    run.asks({}, renewSecret(run));
    await run.operation();
    expect(workers(run)).toHaveLength(3);
  });

  it("keeps what was made when no more than the number of workers differs", async () => {
    await using run = await AzureRun.open();
    await run.untilKilled(atCopy);
    const { infraId } = notesOf(run);
    run.asks({ workers: run.document.cluster.workers.map((pool) => ({ ...pool, count: 5 })) });
    await run.operation();
    expect(notesOf(run)).toMatchObject({ infraId });
    expect(workers(run)).toHaveLength(5);
  });

  it("guards given subnets by the new security groups, and gives them back", async () => {
    await using run = await AzureRun.open();
    const { subscriptionId, cluster } = run.document;
    const network = run.azure.createNetwork(subscriptionId, "networks", "office");
    const given = ids(run).toSorted();
    run.asks({
      controlPlane: { ...cluster.controlPlane, subnetId: `${network}/subnets/control-plane` },
      workers: cluster.workers.map((pool) => ({
        ...pool,
        subnetId: `${network}/subnets/workers`,
      })),
    });
    await run.untilKilled(atDeployment("before"));
    const { infraId = "" } = notesOf(run);
    const guards = (): string => JSON.stringify(run.azure.state.get(network));
    expect(guards()).toContain(`${infraId}-node-nsg`);
    run.asks({}, { pullSecret: otherPullSecret });
    await run.operation();
    expect(guards()).not.toContain(infraId);
    expect(guards()).toContain(`${notesOf(run).infraId}-node-nsg`);
    expect(ids(run).filter((id) => id.includes(infraId))).toEqual([]);
    await run.delete();
    expect(ids(run).toSorted()).toEqual(given);
    expect(guards()).not.toContain("networkSecurityGroup");
  });

  it.each(["before", "after"] as const)("makes each thing once, killed %s any call", async (at) => {
    await using run = await AzureRun.open();
    await run.untilKilled(atDeployment("before"));
    const { infraId } = notesOf(run);
    run.asks({}, { pullSecret: otherPullSecret });
    const killed = new Set<string>();
    await run.operation(({ method, path }, moment) => {
      const call = `${method} ${path}`;
      if (moment !== at || killed.size >= 60 || killed.has(call)) return false;
      killed.add(call);
      return true;
    });
    const calls = [...killed].join("\n");
    expect(calls).toMatch(/^PUT .*\/aro\/graph$/m);
    expect(calls).toMatch(new RegExp(`^DELETE .*/${infraId}-identity$`, "m"));
    expect(workers(run)).toHaveLength(3);
    expect(ids(run).filter((id) => id.includes(infraId ?? ""))).toEqual([]);
    expect(await run.clusterSecret("openshift-config", "pull-secret")).toEqual({
      ".dockerconfigjson": otherPullSecret,
    });
  });
});

describe("while machines may be under way", () => {
  it("goes on with another number of workers", async () => {
    await using run = await AzureRun.open();
    await run.untilKilled(atDeployment("after"));
    run.asks({ workers: run.document.cluster.workers.map((pool) => ({ ...pool, count: 5 })) });
    await run.operation();
    expect(workers(run)).toHaveLength(5);
  });

  it.each<[string, (run: AzureRun) => object]>([
    ["pull secret", () => ({ pullSecret: otherPullSecret })],
    ["service principal", renewSecret],
  ])("ends at once with another %s, and goes on with the one before", async (what, changed) => {
    await using run = await AzureRun.open();
    await run.untilKilled(atDeployment("after"));
    const { secrets } = run.document;
    run.asks({}, changed(run));
    await expect(run.operation()).rejects.toMatchObject({
      code: "InstallationFailed",
      message: expect.stringMatching(new RegExp(`another ${what}.*[Dd]elete`)),
    });
    if (what === "service principal") return;
    run.asks({}, secrets);
    await run.operation();
    expect(workers(run)).toHaveLength(3);
  });
});

it("takes the role from a service principal whose place another one has taken, killed at it", async () => {
  await using run = await AzureRun.open();
  await run.untilKilled(atBootstrapRemoval);
  let former = run.azure.clusterApplication;
  for (const [operation, moment] of [
    ["create", "before"],
    ["update", "after"],
  ] as const) {
    const { kills } = run;
    const atRoleRemoval: KillAt = ({ method, path }, at) =>
      run.kills === kills &&
      method === "DELETE" &&
      path.includes("/roleAssignments/") &&
      at === moment;
    const other = run.azure.registerApplication();
    if (operation === "update") run.become(updateOf(run.document));
    run.asks({ clientId: other.clientId }, { clientSecret: other.clientSecret });
    expect(contributors(run)).toContain(former.objectId);
    await run.operation(atRoleRemoval);
    expect(run.kills).toBe(kills + 1);
    expect(contributors(run)).toContain(other.objectId);
    expect(contributors(run)).not.toContain(former.objectId);
    expect(contributors(run)).toHaveLength(2);
    former = other;
  }
});

it("gives a control plane that stands other credentials, without which it has no workers", async () => {
  await using run = await AzureRun.open();
  let renewed: { readonly clientSecret: string } | undefined;
  await run.untilKilled((call, at) => {
    if (atDeployment("before")(call, at)) renewed = renewSecret(run);
    return atBootstrapRemoval(call, at);
  });
  expect(notesOf(run).bootstrapped).toBe(true);
  expect(workers(run)).toEqual([]);
  run.asks({}, { ...renewed, pullSecret: otherPullSecret });
  await run.operation();
  expect(workers(run)).toHaveLength(3);
  expect(await run.clusterSecret("openshift-config", "pull-secret")).toEqual({
    ".dockerconfigjson": otherPullSecret,
  });
});
