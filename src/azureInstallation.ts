/**
 * Puts the installer on Azure together: a part of the composition that is loaded only where that installer works, since it brings
 * Azure's libraries with it. It must hold no rule of its own.
 */
import { AzureConnection } from "./installers/azure/azureConnection.ts";
import type { StateSealing } from "./installers/azure/azureEffects.ts";
import { azureInstaller } from "./installers/azure/azureInstaller.ts";
import type { AzureInstallerSettings } from "./installers/azure/azureInstallerSettings.ts";
import type { Installer } from "./installers/installer.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/ids.ts";
import type { KeyRing } from "./store/keyRing.ts";

/** Azure takes minutes; to ask more often would only be throttled. */
const pollMs = 10_000;

/** @param keys those that seal the documents. */
export function installerOnAzure(settings: AzureInstallerSettings, keys: KeyRing): Installer {
  return azureInstaller({
    settings,
    azure: new AzureConnection(settings.endpoints),
    sealing: stateSealing(keys),
    clock: systemClock,
    random: systemRandom,
    pollMs,
  });
}

function stateSealing(_keys: KeyRing): StateSealing {
  const missing = async (): Promise<Uint8Array> => {
    throw new TypeError("nothing seals the state of installations yet");
  };
  return { seal: missing, open: missing };
}
