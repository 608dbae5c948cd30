/**
 * A worker that stood still for longer than its lease, as on a suspended machine: whatever it was doing when it goes on, it changes
 * nothing in Azure any more, as others have gone on in its place.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenCredential } from "@azure/core-auth";
import { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import type { AzureEffects } from "../../../src/installers/azure/azureEffects.ts";
import { asAzureStep } from "../../../src/installers/azure/failures/azureFailure.ts";
import { assignRole } from "../../../src/installers/azure/resources/assignRole.ts";
import { createResourceGroup } from "../../../src/installers/azure/resources/createResourceGroup.ts";
import { deleteResourceGroup } from "../../../src/installers/azure/resources/deleteResourceGroup.ts";
import { deployStorage } from "../../../src/installers/azure/resources/deployStorage.ts";
import type { Step } from "../../../src/installers/installer.ts";
import { LeaseDeadline, momentOf } from "../../../src/runtime/leaseDeadline.ts";
import { TestClock } from "../../runtime/testClock.ts";
import { ScriptedAzure, type Script } from "./scriptedAzure.ts";
import { clusterId, incarnationId, names, stepContext, subscriptionId } from "./stepContext.ts";

const leaseMs = 45_000;
const leaseLost = "the lease may have run out";
const groupPath = `/subscriptions/${subscriptionId}/resourcegroups/${names.managedGroup}`;
const group = {
  name: names.managedGroup,
  managedBy: clusterId,
  tags: { "openshift-rp-incarnation": incarnationId },
};

let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

let clock: TestClock;
/** Called before a token is given; each token is for one request. */
let signingIn: () => void;
beforeEach(() => {
  clock = new TestClock();
  signingIn = () => undefined;
  azure.changes();
});

/** A worker whose lease was renewed just now, and whom nobody has told yet that it has run out. */
function worker(step: (effects: AzureEffects) => Step) {
  const credential: TokenCredential = {
    getToken: async () => {
      signingIn();
      return { token: "t", expiresOnTimestamp: Date.now() };
    },
  };
  const effects = {
    ...azure.effects(),
    azure: new AzureConnection(
      { resourceManager: azure.url, authorityHost: azure.url },
      { clock, credential: () => credential },
    ),
  };
  const deadline = new LeaseDeadline({ clock, leaseMs, begunAt: momentOf(clock) });
  const context = stepContext({
    installation: {
      azure: { names, principalObjectId: "principal", unsettled: ["servicePrincipal"] },
    },
  });
  const guard = (): void => {
    if (deadline.passed) throw new Error(leaseLost);
  };
  return asAzureStep(step(effects), effects).run(Object.assign(context, { guard }));
}

const changes: readonly [string, (effects: AzureEffects) => Step, Script][] = [
  ["makes no group", createResourceGroup, () => undefined],
  ["deploys nothing", deployStorage, () => undefined],
  ["gives nobody a role", assignRole, () => undefined],
  [
    "deletes no group",
    deleteResourceGroup,
    ({ method, path }) =>
      method === "GET" && path === groupPath ? { status: 200, body: group } : undefined,
  ],
];

describe.each(changes)("a worker that wakes after ten minutes %s", (_what, step, script) => {
  /** The wall clock alone goes on while a machine is suspended, and no timer has fired yet when it wakes. */
  const suspend = (): void => clock.setBack(-10 * 60_000);

  it("when it was signing in for any of its requests, the last of which is the change", async () => {
    azure.script = script;
    let signIns = 0;
    signingIn = () => void (signIns += 1);
    await Promise.allSettled([worker(step)]);
    expect(azure.calls).toHaveLength(signIns);
    expect(azure.changes()).toHaveLength(1);
    for (let index = 0; index < signIns; index += 1) {
      let left = index;
      signingIn = () => void (left-- === 0 && suspend());
      await expect(worker(step)).rejects.toThrow(leaseLost);
      expect(azure.changes(), `sign-in ${index}`).toEqual([]);
    }
  });

  it("a second time, when the answer to the first is that Azure is busy", async () => {
    azure.script = (request) => {
      if (request.method === "GET") return script(request);
      suspend();
      return { status: 503, headers: { "retry-after-ms": "1" } };
    };
    await expect(worker(step)).rejects.toThrow(leaseLost);
    expect(azure.changes()).toHaveLength(1);
  });
});
