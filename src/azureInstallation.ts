/**
 * Puts the installer on Azure together: a part of the composition that is loaded only where that installer works, since it brings
 * Azure's libraries with it. It must hold no rule of its own.
 */
import { tmpdir } from "node:os";
import { sweepPrivateFolders } from "./installers/azure/assets/privateFolder.ts";
import { AzureConnection } from "./installers/azure/azureConnection.ts";
import { azureInstaller } from "./installers/azure/azureInstaller.ts";
import { StateKeyUnknownError, type StateSealing } from "./installers/azure/azureEffects.ts";
import type { AzureInstallerSettings } from "./installers/azure/azureInstallerSettings.ts";
import type { Installer } from "./installers/installer.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/ids.ts";
import type { KeyRing } from "./store/keyRing.ts";
import { SealedBytes } from "./store/sealedBytes.ts";
import { SealingKeyUnknownError } from "./store/store.ts";

/**
 * Removes first what processes that were killed have left: it holds secrets, and the next installation may be days away.
 *
 * @param keys those that seal the documents.
 * @param parentFolder of the private folders in which the program works.
 */
export async function installerOnAzure(
  settings: AzureInstallerSettings,
  keys: KeyRing,
  parentFolder: string = tmpdir(),
): Promise<Installer> {
  // each run of the program tries again
  await sweepPrivateFolders(parentFolder, systemClock).catch(() => 0);
  return azureInstaller({
    settings,
    azure: new AzureConnection(settings.endpoints, { clock: systemClock }),
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
