/**
 * The end of a deletion: looks again for what a late call of the create may have made since the first look. The cluster must not be
 * forgotten as long as such a call can be under way: nobody would ever find what it makes.
 */
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { deleteDnsRecords } from "./deleteDnsRecords.ts";
import { deleteResourceGroup } from "./deleteResourceGroup.ts";
import { outsideCallMs } from "./lateCalls.ts";

export function deleteLateArrivals(
  effects: Pick<AzureEffects, "azure" | "pollMs" | "random" | "settings">,
): Step {
  const looks = [deleteDnsRecords(effects), deleteResourceGroup(effects)];
  return {
    name: "DeleteLateArrivals",
    deadlineMs: 4 * 60 * 60_000,
    run: async (context) => {
      const waitMs = outsideCallMs(context);
      if (waitMs > 0) {
        const because = "a call that the cluster's creation made may still take effect in Azure.";
        return { done: false, againAfterMs: waitMs, because };
      }
      for (const look of looks) {
        const result = await look.run(context);
        if (!result.done) return result;
      }
      return { done: true };
    },
  };
}
