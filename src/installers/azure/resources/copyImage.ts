/**
 * Copies the image of the machines' operating system into the cluster's storage account; Azure does it by itself once it is asked to.
 * It must never read the image.
 */
import type { BlobGetPropertiesResponse } from "@azure/storage-blob";
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { blobs, containers } from "../azureNames.ts";
import { isBootstrapped, noted } from "../azureNotes.ts";
import { shownText } from "../failures/shownErrors.ts";
import { blobServiceOf } from "./storageAccount.ts";
import { orAbsent } from "../failures/orAbsent.ts";

/** Until a copy that has failed is looked at again after its new beginning. */
const restartedLookMs = 30_000;
/** How long a copy that fails is begun again, from the step's first start; it takes Azure a few minutes. */
const failuresEndAfterMs = 60 * 60_000;

type Effects = Pick<AzureEffects, "azure" | "pollMs">;

export function copyImage(effects: Effects): Step {
  return {
    name: "CopyImage",
    deadlineMs: 2 * 60 * 60_000,
    run: async (context) => {
      if (isBootstrapped(context.snapshot)) return { done: true };
      // At the first look it is no wonder that there is none. That one comes somewhat after the step's start, which is stored
      // with the end of the step before; a second one comes no sooner than it was asked for.
      const isFirstLook = context.now - context.startedAt < effects.pollMs;
      return await imageThere(effects, context, { isToBeTold: !isFirstLook });
    },
  };
}

/**
 * Done when the copy is there. Otherwise it is under way, or begun: also anew, where somebody has deleted it.
 *
 * @param options.isToBeTold whether something went wrong when there is none.
 * @throws {TerminalError} when it fails again and again.
 */
export async function imageThere(
  effects: Effects,
  context: StepContext,
  { isToBeTold }: { readonly isToBeTold: boolean },
): Promise<StepResult> {
  const { snapshot, signal } = context;
  const service = await blobServiceOf(effects, snapshot, signal);
  const blob = service.getContainerClient(containers.image).getPageBlobClient(blobs.image);
  const properties = await orAbsent(blob.getProperties({ abortSignal: signal }));
  if (properties?.copyStatus === "success") return { done: true };
  if (properties?.copyStatus === "pending") return { done: false, againAfterMs: effects.pollMs };
  if (properties !== undefined) endAfterFailures(context, properties);
  context.guard();
  await blob.beginCopyFromURL(noted(snapshot, "imageUrl"), { abortSignal: signal });
  if (properties !== undefined) return { done: false, againAfterMs: restartedLookMs };
  const because = isToBeTold ? { because: absentImage } : {};
  return { done: false, againAfterMs: effects.pollMs, ...because };
}

const absentImage =
  "The image of the machines' operating system is not, or no longer, in the cluster's storage account, and is being copied.";

/**
 * The backend can't count these: a copy that fails after a while was under way in between, which is progress to it.
 *
 * @throws {TerminalError} with what Azure says of the copy, when it has been begun again for long enough.
 */
function endAfterFailures(
  { now, startedAt, snapshot }: Pick<StepContext, "now" | "startedAt" | "snapshot">,
  { copyStatus, copyStatusDescription }: BlobGetPropertiesResponse,
): void {
  if (now - startedAt < failuresEndAfterMs) return;
  const told = copyStatusDescription ?? `its status is '${copyStatus ?? "none"}'.`;
  throw new TerminalError({
    code: "InstallationFailed",
    message: `The image of the machines' operating system could not be copied into the cluster's storage account, however often it was tried. Azure says: ${shownText(told, snapshot.subscriptionId)}`,
  });
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
