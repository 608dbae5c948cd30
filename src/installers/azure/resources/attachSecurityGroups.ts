/**
 * Sets the cluster's security groups on subnets that the user gave. It must never take the place of a group that is there already, nor
 * undo what somebody changes on a subnet at the same time.
 */
import type { Subnet } from "@azure/arm-network";
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { statusOf } from "../failures/azureErrors.ts";
import { incarnationTag, infraNames, managedGroupId } from "../azureNames.ts";
import { noted, readNotes, withNotes } from "../azureNotes.ts";
import { guardedSubnets, type GuardedSubnet, type SubnetId } from "./guardedSubnets.ts";
import { isOfAnotherCluster } from "./securityGroupOwner.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";
import { submit } from "./submit.ts";

type Effects = Pick<AzureEffects, "azure" | "pollMs">;

export function attachSecurityGroups(effects: Effects): Step {
  return {
    name: "AttachSecurityGroups",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const subnets = guardedSubnets(context.snapshot);
      if (subnets.length === 0) return { done: true };
      const { controlPlaneSecurityGroup, nodeSecurityGroup } = infraNames(
        noted(context.snapshot, "infraId"),
      );
      const names = { controlPlane: controlPlaneSecurityGroup, node: nodeSecurityGroup };
      const states = [
        await securityGroupReady(effects, context, names.controlPlane),
        await securityGroupReady(effects, context, names.node),
      ];
      if (states.includes(false)) return { done: false, againAfterMs: effects.pollMs };
      let attached = true;
      for (const given of subnets) {
        const is = await subnetReady(effects, context, { given, group: names[given.role] });
        attached &&= is;
      }
      return attached ? { done: true } : { done: false, againAfterMs: effects.pollMs };
    },
  };
}

/** Makes it where it isn't, without rules: they come with the template of the machines. */
async function securityGroupReady(
  effects: Effects,
  context: StepContext,
  name: string,
): Promise<boolean> {
  const { snapshot, signal } = context;
  const { managedGroup } = noted(snapshot, "names");
  const { networkSecurityGroups } = effects.azure.of(snapshot.subscriptionId).network;
  const options = { abortSignal: signal };
  const group = await orAbsent(networkSecurityGroups.get(managedGroup, name, options));
  if (group !== undefined) return isSameName(group.provisioningState, "Succeeded");
  const made = {
    location: snapshot.cluster.location,
    tags: { [incarnationTag]: snapshot.incarnationId },
  };
  await submit(context, (begun) =>
    networkSecurityGroups.createOrUpdate(managedGroup, name, made, begun),
  );
  return false;
}

/** @throws {TerminalError} when the subnet isn't there, or is somebody else's to guard. */
async function subnetReady(
  effects: Effects,
  context: StepContext,
  { given, group }: { readonly given: GuardedSubnet; readonly group: string },
): Promise<boolean> {
  const { snapshot } = context;
  const { subnet: id } = given;
  const subnet = await readSubnet(effects, context, id);
  if (subnet === undefined) {
    throw new TerminalError({
      code: "InvalidSubnet",
      message: `The subnet ${id.id} does not exist.`,
    });
  }
  const wanted = `${securityGroupsPrefix(context)}${group}`;
  const present = subnet.networkSecurityGroup?.id;
  if (isSameName(present, wanted)) return isSameName(subnet.provisioningState, "Succeeded");
  if (present !== undefined) {
    const { signal } = context;
    const isAnothers = await isOfAnotherCluster(effects, snapshot, { id: present, signal });
    throw new TerminalError({
      code: "InvalidSubnet",
      message: isAnothers
        ? `The subnet ${id.id} is used by another cluster; give another subnet.`
        : `The subnet ${id.id} has a network security group already: take it away, or give another subnet.`,
    });
  }
  const { attachedSubnets = [] } = readNotes(snapshot);
  if (!attachedSubnets.includes(id.id)) {
    const installation = withNotes(snapshot, { attachedSubnets: [...attachedSubnets, id.id] });
    await context.save({ installation });
  }
  await writeSubnet(effects, context, {
    id,
    subnet: { ...subnet, networkSecurityGroup: { id: wanted } },
  });
  return false;
}

/** How the ids of the cluster's own security groups begin. */
export function securityGroupsPrefix({ snapshot }: Pick<StepContext, "snapshot">): string {
  const group = managedGroupId(snapshot, noted(snapshot, "names"));
  return `${group}/providers/Microsoft.Network/networkSecurityGroups/`;
}

/** Nothing when it isn't there. */
export async function readSubnet(
  effects: Effects,
  { signal }: Pick<StepContext, "signal">,
  { subscriptionId, resourceGroup, network, name }: SubnetId,
): Promise<Subnet | undefined> {
  const { subnets } = effects.azure.of(subscriptionId).network;
  return orAbsent(subnets.get(resourceGroup, network, name, { abortSignal: signal }));
}

/** Begins to write a subnet as long as it is what was read; if it isn't, the next run reads it again. */
export async function writeSubnet(
  effects: Effects,
  context: StepContext,
  { id, subnet }: { readonly id: SubnetId; readonly subnet: Subnet },
): Promise<void> {
  const { subnets } = effects.azure.of(id.subscriptionId).network;
  const { etag } = subnet;
  if (etag === undefined) throw new Error("Azure gave no ETag of a subnet");
  try {
    await submit(context, ({ abortSignal }) =>
      subnets.createOrUpdate(id.resourceGroup, id.network, id.name, subnet, {
        abortSignal,
        requestOptions: { headers: { "if-match": etag } },
      }),
    );
  } catch (error) {
    if (statusOf(error) !== 412) throw error;
  }
}
