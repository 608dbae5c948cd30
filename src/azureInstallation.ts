/**
 * Puts the installer on Azure together: a part of the composition that is loaded only where that installer works, since it brings
 * Azure's libraries with it. It must hold no rule of its own.
 */
import { AzureConnection } from "./installers/azure/azureConnection.ts";
import { azureInstaller } from "./installers/azure/azureInstaller.ts";
import type { AzureInstallerSettings } from "./installers/azure/azureInstallerSettings.ts";
import type { Installer } from "./installers/installer.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/ids.ts";
import type { KeyRing } from "./store/keyRing.ts";
import { SealedBytes } from "./store/sealedBytes.ts";

/** @param keys those that seal the documents. */
export function installerOnAzure(settings: AzureInstallerSettings, keys: KeyRing): Installer {
  return azureInstaller({
    settings,
    azure: new AzureConnection(settings.endpoints),
    sealing: new SealedBytes({ keys, random: systemRandom }),
    clock: systemClock,
    random: systemRandom,
    pollMs: settings.pollMs,
  });
}
