/**
 * Keeps updates from clusters that another installer made: what this one would look for was never there. It must not stand in the way
 * of an update that changes nothing in the cluster. Pure.
 */
import { TerminalError } from "../../../model/rpError.ts";
import type { Step } from "../../installer.ts";
import { readNotes } from "../azureNotes.ts";
import { isAnyToBeSet } from "./unsettled.ts";

/** The step; it fails with a `TerminalError` when it would change another installer's cluster. */
export function ofOwnCluster(step: Step): Step {
  return {
    ...step,
    run: async (context) => {
      const { snapshot } = context;
      // the first note of every create; others may be of an update that a former release has begun
      if (readNotes(snapshot).names === undefined && isAnyToBeSet(snapshot)) {
        throw new TerminalError({
          code: "InstallationFailed",
          message:
            "Another installer made this cluster; the resource provider has to run with that one (INSTALLER) to change it.",
        });
      }
      return await step.run(context);
    },
  };
}
