/** What becomes of clusters that another installer has made, as an operator may set another one: nothing is done to them here. */
import { expect, it } from "vitest";
import type { AzureConnection } from "../../../src/installers/azure/azureConnection.ts";
import { azureInstaller } from "../../../src/installers/azure/azureInstaller.ts";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import type { InstallationChanges, StepContext } from "../../../src/installers/installer.ts";
import { snapshotOf } from "../../../src/backend/changes.ts";
import { withGoalReached } from "../../../src/model/clusterSecrets.ts";
import type { ClusterDocument } from "../../../src/model/document.ts";
import { systemRandom } from "../../../src/runtime/ids.ts";
import { deleteOf, newCluster, updateOf } from "../../backend/stepsSuite.ts";
import { TestClock } from "../../runtime/testClock.ts";
import { dnsZone } from "./azureSnapshot.ts";

const unused = async (): Promise<never> => {
  throw new TypeError("nothing is sealed");
};
const { phases } = azureInstaller({
  settings: { dnsZone, installProgram: "/nowhere" },
  azure: {
    of: () => {
      throw new TypeError("Azure is not asked");
    },
  } as unknown as AzureConnection,
  sealing: { seal: unused, open: unused },
  clock: new TestClock(),
  random: systemRandom,
  pollMs: 1_000,
});

/** A cluster that was made by another installer, and has a kubeconfig that leads nowhere. */
function anothers(azure?: AzureNotes): ClusterDocument {
  const document = newCluster();
  return {
    ...document,
    applied: document.cluster,
    secrets: withGoalReached({
      ...document.secrets,
      clientSecret: "first",
      adminKubeconfig: "of a cluster that is none",
      kubeadminPassword: "none",
    }),
    installation: { local: { prefix: "first-x7k2p" }, ...(azure === undefined ? {} : { azure }) },
  };
}

/** Runs each step by itself. @returns what each changes, or why it fails. */
async function outcomes(document: ClusterDocument): Promise<readonly unknown[]> {
  const kind = document.operation?.kind ?? "create";
  const context: StepContext = {
    snapshot: snapshotOf(document),
    startedAt: 0,
    now: 0,
    signal: new AbortController().signal,
    guard: () => {
      throw new TypeError("nothing is done outside");
    },
    save: async (_changes: InstallationChanges) => {
      throw new TypeError("nothing is noted");
    },
  };
  return await Promise.all(
    phases[kind]
      .flatMap(({ steps }) => steps)
      .map(async (step) => step.run(context).catch((error: unknown) => error)),
  );
}

const refused = {
  name: "TerminalError",
  code: "InstallationFailed",
  message:
    "Another installer made this cluster; the resource provider has to run with that one (INSTALLER) to change it.",
};

it.each<[string, (update: ClusterDocument) => Partial<ClusterDocument>]>([
  ["its number of workers", () => ({})],
  [
    "its pull secret",
    ({ applied, secrets }) => ({
      cluster: applied as ClusterDocument["cluster"],
      secrets: { ...secrets, pullSecret: '{"auths":{"new":{"auth":"bmV3"}}}' },
    }),
  ],
  [
    "its service principal",
    ({ applied, secrets }) => ({
      cluster: applied as ClusterDocument["cluster"],
      secrets: { ...secrets, clientSecret: "second" },
    }),
  ],
])("refuses to change %s, in every step", async (_what, changed) => {
  const update = updateOf(anothers());
  const results = await outcomes({ ...update, ...changed(update) });
  expect(results.length).toBeGreaterThan(3);
  for (const result of results) expect(result).toMatchObject(refused);
});

it("refuses too when an earlier attempt has noted something of it", async () => {
  const [first] = await outcomes(updateOf(anothers({ tenantId: "of the subscription" })));
  expect(first).toMatchObject(refused);
});

it("has nothing to do for an update of what the cluster doesn't have itself, such as tags", async () => {
  const update = updateOf(anothers());
  const cluster = { ...(update.applied ?? update.cluster), tags: { team: "shop" } };
  const results = await outcomes({ ...update, cluster });
  expect(results.length).toBeGreaterThan(3);
  for (const result of results) expect(result).toEqual({ done: true });
});

it("has nothing to delete", async () => {
  const results = await outcomes(deleteOf(anothers()));
  expect(results).toEqual(Array.from({ length: 4 }, () => ({ done: true })));
});
