/**
 * Whether `openshift-install` can make the cluster at all: it has a pull secret, and the program is the right one and of the version
 * that is asked for. It must never give the program a secret, nor tell a piece of the pull secret.
 */
import { tmpdir } from "node:os";
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
 * As the program wants it, which is more than requests are held to: each registry with its credentials.
 *
 * @throws {TerminalError}
 */
function checkPullSecret({ secrets: { pullSecret } }: InstallationSnapshot): void {
  const fault = pullSecret === undefined ? "The cluster has no pull secret" : faultOf(pullSecret);
  if (fault === undefined) return;
  throw new TerminalError({
    code: "InstallationFailed",
    message: `${fault}. Set 'properties.clusterProfile.pullSecret' by PATCH or PUT, which begins the installation again: the one that Red Hat gives out, with its 'auths'.`,
  });
}

function faultOf(pullSecret: string): string | undefined {
  const registries = membersOf(membersOf(parsed(pullSecret))?.["auths"]);
  if (registries === undefined) return "The cluster's pull secret is not JSON with 'auths'";
  const all = Object.values(registries);
  if (all.length === 0) return "The cluster's pull secret has no registry in its 'auths'";
  return all.every(hasCredentials)
    ? undefined
    : "The cluster's pull secret has a registry without 'auth' in its 'auths'";
}

function hasCredentials(registry: unknown): boolean {
  const { auth, credsStore } = membersOf(registry) ?? {};
  return [auth, credsStore].some((each) => typeof each === "string" && each !== "");
}

/** `undefined` for what is no JSON: the parser's own error quotes it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
