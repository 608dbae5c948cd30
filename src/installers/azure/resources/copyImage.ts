/**
 * Copies the image of the machines' operating system into the cluster's storage account; Azure does it by itself once it is asked to.
 * It must never read the image.
 */
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { blobs, containers } from "../azureNames.ts";
import { isBootstrapped, noted } from "../azureNotes.ts";
import { blobServiceOf } from "./storageAccount.ts";
import { found } from "./submit.ts";

/** Until a copy that has failed is looked at again after its new beginning. */
const restartedLookMs = 30_000;

export function copyImage(effects: Pick<AzureEffects, "azure" | "pollMs">): Step {
  return {
    name: "CopyImage",
    deadlineMs: 2 * 60 * 60_000,
    run: async (context) => {
      const { snapshot, signal } = context;
      if (isBootstrapped(snapshot)) return { done: true };
      const service = await blobServiceOf(effects, snapshot, signal);
      const blob = service.getContainerClient(containers.image).getPageBlobClient(blobs.image);
      const properties = await found(blob.getProperties({ abortSignal: signal }));
      if (properties?.copyStatus === "success") return { done: true };
      if (properties?.copyStatus === "pending") {
        return { done: false, againAfterMs: effects.pollMs };
      }
      context.guard();
      await blob.beginCopyFromURL(noted(snapshot, "imageUrl"), { abortSignal: signal });
      const againAfterMs = properties === undefined ? effects.pollMs : restartedLookMs;
      return { done: false, againAfterMs };
    },
  };
}

/** Where the copy lies, without a signature. */
export async function imageBlobUrl(
  effects: Pick<AzureEffects, "azure">,
  { snapshot, signal }: Pick<StepContext, "snapshot" | "signal">,
): Promise<string> {
  const { managedGroup, storageAccount } = noted(snapshot, "names");
  const { storageAccounts } = effects.azure.of(snapshot.subscriptionId).storage;
  const { primaryEndpoints } = await storageAccounts.getProperties(managedGroup, storageAccount, {
    abortSignal: signal,
  });
  if (primaryEndpoints?.blob === undefined) {
    throw new Error(`the storage account ${storageAccount} has no address for blobs`);
  }
  const base = primaryEndpoints.blob.replace(/\/+$/, "");
  return `${base}/${containers.image}/${blobs.image}`;
}
