/**
 * Reserves the cluster's domain before anything is built: a marker in the parent zone of which there can be one alone, so that of
 * two clusters that ask for the same domain the second one learns of it within minutes, and not when its machines run. A cluster
 * whose domain lies elsewhere must get none.
 */
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { reservationOf } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { createRecord } from "./dnsRecords.ts";

/** Anybody can read it: whose the domain is stands in the record set's metadata alone. */
const text = "reserved by an OpenShift resource provider";

export function reserveDomain(effects: Pick<AzureEffects, "azure" | "pollMs" | "settings">): Step {
  return {
    name: "ReserveDomain",
    deadlineMs: 30 * 60_000,
    run: async (context) => {
      const { label } = noted(context.snapshot, "names");
      if (label === undefined) return { done: true };
      return createRecord(effects, context, {
        name: reservationOf(label),
        type: "TXT",
        value: text,
      });
    },
  };
}
