/**
 * Updates and deletes that are run twice, and deletes that are killed for good at any of their changes and begun by another process:
 * over the stand-in, in given subnets, which outlive the cluster.
 */
import { expect, it } from "vitest";
import { deleteOf, updateOf } from "../../backend/stepsSuite.ts";
import { AzureRun, existing, isChange, type KillAt } from "./azureRun.ts";

/** What a delete changes, one after the other. */
const parts = [
  { what: "the zone", isMeant: /\/dnszones\//i, changes: 3 },
  { what: "subnets and the group", isMeant: /\/subnets\/|\/resourcegroups\/[^/]+$/i, changes: 3 },
];

/** At the so-manieth call that changes something of that kind. */
function atChange(index: number, moment: "before" | "after", isMeant: RegExp): KillAt {
  let seen = 0;
  return (call, at) =>
    at === moment && isChange(call) && isMeant.test(call.path) && seen++ === index;
}

function changesSince(run: AzureRun, from: number): readonly string[] {
  return run.azure.calls
    .slice(from)
    .filter((call) => isChange(call))
    .map(({ method, path }) => `${method} ${path}`);
}

it("changes nothing when all of an update, or of a delete, is run twice", async () => {
  await using run = await AzureRun.open({ network: "given" });
  const before = existing(run);
  await run.operation();
  const other = run.azure.registerApplication();
  run.become(updateOf(run.document));
  run.asks({ clientId: other.clientId }, { clientSecret: other.clientSecret });
  const updated = await run.operation();
  const after = existing(run);
  expect(after.filter((id) => /virtualMachines\/.*-worker-/.test(id))).toHaveLength(5);
  let from = run.azure.calls.length;
  expect(await run.operation()).toEqual(updated);
  expect(existing(run)).toEqual(after);
  // the role that it has already
  expect(changesSince(run, from).filter((call) => !call.includes("/roleAssignments/"))).toEqual([]);
  run.become(deleteOf(run.document));
  from = run.azure.calls.length;
  const deleted = await run.operation();
  expect(existing(run)).toEqual(before);
  // those that a delete is killed at below are all that there are
  const changed = changesSince(run, from);
  for (const { isMeant, changes } of parts) {
    expect(changed.filter((call) => isMeant.test(call))).toHaveLength(changes);
  }
  expect(changed).toHaveLength(parts.reduce((sum, { changes }) => sum + changes, 0));
  from = run.azure.calls.length;
  expect(await run.operation()).toEqual(deleted);
  expect(existing(run)).toEqual(before);
  expect(changesSince(run, from)).toEqual([]);
});

const moments = ["before", "after"] as const;

it.each(parts.flatMap((part) => moments.map((moment) => ({ ...part, moment }))))(
  "a delete gives subnets back and leaves nothing, killed for good $moment it changes $what",
  async ({ isMeant, changes, moment }) => {
    for (let index = 0; index < changes; index += 1) {
      await using run = await AzureRun.open({ network: "given" });
      const before = existing(run);
      await run.operation();
      run.become(deleteOf(run.document));
      await run.untilKilled(atChange(index, moment, isMeant));
      expect(run.kills, `change ${index}`).toBe(1);
      await run.operation();
      expect(existing(run), `change ${index}`).toEqual(before);
    }
  },
);
