/**
 * Deletes the bootstrap machine and what is its alone, one after the other, as each refers to the next. It must never be begun before
 * the control plane stands by itself.
 */
import { restorePoller as restoreOfCompute } from "@azure/arm-compute";
import { restorePoller as restoreOfNetwork } from "@azure/arm-network";
import type { Step, StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { infraNames } from "../azureNames.ts";
import { noted, readNotes, withNotes } from "../azureNotes.ts";
import { againOf, failedDeletion, noteDeletion } from "./failedDeletion.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { namedAnswer } from "./namedAnswer.ts";
import { isSameName } from "../sameName.ts";
import { progressOf, submit } from "./submit.ts";

type Effects = Pick<AzureEffects, "azure" | "pollMs" | "random">;

/** How long a deletion that fails is begun again, from the step's first start. */
const failuresEndAfterMs = 30 * 60_000;

interface Deletable {
  get(
    group: string,
    name: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<{ readonly name?: string; readonly provisioningState?: string }>;
  delete(
    group: string,
    name: string,
    options: { readonly abortSignal: AbortSignal },
  ): { submitted(): Promise<void>; serialize(): Promise<string> };
}

/** A poller of what was begun before. */
type Restore = (poller: string) => Parameters<typeof progressOf>[1];

interface Part {
  readonly kind: Deletable;
  readonly name: string;
  readonly restore: Restore;
}

export function removeBootstrapMachine(effects: Effects): Step {
  return {
    name: "RemoveBootstrapMachine",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { snapshot } = context;
      const { compute, network } = effects.azure.of(snapshot.subscriptionId);
      const { virtualMachines, disks } = compute;
      const { networkInterfaces, publicIPAddresses } = network;
      const names = infraNames(noted(snapshot, "infraId"));
      // which deletion it is stands in what was noted
      const ofCompute: Restore = (poller) => (options) =>
        restoreOfCompute(compute, poller, virtualMachines.delete, options);
      const ofNetwork: Restore = (poller) => (options) =>
        restoreOfNetwork(network, poller, networkInterfaces.delete, options);
      const disk = names.osDisk(names.bootstrapMachine);
      const parts: readonly Part[] = [
        { kind: virtualMachines, name: names.bootstrapMachine, restore: ofCompute },
        { kind: disks, name: disk, restore: ofCompute },
        { kind: networkInterfaces, name: names.bootstrapNic, restore: ofNetwork },
        { kind: publicIPAddresses, name: names.bootstrapAddress, restore: ofNetwork },
      ];
      for (const part of parts) {
        const left = await remove(effects, context, part);
        if (left !== undefined) return left;
      }
      return { done: true };
    },
  };
}

/**
 * Begins the deletion of what is there.
 *
 * @returns nothing when it is gone.
 * @throws {TerminalError} why it can't be deleted.
 */
async function remove(
  effects: Effects,
  context: StepContext,
  { kind, name, restore }: Part,
): Promise<StepResult | undefined> {
  const { snapshot, signal } = context;
  const { managedGroup } = noted(snapshot, "names");
  const there = namedAnswer(
    await orAbsent(kind.get(managedGroup, name, { abortSignal: signal })),
    name,
  );
  if (there === undefined) return undefined;
  const { part, poller = "" } = readNotes(snapshot).bootstrapDeletion ?? {};
  if (part === name && poller !== "") {
    const progress = await progressOf(context, restore(poller));
    const ended = { bootstrapDeletion: { part: name, poller: "" } };
    if (progress.is === "underWay") return againOf(name, context, effects);
    if (progress.is === "failed") {
      const failed = await failedDeletion(effects, context, {
        of: name,
        error: progress.error,
        ended,
        endsAfterMs: failuresEndAfterMs,
      });
      if (failed !== undefined) return failed;
    } else {
      await context.save({ installation: withNotes(context.snapshot, ended) });
      // not seen everywhere yet
      if (progress.is === "ended") return againOf(name, context, effects);
    }
  }
  if (!isSameName(there.provisioningState, "Deleting")) {
    const begun = await submit(context, (options) => kind.delete(managedGroup, name, options));
    const bootstrapDeletion = { part: name, poller: await begun.poller.serialize() };
    await noteDeletion(context, { bootstrapDeletion });
  }
  return againOf(name, context, effects);
}
