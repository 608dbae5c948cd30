/** The bootstrap machine goes with all that is its alone, in an order in which nothing holds back the next, from any half-done state. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { removeBootstrapMachine } from "../../../../src/installers/azure/resources/removeBootstrapMachine.ts";
import { ScriptedAzure } from "../scriptedAzure.ts";
import { names, stepContext, subscriptionId } from "../stepContext.ts";

const group = `/subscriptions/${subscriptionId}/resourcegroups/${names.managedGroup}/providers`;
const machine = `${group}/microsoft.compute/virtualmachines/infra-bootstrap`;
const disk = `${group}/microsoft.compute/disks/infra-bootstrap_osdisk`;
const nic = `${group}/microsoft.network/networkinterfaces/infra-bootstrap-nic`;
const address = `${group}/microsoft.network/publicipaddresses/infra-bootstrap-pip`;
const order = [machine, disk, nic, address];

let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

test.each([
  ["everything is there", order],
  ["the machine is gone", [disk, nic, address]],
  ["it had no address", [machine, disk, nic]],
  ["nothing is there", []],
])("when %s", async (_what, present) => {
  /** Looks until what is being deleted is gone. */
  const looks = new Map<string, number>();
  const there = new Set(present);
  azure.calls.length = 0;
  azure.script = ({ method, path }) => {
    if (!there.has(path)) return undefined;
    if (method === "DELETE") {
      looks.set(path, 2);
      return { status: 202, headers: { location: `${azure.url}/operations/1` } };
    }
    const left = looks.get(path);
    if (left === undefined) {
      return { status: 200, body: { properties: { provisioningState: "Succeeded" } } };
    }
    looks.set(path, left - 1);
    if (left === 1) there.delete(path);
    return { status: 200, body: { properties: { provisioningState: "Deleting" } } };
  };
  const step = asAzureStep(removeBootstrapMachine(azure.effects()), azure.effects());
  let runs = 0;
  for (;;) {
    const context = stepContext({ installation: { azure: { names, infraId: "infra" } } });
    const result = await step.run(context);
    if (result.done) break;
    expect((runs += 1)).toBeLessThan(20);
  }
  expect(azure.changes()).toEqual(present.map((path) => `DELETE ${path}`));
});
