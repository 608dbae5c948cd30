/**
 * What `openshift-install` made for a cluster, for the steps after the one that ran it. It must never give a step what is not yet
 * kept: it reads the sealed blob and nothing else.
 */
import { TransientError } from "../../../model/rpError.ts";
import type { StepContext } from "../../installer.ts";
import { unpackAssets } from "./assetArchive.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { clusterAssets, type ClusterAssets } from "./clusterAssets.ts";
import { SealedState } from "./sealedState.ts";

/**
 * @throws when there are none, or they don't open.
 * @throws {RestError}
 */
export async function readAssets(
  context: Pick<StepContext, "snapshot" | "signal">,
  effects: Pick<AzureEffects, "azure" | "sealing">,
): Promise<ClusterAssets> {
  const kept = await keptAssets(await SealedState.of(context, effects));
  if (kept === undefined) {
    throw new TransientError(
      "what openshift-install made for the cluster is not in its storage account",
    );
  }
  return kept;
}

/** `undefined` when there are none. */
export async function keptAssets(state: SealedState): Promise<ClusterAssets | undefined> {
  const archive = await state.read();
  return archive === undefined ? undefined : clusterAssets(await unpackAssets(archive));
}
