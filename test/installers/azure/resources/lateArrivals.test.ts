/** The end of a deletion: it comes only when no call of the create can be under way any more, and takes what has come meanwhile. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { azureInstaller } from "../../../../src/installers/azure/azureInstaller.ts";
import { readNotes } from "../../../../src/installers/azure/azureNotes.ts";
import { doneWithOutsideCalls } from "../../../../src/installers/azure/resources/lateCalls.ts";
import type { StepResult } from "../../../../src/installers/installer.ts";
import { ScriptedAzure } from "../scriptedAzure.ts";
import { clusterId, incarnationId, names, stepContext, subscriptionId } from "../stepContext.ts";

const groupPath = `/subscriptions/${subscriptionId}/resourcegroups/aro-mycluster-abcdefgh`;
const zone = "/subscriptions/s/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.com";
const record = `${zone}/CNAME/api.mycluster-abcdefgh`;
const marks = { "openshift-rp-incarnation": incarnationId };
const minuteMs = 60_000;
const { now } = stepContext();
let azure: ScriptedAzure;
let present: Map<string, object>;
beforeAll(async () => {
  azure = await ScriptedAzure.start();
});
afterAll(async () => azure[Symbol.asyncDispose]());
beforeEach(() => {
  present = new Map();
  azure.calls.length = 0;
  azure.script = ({ method, path, body }) => {
    if (method === "PUT") {
      const made = { ...(body as object), name: names.managedGroup, properties: {} };
      present.set(path, made);
      return { status: 201, body: made };
    }
    const found = present.get(path);
    if (method === "DELETE") present.delete(path);
    return found && { status: 200, body: found };
  };
});

const step = (kind: "create" | "delete", called: string) => {
  const steps = azureInstaller(azure.effects()).phases[kind].flatMap((phase) => phase.steps);
  const [found] = steps.filter(({ name }) => name === called);
  if (found === undefined) throw new Error(`no step is called ${called}`);
  return found;
};
const end = async (options: Parameters<typeof stepContext>[0]): Promise<StepResult> =>
  step("delete", "DeleteLateArrivals").run(stepContext(options));
const after = (agoMs: number) => ({
  installation: { azure: { names, dnsRecords: [record], outsideCallAt: now - agoMs } },
});

test("waits for a call that may be under way, and says so", async () => {
  for (const agoMs of [0, 2 * minuteMs, 5 * minuteMs - 1]) {
    expect(await end(after(agoMs))).toEqual({
      done: false,
      againAfterMs: 5 * minuteMs - agoMs,
      because: expect.stringContaining("may still take effect") as string,
    });
  }
  // a clock that was ahead
  expect(await end(after(-60 * minuteMs))).toMatchObject({ againAfterMs: 5 * minuteMs });
  expect(azure.calls).toEqual([]);
});

test("comes at once when none can be", async () => {
  expect(await end(after(5 * minuteMs))).toEqual({ done: true });
  expect(await end({ installation: { azure: { names } } })).toEqual({ done: true });
  expect(azure.changes()).toEqual([]);
});

test("takes what has come late", async () => {
  const group = { name: names.managedGroup, managedBy: clusterId, tags: marks };
  present.set(groupPath, group);
  present.set(record.toLowerCase(), {
    name: "api.mycluster-abcdefgh",
    etag: "e",
    properties: { metadata: marks },
  });
  const late = after(6 * minuteMs);
  expect(await end(late)).toMatchObject({ done: false });
  expect(azure.changes()).toEqual([`DELETE ${record.toLowerCase()}`, `DELETE ${groupPath}`]);
  expect(await end(late)).toEqual({ done: true });
});

test("knows of the call for the group before it is made", async () => {
  const context = stepContext({ installation: { azure: { names } } });
  await step("create", "CreateResourceGroup").run({
    ...context,
    snapshot: context.snapshot,
    guard: () => {
      expect(readNotes(context.snapshot).outsideCallAt).toBe(now);
    },
  });
  expect(azure.changes()).toEqual([`PUT ${groupPath}`]);
});

test.each([
  ["a group that was made", 201, undefined, undefined],
  ["a refusal", 403, undefined, undefined],
  // one of those that the SDK doesn't try again
  ["a fault of Azure", 501, undefined, now],
  ["a group that was made after a call that may be under way", 201, now - minuteMs, now - minuteMs],
  ["a group that was made long after another call", 201, now - 6 * minuteMs, undefined],
])("counts on %s as on the end of its own call alone", async (_what, status, earlier, noted) => {
  azure.script = ({ method }) => (method === "PUT" ? { status, body: {} } : undefined);
  const context = stepContext({ installation: { azure: { names, outsideCallAt: earlier } } });
  await step("create", "CreateResourceGroup")
    .run(context)
    .catch(() => undefined);
  expect(azure.changes().length).toBeGreaterThan(0);
  expect(readNotes(context.snapshot).outsideCallAt).toBe(noted);
});

test("has not to wait for the calls of a create whose cluster stood", () => {
  const { snapshot } = stepContext(after(0));
  expect(doneWithOutsideCalls(snapshot)).toEqual({
    done: true,
    changes: { installation: { azure: { names, dnsRecords: [record] } } },
  });
  const { installation } = stepContext({ installation: { azure: { names } } }).snapshot;
  expect(doneWithOutsideCalls({ ...snapshot, installation })).toEqual({ done: true });
});
