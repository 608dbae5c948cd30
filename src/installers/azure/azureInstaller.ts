/**
 * The installer that builds real clusters on Azure: its phases in their order, each a list of steps that other files hold. It must
 * hold no rule of its own.
 */
import type { Installer } from "../installer.ts";
import type { AzureEffects } from "./azureEffects.ts";
import { chooseNames } from "./chooseNames.ts";

export function azureInstaller(effects: AzureEffects): Installer {
  return {
    name: "azure",
    phases: {
      create: [{ name: "DeployStorage", steps: [chooseNames(effects)] }],
      update: [],
      delete: [],
    },
  };
}
