/**
 * GenerateAssets: runs `openshift-install`, which makes everything that a cluster begins with. It draws the cluster's keys and its
 * prefix by chance, so what it makes is used only once it is kept: a crash before that leaves nothing that belongs to what is
 * lost, and of two workers that run it the first one's is the cluster's. It must never note or log what it made, nor make the
 * credentials known before the cluster works. Others take their place while no machine can have begun with them, when they are too old
 * or were made from other credentials than the goal's.
 */
import { tmpdir } from "node:os";
import { TerminalError } from "../../../model/rpError.ts";
import { generateSshKey, sshPublicKey } from "../../sshKey.ts";
import type { InstallationSnapshot, Step, StepContext, StepResult } from "../../installer.ts";
import { packAssets, type AssetFiles } from "./assetArchive.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { isBootstrapped, isInstalled, noted, readNotes, withNotes } from "../azureNotes.ts";
import { changedCredentials, originOf, originPath } from "./assetsOrigin.ts";
import { clusterAssets, imageStreamPath, type ClusterAssets } from "./clusterAssets.ts";
import { installConfig } from "./installConfig.ts";
import { InstallProgram } from "./installProgram.ts";
import { mayHaveMachines } from "../resources/machinesBegun.ts";
import { removeReplaced } from "../resources/removeReplaced.ts";
import { machineNetworks } from "./machineNetworks.ts";
import { editedManifests } from "./manifestEdits.ts";
import { PrivateFolder, sweepPrivateFolders } from "./privateFolder.ts";
import { keptAssets } from "./readAssets.ts";
import { SealedState } from "./sealedState.ts";

const deadlineMs = 30 * 60_000;
/** Their certificates are valid for 24 hours: what is left has to suffice for deployment and bootstrap. */
const beginWithinMs = 20 * 60 * 60_000;
/** What the program logs, with secrets in it; nobody needs it. */
const programLog = ".openshift_install.log";

/** @param parentFolder of the private folders in which the program works. */
export function generateAssets(effects: AzureEffects, parentFolder: string = tmpdir()): Step {
  return {
    name: "GenerateAssets",
    deadlineMs,
    run: async (context) => {
      if (isInstalled(context.snapshot)) return { done: true };
      const state = await SealedState.of(context, effects);
      let kept = await keptAssets(state);
      if (kept === undefined) refuseOthers(context.snapshot);
      if (kept === undefined || (await isOutdated(kept, context, effects))) {
        await generateMissingSshKey(context);
        const files = await runProgram(context, effects, parentFolder);
        // so that nothing is kept which later steps can't use
        clusterAssets(files);
        await state.keep(await packAssets(files), () => context.guard());
        kept = await keptAssets(state);
      }
      if (kept === undefined) throw new Error("what was kept of the cluster is not there");
      // of a worker with another goal
      if (await isOutdated(kept, context, effects)) return again(effects);
      if (!(await isReplacedGone(kept, context, effects))) return again(effects);
      const { infraId, imageUrl, origin } = kept;
      const ignitionSince =
        origin?.madeAt ?? readNotes(context.snapshot).ignitionSince ?? context.now;
      const notes = { infraId, imageUrl, ignitionSince };
      return { done: true, changes: { installation: withNotes(context.snapshot, notes) } };
    },
  };
}

function again({ pollMs }: Pick<AzureEffects, "pollMs">): StepResult {
  return { done: false, againAfterMs: pollMs };
}

/**
 * Whether others have to be made.
 *
 * @throws {TerminalError} when they had to, but machines may have begun with these.
 */
async function isOutdated(
  { origin }: ClusterAssets,
  context: StepContext,
  effects: AzureEffects,
): Promise<boolean> {
  const { snapshot, now } = context;
  // a control plane that stands is given other credentials
  if (origin === undefined || isBootstrapped(snapshot)) return false;
  const changed = changedCredentials(origin, snapshot);
  if (changed.length === 0 && now < origin.madeAt + beginWithinMs) return false;
  if (!(await mayHaveMachines(effects, context))) return true;
  if (changed.length === 0) return false;
  throw new TerminalError({
    code: "InstallationFailed",
    message:
      `The cluster's machines have begun with another ${changed.join(" and another ")}, which can't be changed before its control plane stands. ` +
      "Delete the cluster and create it again; or set what it was begun with, which goes on with these machines.",
  });
}

/** @returns whether nothing is left of what was named by assets that these have taken the place of. */
async function isReplacedGone(
  { infraId, imageUrl }: ClusterAssets,
  context: StepContext,
  effects: AzureEffects,
): Promise<boolean> {
  const replaced = readNotes(context.snapshot);
  if (replaced.infraId === undefined || replaced.infraId === infraId) return true;
  if (await mayHaveMachines(effects, context)) throw replacedTooLate();
  return await removeReplaced(effects, context, {
    infraId: replaced.infraId,
    isImageReplaced: replaced.imageUrl !== imageUrl,
  });
}

/**
 * Other assets would be another cluster's, beside what was made for this one.
 *
 * @throws {TerminalError} when there were some.
 */
function refuseOthers(snapshot: InstallationSnapshot): void {
  if (readNotes(snapshot).infraId !== undefined) throw replacedTooLate();
}

function replacedTooLate(): TerminalError {
  return new TerminalError({
    code: "InstallationFailed",
    message:
      "What the cluster began with is no longer in its storage account, and nothing else fits what was made. Delete the cluster and create it again.",
  });
}

async function generateMissingSshKey(context: StepContext): Promise<void> {
  if (context.snapshot.secrets.sshPrivateKey !== undefined) return;
  await context.save({ secrets: { sshPrivateKey: await generateSshKey() } });
}

/** @returns everything that the program has left, and what it prints about images. */
async function runProgram(
  context: StepContext,
  effects: AzureEffects,
  parentFolder: string,
): Promise<AssetFiles> {
  const { snapshot, signal, now } = context;
  const { clientId, openshiftVersion } = snapshot.cluster;
  const { clientSecret, sshPrivateKey } = snapshot.secrets;
  const { installProgram: path, dnsZone } = effects.settings;
  if (clientId === undefined || clientSecret === undefined) {
    throw new TerminalError({
      code: "InvalidServicePrincipalCredentials",
      message: "The cluster has no service principal; delete it and create it with one.",
    });
  }
  if (sshPrivateKey === undefined) throw new TypeError("the SSH key was not saved");
  const networks = await machineNetworks(context, effects);

  await sweepPrivateFolders(parentFolder, effects.clock);
  await using folder = await PrivateFolder.make(parentFolder);
  const credentials = {
    subscriptionId: snapshot.subscriptionId,
    tenantId: noted(snapshot, "tenantId"),
    clientId,
    clientSecret,
  };
  const program = await InstallProgram.prepare({ path, folder, credentials, signal });
  await program.checkVersion(openshiftVersion);
  const imageStream = await program.imageStream();
  const config = installConfig(snapshot, {
    sshPublicKey: sshPublicKey(sshPrivateKey),
    machineNetworks: networks,
    dnsZone,
    resourceManager: effects.azure.endpoints.resourceManager,
  });
  await folder.write(`${program.assets}/install-config.yaml`, config);
  await program.createManifests();
  const manifests = editedManifests(await folder.filesIn(program.assets), snapshot);
  for (const [name, text] of manifests) await folder.write(`${program.assets}/${name}`, text);
  await program.createIgnitionConfigs();

  const files = new Map(await folder.filesIn(program.assets));
  files.delete(programLog);
  files.set(imageStreamPath, Buffer.from(imageStream));
  files.set(originPath, Buffer.from(JSON.stringify(originOf(snapshot, now))));
  return files;
}
