/**
 * Puts the configuration of the bootstrap machine, which is too large for Azure to hand it over, to where the machine reads it. It
 * holds the cluster's secrets: nobody else may read it, and it is deleted when the cluster is installed.
 */
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { blobs, containers } from "../azureNames.ts";
import { isBootstrapped } from "../azureNotes.ts";
import { readAssets } from "../assets/readAssets.ts";
import { blobServiceOf } from "./storageAccount.ts";

export function uploadIgnition(effects: Pick<AzureEffects, "azure" | "sealing">): Step {
  return {
    name: "UploadIgnition",
    deadlineMs: 30 * 60_000,
    run: async (context) => {
      if (isBootstrapped(context.snapshot)) return { done: true };
      const { signal } = context;
      const { bootstrapIgnition } = await readAssets(context, effects);
      const service = await blobServiceOf(effects, context.snapshot, signal);
      const content = Buffer.from(bootstrapIgnition);
      context.guard();
      await service
        .getContainerClient(containers.ignition)
        .getBlockBlobClient(blobs.bootstrapIgnition)
        .upload(content, content.length, {
          abortSignal: signal,
          blobHTTPHeaders: { blobContentType: "application/json" },
        });
      return { done: true };
    },
  };
}
