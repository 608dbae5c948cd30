/**
 * Puts the installer on Azure together: a part of the composition that is loaded only where that installer works, since it brings
 * Azure's libraries with it. It must hold no rule of its own.
 */
import { tmpdir } from "node:os";
import type { TokenCredential } from "@azure/core-auth";
import { sweepPrivateFolders } from "./installers/azure/assets/privateFolder.ts";
import { AzureConnection } from "./installers/azure/azureConnection.ts";
import { azureInstaller } from "./installers/azure/azureInstaller.ts";
import { StateKeyUnknownError, type StateSealing } from "./installers/azure/azureEffects.ts";
import type { AzureInstallerSettings } from "./installers/azure/azureInstallerSettings.ts";
import { tellOwnFaults } from "./installers/azure/tellOwnFaults.ts";
import type { Installer } from "./installers/installer.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/ids.ts";
import type { Log } from "./runtime/log.ts";
import type { KeyRing } from "./store/keyRing.ts";
import { SealedBytes } from "./store/sealedBytes.ts";
import { SealingKeyUnknownError } from "./store/store.ts";

export interface InstallationSurroundings {
  /** Those that seal the documents. */
  readonly keys: KeyRing;
  readonly log: Log;
  /** Of the private folders in which the program works; the system's unless given. */
  readonly parentFolder?: string;
  /** Of the resource provider; what the machine has unless given. */
  readonly credential?: () => TokenCredential;
  /** Aborted when the process stops. */
  readonly stop: AbortSignal;
}

/**
 * Removes first what processes that were killed have left: it holds secrets, and the next installation may be days away. What is wrong
 * with the resource provider itself is found out meanwhile, and told.
 */
export async function installerOnAzure(
  settings: AzureInstallerSettings,
  { keys, log, parentFolder = tmpdir(), credential, stop }: InstallationSurroundings,
): Promise<Installer> {
  // each run of the program tries again
  await sweepPrivateFolders(parentFolder, systemClock).catch(() => 0);
  const azure = new AzureConnection(settings.endpoints, {
    clock: systemClock,
    ...(credential === undefined ? {} : { credential }),
  });
  // nobody waits for it: without Azure everything else goes on
  void tellOwnFaults({ settings, azure, clock: systemClock, log, parentFolder, stop });
  return azureInstaller({
    settings,
    azure,
    sealing: stateSealing(keys),
    clock: systemClock,
    random: systemRandom,
    pollMs: settings.pollMs,
  });
}

/** By the keys that seal documents; the installer, which knows no store, is told of a missing one in its own words. */
export function stateSealing(keys: KeyRing): StateSealing {
  const bytes = new SealedBytes({ keys, random: systemRandom });
  return {
    seal: async (plain, binding, signal) => bytes.seal(plain, binding, signal),
    open: async (sealed, binding, signal) => {
      try {
        return await bytes.open(sealed, binding, signal);
      } catch (error) {
        if (!(error instanceof SealingKeyUnknownError)) throw error;
        throw new StateKeyUnknownError(error.keyId, { cause: error });
      }
    },
  };
}
