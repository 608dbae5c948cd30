/**
 * Deletes the bootstrap machine and what is its alone, one after the other, as each refers to the next. It must never be begun before
 * the control plane stands by itself.
 */
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { infraNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";
import { submit } from "./submit.ts";

interface Deletable {
  get(
    group: string,
    name: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<{ readonly provisioningState?: string }>;
  delete(
    group: string,
    name: string,
    options: { readonly abortSignal: AbortSignal },
  ): { submitted(): Promise<void> };
}

export function removeBootstrapMachine(effects: Pick<AzureEffects, "azure" | "pollMs">): Step {
  return {
    name: "RemoveBootstrapMachine",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { snapshot } = context;
      const { compute, network } = effects.azure.of(snapshot.subscriptionId);
      const names = infraNames(noted(snapshot, "infraId"));
      const parts: readonly (readonly [Deletable, string])[] = [
        [compute.virtualMachines, names.bootstrapMachine],
        [compute.disks, names.osDisk(names.bootstrapMachine)],
        [network.networkInterfaces, names.bootstrapNic],
        [network.publicIPAddresses, names.bootstrapAddress],
      ];
      for (const [kind, name] of parts) {
        if (!(await isGone(context, kind, name))) {
          return { done: false, againAfterMs: effects.pollMs };
        }
      }
      return { done: true };
    },
  };
}

/** Begins the deletion of what is there. */
async function isGone(context: StepContext, kind: Deletable, name: string): Promise<boolean> {
  const { managedGroup } = noted(context.snapshot, "names");
  const part = await orAbsent(kind.get(managedGroup, name, { abortSignal: context.signal }));
  if (part === undefined) return true;
  if (!isSameName(part.provisioningState, "Deleting")) {
    await submit(context, (options) => kind.delete(managedGroup, name, options));
  }
  return false;
}
