/**
 * Tells the address of the cluster's ingress, and makes the names under which the cluster's applications and console are found, in
 * the parent zone. A cluster whose domain lies elsewhere must get none.
 */
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { noted } from "../azureNotes.ts";
import { createRecord } from "./dnsRecords.ts";

/** As a cluster calls the one that its installation makes. */
const ingressName = "default";

/** The address of the cluster's ingress; nothing as long as it has none. */
export type IngressAddress = (context: StepContext) => Promise<string | undefined>;

export function createIngressRecord(
  effects: Pick<AzureEffects, "azure" | "pollMs" | "settings">,
  ingressAddress: IngressAddress,
): Step {
  return {
    name: "CreateIngressRecord",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { label } = noted(context.snapshot, "names");
      const value = await ingressAddress(context);
      if (value === undefined) return { done: false, againAfterMs: effects.pollMs };
      const changes = { ingressIps: { [ingressName]: value } };
      if (label === undefined) return { done: true, changes };
      const made = await createRecord(effects, context, {
        name: `*.apps.${label}`,
        type: "A",
        value,
      });
      return made.done ? { ...made, changes: { ...made.changes, ...changes } } : made;
    },
  };
}
