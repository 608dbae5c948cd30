/** Whether machines of a cluster may exist, or may come to exist by what was submitted: what they began with must stay. It only looks. */
import type { StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { deploymentNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { readDeployment } from "./deployments.ts";

export async function mayHaveMachines(
  effects: Pick<AzureEffects, "azure">,
  { snapshot, signal }: Pick<StepContext, "snapshot" | "signal">,
): Promise<boolean> {
  const names = noted(snapshot, "names");
  const name = deploymentNames.resources(names);
  if ((await readDeployment(effects, { snapshot, signal }, name)) !== undefined) return true;
  // somebody may have deleted the deployment, which leaves what it made
  const { virtualMachines } = effects.azure.of(snapshot.subscriptionId).compute;
  const machines = virtualMachines.list(names.managedGroup, { abortSignal: signal });
  return (await machines.next()).done !== true;
}
