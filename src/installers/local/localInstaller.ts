/**
 * The installer for machines without a cloud: it walks the phases and steps of a real one, persists its intents and takes its
 * time, but creates nothing outside. Keys, certificates and credentials are real. It must never open a connection.
 */
import { TerminalError } from "../../model/rpError.ts";
import type { Installer, Phase, Step } from "../installer.ts";
import { createPhases } from "./createPhases.ts";
import { deletePhases } from "./deletePhases.ts";
import type { LocalEffects } from "./localEffects.ts";
import { updatePhases } from "./updatePhases.ts";

export function localInstaller(effects: LocalEffects): Installer {
  const { failingStep } = effects;
  const phases = (of: (effects: LocalEffects) => readonly Phase[]): readonly Phase[] =>
    of(effects).map(({ name, steps }) => ({
      name,
      steps: steps.map((step) => (step.name === failingStep ? failing(step) : step)),
    }));
  return {
    name: "local",
    phases: {
      create: phases(createPhases),
      update: phases(updatePhases),
      delete: phases(deletePhases),
    },
  };
}

/** The step, but that it comes to nothing. */
function failing(step: Step): Step {
  return {
    ...step,
    run: async () => {
      throw new TerminalError({
        code: "InstallationFailed",
        message: "The setting LOCAL_FAILING_STEP names it.",
      });
    },
  };
}
