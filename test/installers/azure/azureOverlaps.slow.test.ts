/**
 * Operations that begin while Azure is still busy with an earlier one's: a delete in the middle of a deployment, a call that takes
 * effect after its caller has gone, a create in the place of what is being deleted. With the installer's real clients against the
 * stand-in.
 */
import { expect, it } from "vitest";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import type { AzureCall, BackgroundWork } from "../../azure/faults.ts";
import { AzureRun, existing } from "./azureRun.ts";

const managedGroup = /\/resourcegroups\/shop-machines$/i;
const never = (): boolean => false;

function isDeployment({ method, path }: AzureCall): boolean {
  return method === "PUT" && path.includes("/deployments/resources-");
}

/** Whether the group is there and being deleted. */
function isBeingDeleted(run: AzureRun): boolean {
  return run.azure
    .resources()
    .some(
      ({ id, properties }) =>
        managedGroup.test(id) && properties["provisioningState"] === "Deleting",
    );
}

it("leaves nothing of a deployment that is broken off at any of its resources, while Azure goes on", async () => {
  for (let index = 0; ; index += 1) {
    await using run = await AzureRun.open({ network: "given" });
    const before = existing(run);
    const held = Promise.withResolvers<void>();
    const heldIds: string[] = [];
    let seen = 0;
    run.azure.onBackground(async ({ kind, id }: BackgroundWork) => {
      // what is asked for by then becomes ready only in the middle of the group's deletion
      if (kind === "deleteGroup") held.resolve();
      if (kind !== "provision" || !isOfMachines(run) || seen++ !== index) return;
      heldIds.push(id);
      run.kill();
      await held.promise;
    });
    await run.untilKilled(never);
    // each of them has been the one
    if (heldIds.length === 0) {
      expect(index).toBeGreaterThan(10);
      return;
    }
    await run.delete();
    expect(existing(run), heldIds[0]).toEqual(before);
  }
  // some thirty creates and deletions, beside other tests
}, 600_000);

/** Whether the larger of the two deployments has begun. */
function isOfMachines(run: AzureRun): boolean {
  return run.azure.calls.some((call) => isDeployment(call));
}

const lateCalls: readonly (readonly [string, (call: AzureCall) => boolean])[] = [
  ["the domain's reservation", ({ method, path }) => method === "PUT" && /\/TXT\//.test(path)],
  ["the group", ({ method, path }) => method === "PUT" && managedGroup.test(path)],
  ["storage", ({ method, path }) => method === "PUT" && path.includes("/deployments/storage-")],
  [
    "a security group",
    ({ method, path }) => method === "PUT" && /networkSecurityGroups\//i.test(path),
  ],
  [
    "a subnet's security group",
    ({ method, path }) => method === "PUT" && path.endsWith("/subnets/control-plane"),
  ],
  ["machines", isDeployment],
  ["the API's record", ({ method, path }) => method === "PUT" && /\/CNAME\/api/.test(path)],
  ["the ingress' record", ({ method, path }) => method === "PUT" && /\/A\/\*\.apps/.test(path)],
];

it.each(lateCalls)(
  "leaves nothing when the call that made %s takes effect after the delete has looked for it",
  async (_what, isLate) => {
    await using run = await AzureRun.open({ network: "given" });
    const before = existing(run);
    await run.untilKilled((call, at) => at === "before" && isLate(call) && "lands late");
    expect(run.kills).toBe(1);
    let looked = false;
    run.azure.onCall(async ({ method, path }, at) => {
      if (looked || at !== "after" || method !== "GET" || !managedGroup.test(path)) return;
      looked = true;
      await run.landLate();
    });
    await run.delete();
    expect(looked).toBe(true);
    expect(existing(run)).toEqual(before);
  },
);

it("deletes a group into which a deployment comes after the last look at deployments", async () => {
  await using run = await AzureRun.open({ network: "given" });
  const before = existing(run);
  await run.untilKilled((call, at) => at === "before" && isDeployment(call) && "lands late");
  let isComing = false;
  const deploying = Promise.withResolvers<void>();
  run.azure.onCall(async ({ method, path }, at) => {
    if (at === "before" && method === "DELETE" && managedGroup.test(path)) await run.landLate();
  });
  run.azure.onBackground(async ({ kind }) => {
    // the group stays until the deployment has come to a resource
    if (kind === "deleteGroup") await deploying.promise;
    if (kind === "deploy" && isBeingDeleted(run)) {
      isComing = true;
      deploying.resolve();
    }
  });
  await run.delete();
  expect(isComing).toBe(true);
  expect(existing(run)).toEqual(before);
});

it("creates a cluster in the place of one whose group is still being deleted, and says what it waits for", async () => {
  await using run = await AzureRun.open({ network: "given" });
  await run.operation();
  const once = existing(run);
  const first = run.document;
  const { attachedSubnets = [] } = first.installation["azure"] as AzureNotes;
  expect(attachedSubnets).toHaveLength(2);
  const longest = { timeout: 120_000 };
  const deleted = Promise.withResolvers<void>();
  run.azure.onBackground(async ({ kind }) => {
    if (kind === "deleteGroup") await deleted.promise;
  });
  // as a delete goes, until Azure has begun with the group
  const deleting = run.delete();
  await expect.poll(() => isBeingDeleted(run), longest).toBe(true);
  run.kill();
  await deleting.catch(never);

  run.anew();
  run.waits.length = 0;
  const created = run.operation();
  const waited = (): readonly (string | undefined)[] =>
    run.waits.filter(({ step }) => step === "CreateResourceGroup").map(({ because }) => because);
  await expect.poll(() => waited().length, longest).toBeGreaterThan(2);
  expect(new Set(waited())).toEqual(
    new Set([expect.stringMatching(/shop-machines.*is being deleted/) as unknown as string]),
  );
  deleted.resolve();
  const { installation } = await created;
  expect(installation["azure"]).toHaveProperty("infraId");
  expect(existing(run)).toEqual(once);
  await run.delete();
});
