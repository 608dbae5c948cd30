/** The bootstrap machine goes with all that is its alone, in an order in which nothing holds back the next, from any half-done state. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { removeBootstrapMachine } from "../../../../src/installers/azure/resources/removeBootstrapMachine.ts";
import { ScriptedAzure } from "../scriptedAzure.ts";
import { names, stepContext, subscriptionId, type TestContext } from "../stepContext.ts";

const group = `/subscriptions/${subscriptionId}/resourcegroups/${names.managedGroup}/providers`;
const machine = `${group}/microsoft.compute/virtualmachines/infra-bootstrap`;
const disk = `${group}/microsoft.compute/disks/infra-bootstrap_osdisk`;
const nic = `${group}/microsoft.network/networkinterfaces/infra-bootstrap-nic`;
const address = `${group}/microsoft.network/publicipaddresses/infra-bootstrap-pip`;
const order = [machine, disk, nic, address];
const installation = { azure: { names, infraId: "infra" } };

let azure: ScriptedAzure;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());

function there(path: string, provisioningState: string): object {
  return { name: path.split("/").at(-1), properties: { provisioningState } };
}

test.each(order)(
  "what tells nothing of it says neither that it is there nor that it isn't: %s",
  async (part) => {
    azure.calls.length = 0;
    azure.script = ({ path }) => (path === part ? { status: 200, body: {} } : undefined);
    const context = stepContext({ installation });
    await expect(removeBootstrapMachine(azure.effects()).run(context)).rejects.toMatchObject({
      name: "RestError",
      code: "PARSE_ERROR",
    });
    expect(azure.changes()).toEqual([]);
  },
);

test.each([
  ["everything is there", order],
  ["the machine is gone", [disk, nic, address]],
  ["it had no address", [machine, disk, nic]],
  ["nothing is there", []],
])("when %s", async (_what, present) => {
  /** Looks until what is being deleted is gone. */
  const looks = new Map<string, number>();
  const left = new Set(present);
  azure.calls.length = 0;
  azure.script = ({ method, path }) => {
    if (!left.has(path)) return undefined;
    if (method === "DELETE") {
      looks.set(path, 2);
      return { status: 202, headers: { location: `${azure.url}/operations/1` } };
    }
    const looksLeft = looks.get(path);
    if (looksLeft === undefined) {
      return { status: 200, body: there(path, "Succeeded") };
    }
    looks.set(path, looksLeft - 1);
    if (looksLeft === 1) left.delete(path);
    return { status: 200, body: there(path, "Deleting") };
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

const lateBy = (context: TestContext, minutes: number): TestContext => ({
  ...context,
  snapshot: context.snapshot,
  startedAt: context.now - minutes * 60_000,
});

describe.each([
  ["machine", machine, "infra-bootstrap"],
  ["address", address, "infra-bootstrap-pip"],
])("a deletion of the %s that Azure takes and then fails", (_what, part, name) => {
  const operation = `/subscriptions/${subscriptionId}/providers/operations/1`;
  const failing = (error: unknown): void => {
    const headers = { "azure-asyncoperation": `${azure.url}${operation}?api-version=1` };
    azure.calls.length = 0;
    azure.script = ({ method, path }) => {
      if (path === operation) return { status: 200, body: { status: "Failed", error } };
      if (path !== part) return undefined;
      if (method === "DELETE") return { status: 202, headers };
      return { status: 200, body: there(path, "Succeeded") };
    };
  };
  const step = () => asAzureStep(removeBootstrapMachine(azure.effects()), azure.effects());

  test("for a lock ends the step with Azure's reason, after one call, whoever looks", async () => {
    failing({ code: "ScopeLocked", message: "The scope is locked." });
    const context = stepContext({ installation });
    await step().run(context);
    const resumed = stepContext({ installation: context.snapshot.installation });
    await expect(step().run(resumed)).rejects.toMatchObject({
      code: "InstallationFailed",
      message: expect.stringContaining("ScopeLocked: The scope is locked.") as string,
    });
    expect(azure.changes()).toEqual([`DELETE ${part}`]);
    // once the lock is gone a create that begins anew begins the deletion anew
    const anew = stepContext({
      installation: context.snapshot.installation,
      operationId: "another",
    });
    expect(await step().run(anew)).toEqual({ done: false, againAfterMs: 10_000 });
    expect(azure.changes()).toEqual([`DELETE ${part}`]);
  });

  test("by its own fault is begun again with the reason, not for ever", async () => {
    failing({ code: "InternalExecutionError", message: "Oops." });
    const context = stepContext({ installation });
    await step().run(context);
    const because = `The deletion of ${name} in Azure failed and is begun again. Azure did not do it: InternalExecutionError: Oops.`;
    expect(await step().run(context)).toEqual({ done: false, againAfterMs: 60_000, because });
    expect(azure.changes()).toEqual([`DELETE ${part}`]);
    expect(await step().run(context)).toEqual({ done: false, againAfterMs: 10_000, because });
    await expect(step().run(lateBy(context, 30))).rejects.toMatchObject({
      code: "InstallationFailed",
      message: expect.stringContaining("InternalExecutionError: Oops.") as string,
    });
    expect(azure.changes()).toEqual([`DELETE ${part}`]);
  });
});
