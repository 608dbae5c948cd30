/**
 * Makes the name under which the cluster's API is found from outside, in the parent zone. A cluster whose API is private, or whose domain
 * lies elsewhere, must get none.
 */
import type { Step } from "../installer.ts";
import type { AzureEffects } from "./azureEffects.ts";
import { noted } from "./azureNotes.ts";
import { createRecord } from "./dnsRecords.ts";

/** Of the names that Azure gives to public addresses. */
const addressSuffix = "cloudapp.azure.com";

export function createApiRecord(
  effects: Pick<AzureEffects, "azure" | "pollMs" | "settings">,
): Step {
  return {
    name: "CreateApiRecord",
    deadlineMs: 30 * 60_000,
    run: async (context) => {
      const { cluster } = context.snapshot;
      const { label } = noted(context.snapshot, "names");
      if (label === undefined || cluster.apiserverVisibility === "Private") return { done: true };
      // as Azure shortens "East US"
      const region = cluster.location.toLowerCase().replaceAll(/\s/g, "");
      return createRecord(effects, context, {
        name: `api.${label}`,
        type: "CNAME",
        value: `${noted(context.snapshot, "infraId")}.${region}.${addressSuffix}`,
      });
    },
  };
}
