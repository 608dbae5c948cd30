/** Deletes the cluster's records in the parent zone, those alone that are still its own. */
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { readNotes } from "../azureNotes.ts";
import { deleteRecord } from "./dnsRecords.ts";

export function deleteDnsRecords(
  effects: Pick<AzureEffects, "azure" | "pollMs" | "settings">,
): Step {
  return {
    name: "DeleteDnsRecords",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { dnsRecords = [] } = readNotes(context.snapshot);
      // the first one reserves the domain: nobody else may take it while there are others
      for (const id of dnsRecords.toReversed()) {
        const isGone = await deleteRecord(effects, context, id);
        if (!isGone) return { done: false, againAfterMs: effects.pollMs };
      }
      return { done: true };
    },
  };
}
