/**
 * Takes the cluster's security groups off the subnets that the user gave, which outlive the cluster and would hold its groups back. It
 * must never take off a group that isn't the cluster's own.
 */
import type { Step, StepContext } from "../../installer.ts";
import { readSubnet, securityGroupsPrefix, writeSubnet } from "./attachSecurityGroups.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { readNotes } from "../azureNotes.ts";
import { subnetOf } from "./guardedSubnets.ts";
import { provisioning } from "./provisioning.ts";

type Effects = Pick<AzureEffects, "azure" | "pollMs">;

export function detachSecurityGroups(effects: Effects): Step {
  return {
    name: "DetachSecurityGroups",
    deadlineMs: 2 * 60 * 60_000,
    run: async (context) => {
      const { isAnyLeft, because } = await detach(effects, context);
      if (!isAnyLeft) return { done: true };
      const reason = because === undefined ? {} : { because };
      return { done: false, againAfterMs: effects.pollMs, ...reason };
    },
  };
}

/** What is still on, and why, if something went wrong. */
export interface Detaching {
  readonly isAnyLeft: boolean;
  readonly because?: string | undefined;
}

/** Begins to take off what is still on. */
export async function detach(effects: Effects, context: StepContext): Promise<Detaching> {
  const { names, attachedSubnets = [] } = readNotes(context.snapshot);
  if (names === undefined) return { isAnyLeft: false };
  const ours = securityGroupsPrefix(context).toLowerCase();
  let isAnyLeft = false;
  let because: string | undefined;
  for (const attached of attachedSubnets) {
    const id = subnetOf(attached);
    const subnet = await readSubnet(effects, context, id);
    if (subnet?.networkSecurityGroup?.id?.toLowerCase().startsWith(ours) !== true) continue;
    isAnyLeft = true;
    const state = provisioning(context, `subnet ${id.id}`, subnet.provisioningState);
    if (state.is !== "ready") because ??= state.because;
    if (state.is === "underWay") continue;
    const { networkSecurityGroup: _taken, ...rest } = subnet;
    await writeSubnet(effects, context, { id, subnet: rest });
  }
  return { isAnyLeft, because };
}
