/**
 * The step that chooses what the cluster's things will be called, before any of them is made. Once noted, names stay, whatever the
 * settings say later.
 */
import type { Step } from "../installer.ts";
import type { AzureEffects } from "./azureEffects.ts";
import { chooseNames as namesOf } from "./azureNames.ts";
import { readNotes, withNotes } from "./azureNotes.ts";

export function chooseNames({ settings }: AzureEffects): Step {
  return {
    name: "ChooseNames",
    deadlineMs: 60_000,
    run: async ({ snapshot }) => {
      const names = readNotes(snapshot).names ?? namesOf(snapshot, settings.dnsZone);
      return { done: true, changes: { installation: withNotes(snapshot, { names }) } };
    },
  };
}
