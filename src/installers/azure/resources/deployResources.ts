/**
 * Deploys network, load balancers and machines of a cluster. What the machines are started with is secret and goes through parameters
 * that ARM doesn't show; it must never be part of the template, which everybody with access to the group can read.
 */
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { blobs, containers, deploymentNames } from "../azureNames.ts";
import { isBootstrapped, noted } from "../azureNotes.ts";
import type { DeploymentParameters, DeploymentTemplate } from "../template/azureTemplate.ts";
import { imageBlobUrl, imageThere } from "./copyImage.ts";
import { deploy } from "./deployments.ts";
import { readAssets } from "../assets/readAssets.ts";
import { resourcesParameters } from "../template/machineConfigurations.ts";
import { resourcesTemplate } from "../template/resourcesTemplate.ts";
import { blobServiceOf, sasUrl } from "./storageAccount.ts";

/** As long as the certificates in the configuration. */
const ignitionLifetimeMs = 24 * 60 * 60_000;
/** Azure's clocks and ours may differ. */
const clocksDifferMs = 15 * 60_000;

type Effects = Pick<AzureEffects, "azure" | "pollMs" | "random" | "sealing">;

export function deployResources(effects: Effects): Step {
  return {
    name: "DeployResources",
    deadlineMs: 2 * 60 * 60_000,
    run: async (context) => {
      if (isBootstrapped(context.snapshot)) return { done: true };
      return deploy(effects, context, {
        name: deploymentNames.resources(noted(context.snapshot, "names")),
        template: await templateOf(effects, context),
        // somebody may have deleted it since it was copied
        needs: async () => imageThere(effects, context, { isToBeTold: true }),
        parameters: async () => parametersOf(effects, context),
      });
    },
  };
}

async function templateOf(effects: Effects, context: StepContext): Promise<DeploymentTemplate> {
  const { snapshot } = context;
  const { cluster } = snapshot;
  const { subnetId } = cluster.controlPlane;
  return resourcesTemplate({
    infraId: noted(snapshot, "infraId"),
    incarnationId: snapshot.incarnationId,
    location: cluster.location,
    clusterDomain: noted(snapshot, "names").clusterDomain,
    apiserverVisibility: cluster.apiserverVisibility ?? "Public",
    network:
      subnetId === undefined
        ? { vnetCidr: newNetworkOf(context) }
        : { controlPlaneSubnetId: subnetId },
    machineSize: cluster.controlPlane.vmSize,
    machines: noted(snapshot, "machines"),
    imageBlobUrl: await imageBlobUrl(effects, context),
    identityObjectId: noted(snapshot, "identityObjectId"),
    principalObjectId: noted(snapshot, "principalObjectId"),
  });
}

function newNetworkOf({ snapshot }: StepContext): string {
  const { vnetCidr } = snapshot.cluster.network;
  if (vnetCidr === undefined) throw new TypeError("a cluster has neither a network nor subnets");
  return vnetCidr;
}

/** The same each time: Azure refuses to change what a machine is started with. */
async function parametersOf(effects: Effects, context: StepContext): Promise<DeploymentParameters> {
  const since = noted(context.snapshot, "ignitionSince");
  if (context.now >= since + ignitionLifetimeMs) {
    throw new TerminalError({
      code: "InstallationFailed",
      message:
        "The configuration of the cluster's first machine was valid for 24 hours, which have passed: delete the cluster, then create it again.",
    });
  }
  const service = await blobServiceOf(effects, context.snapshot, context.signal);
  const { infraId, masterIgnition } = await readAssets(context, effects);
  if (infraId !== noted(context.snapshot, "infraId")) {
    throw new Error("the cluster's assets were replaced since GenerateAssets");
  }
  const bootstrapIgnitionUrl = await sasUrl(service, {
    container: containers.ignition,
    blob: blobs.bootstrapIgnition,
    startsAt: since - clocksDifferMs,
    expiresAt: since + ignitionLifetimeMs,
  });
  return resourcesParameters({ bootstrapIgnitionUrl, masterIgnition });
}
