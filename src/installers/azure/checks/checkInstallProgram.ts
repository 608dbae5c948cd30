/**
 * Whether `openshift-install` can make the cluster at all: it has a pull secret, and the program is the right one and of the version
 * that is asked for. It must never give the program a secret, nor tell a piece of the pull secret.
 */
import { tmpdir } from "node:os";
import { pullSecretFault, type PullSecretFault } from "../../../model/pullSecret.ts";
import { TerminalError } from "../../../model/rpError.ts";
import type { InstallationSnapshot, Step, StepContext } from "../../installer.ts";
import { InstallProgram } from "../assets/installProgram.ts";
import { PrivateFolder, sweepPrivateFolders } from "../assets/privateFolder.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { isBootstrapped, isInstalled, readNotes } from "../azureNotes.ts";

const deadlineMs = 30 * 60_000;

/** @param parentFolder of the private folders in which the program works. */
export function checkInstallProgram(
  effects: Pick<AzureEffects, "settings" | "clock">,
  parentFolder: string = tmpdir(),
): Step {
  return {
    name: "CheckInstallProgram",
    deadlineMs,
    run: async (context) => {
      const { snapshot } = context;
      if (isInstalled(snapshot)) return { done: true };
      // another one makes others of what the program had made, as long as no machine has begun
      if (!isBootstrapped(snapshot)) checkPullSecret(snapshot);
      // what it had to make is made: another program is no fault any more
      if (readNotes(snapshot).infraId !== undefined) return { done: true };
      await checkProgram(context, effects, parentFolder);
      return { done: true };
    },
  };
}

async function checkProgram(
  { snapshot, signal }: StepContext,
  { settings, clock }: Pick<AzureEffects, "settings" | "clock">,
  parentFolder: string,
): Promise<void> {
  await sweepPrivateFolders(parentFolder, clock);
  await using folder = await PrivateFolder.make(parentFolder);
  const program = await InstallProgram.prepare({ path: settings.installProgram, folder, signal });
  await program.checkVersion(snapshot.cluster.openshiftVersion);
  // others of OpenShift's programs have such versions too
  await program.imageStream();
}

/**
 * Requests are held to the same, but an earlier release wasn't as strict.
 *
 * @throws {TerminalError}
 */
function checkPullSecret({ secrets: { pullSecret } }: InstallationSnapshot): void {
  const fault = pullSecret === undefined ? "missing" : pullSecretFault(pullSecret);
  if (fault === undefined) return;
  throw new TerminalError({
    code: "InstallationFailed",
    message: `${pullSecretFaults[fault]}. Set 'properties.clusterProfile.pullSecret' by PATCH or PUT, which begins the installation again: the one that Red Hat gives out, with its 'auths'.`,
  });
}

const notJson = "The cluster's pull secret is not JSON with 'auths'";
const pullSecretFaults: Readonly<Record<PullSecretFault | "missing", string>> = {
  missing: "The cluster has no pull secret",
  unreadable: notJson,
  noAuths: notJson,
  noRegistry: "The cluster's pull secret has no registry in its 'auths'",
  noCredentials: "The cluster's pull secret has a registry without 'auth' in its 'auths'",
};
