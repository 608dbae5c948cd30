/**
 * The installer for machines without a cloud: it walks the phases and steps of a real one, persists its intents and takes its
 * time, but creates nothing outside. Keys, certificates and credentials are real. It must never open a connection.
 */
import type { Installer } from "../installer.ts";
import { createPhases } from "./createPhases.ts";
import { deletePhases } from "./deletePhases.ts";
import type { LocalEffects } from "./localEffects.ts";
import { updatePhases } from "./updatePhases.ts";

export function localInstaller(effects: LocalEffects): Installer {
  return {
    name: "local",
    phases: {
      create: createPhases(effects),
      update: updatePhases(effects),
      delete: deletePhases(effects),
    },
  };
}
