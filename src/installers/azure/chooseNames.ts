/**
 * The step that chooses what the cluster's things will be called, before any of them is made, and refuses what can't be installed
 * under any circumstances. Once noted, names stay, whatever the settings say later.
 */
import type { Step } from "../installer.ts";
import type { AzureEffects } from "./azureEffects.ts";
import { chooseNames as namesOf, parentZone } from "./azureNames.ts";
import { readNotes } from "./azureNotes.ts";
import { checkStep } from "./checks/checkStep.ts";
import { requestFaults } from "./checks/requestFit.ts";

export function chooseNames(effects: Pick<AzureEffects, "clock" | "pollMs" | "settings">): Step {
  return checkStep(effects, "ChooseNames", async ({ snapshot }) => {
    const { settings } = effects;
    const names = readNotes(snapshot).names ?? namesOf(snapshot, settings.dnsZone);
    const faults = requestFaults(snapshot.cluster, names, parentZone(names, settings));
    return { faults, notes: { names } };
  });
}
