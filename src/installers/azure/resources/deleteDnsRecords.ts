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
      let isAnyLeft = false;
      for (const id of dnsRecords) {
        const isGone = await deleteRecord(effects, context, id);
        isAnyLeft ||= !isGone;
      }
      return isAnyLeft ? { done: false, againAfterMs: effects.pollMs } : { done: true };
    },
  };
}
