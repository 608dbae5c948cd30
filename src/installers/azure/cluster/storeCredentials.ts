/**
 * The step `StoreCredentials`, the last of a create: what opens the cluster goes into its document, with its URLs, and what was kept
 * for the installation is deleted, since it holds every key of the cluster. It must never delete before the document has what only
 * the deleted could give.
 */
import { z } from "zod";
import type { InstallationChanges, Step, StepContext } from "../../installer.ts";
import { consoleUrl } from "../../clusterNames.ts";
import { doneWithOutsideCalls } from "../resources/lateCalls.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { apiserverUrl, blobs, containers } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import type { ResourceKind } from "./clusterApi.ts";
import { asking, type ReadCredentials } from "./clusterStep.ts";
import { readAssets } from "../assets/readAssets.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { blobServiceOf } from "../resources/storageAccount.ts";

const consoles: ResourceKind = { group: "config.openshift.io", version: "v1", plural: "consoles" };
const consoleForm = z.looseObject({ status: z.looseObject({ consoleURL: z.string() }) });
const urlLengthMax = 2_000;

const kept = [
  [containers.ignition, blobs.bootstrapIgnition],
  [containers.state, blobs.state],
] as const;

/** Deletes what holds the cluster's keys; nothing to delete is well too. */
export type DeleteKept = (context: StepContext, effects: AzureEffects) => Promise<void>;

export function storeCredentials(
  effects: AzureEffects,
  needs: { readonly readCredentials: ReadCredentials; readonly deleteKept: DeleteKept } = {
    readCredentials: readAssets,
    deleteKept,
  },
): Step {
  return {
    name: "StoreCredentials",
    deadlineMs: 30 * 60_000,
    run: async (context) => {
      await saveCredentials(context, effects, needs.readCredentials);
      await saveUrls(context, effects, needs.readCredentials);
      await needs.deleteKept(context, effects);
      return doneWithOutsideCalls(context.snapshot);
    },
  };
}

/** Both at once, so that who has one has both. */
async function saveCredentials(
  context: StepContext,
  effects: AzureEffects,
  readCredentials: ReadCredentials,
): Promise<void> {
  const { secrets } = context.snapshot;
  if (secrets.adminKubeconfig !== undefined && secrets.kubeadminPassword !== undefined) return;
  const { adminKubeconfig, kubeadminPassword } = await readCredentials(context, effects);
  await context.save({ secrets: { adminKubeconfig, kubeadminPassword } });
}

async function saveUrls(
  context: StepContext,
  effects: AzureEffects,
  readCredentials: ReadCredentials,
): Promise<void> {
  const { cluster } = context.snapshot;
  if (cluster.apiserverUrl !== undefined && cluster.consoleUrl !== undefined) return;
  const names = noted(context.snapshot, "names");
  const urls: InstallationChanges = {
    apiserverUrl: apiserverUrl(names),
    consoleUrl: (await toldConsoleUrl(context, effects, readCredentials)) ?? consoleUrl(names),
  };
  await context.save(urls);
}

/** Where the cluster says that its console is; nothing when it doesn't, or says no such thing as a URL. */
async function toldConsoleUrl(
  context: StepContext,
  effects: AzureEffects,
  readCredentials: ReadCredentials,
): Promise<string | undefined> {
  let told: string | undefined;
  await asking(context, effects, {
    readCredentials,
    look: async (api) => {
      const console = consoleForm.safeParse(await api.resource(consoles, "cluster"));
      told = console.data?.status.consoleURL;
      return { done: true };
    },
  });
  const url = URL.parse(told ?? "");
  const isUsable =
    url?.protocol === "https:" &&
    url.username === "" &&
    url.password === "" &&
    url.href.length <= urlLengthMax;
  return isUsable ? url.href : undefined;
}

/** Whatever of blob, container and account is gone, what it held is gone with it. */
async function deleteKept(context: StepContext, effects: AzureEffects): Promise<void> {
  const { snapshot, signal } = context;
  const service = await orAbsent(blobServiceOf(effects, snapshot, signal));
  if (service === undefined) return;
  for (const [container, blob] of kept) {
    context.guard();
    const client = service.getContainerClient(container).getBlobClient(blob);
    await orAbsent(client.delete({ deleteSnapshots: "include", abortSignal: signal }));
  }
}
