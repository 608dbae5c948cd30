/**
 * Sets the cluster's security groups on subnets that the user gave. It must never take the place of a group that is there already, nor
 * undo what somebody changes on a subnet at the same time.
 */
import type { Subnet } from "@azure/arm-network";
import { TerminalError } from "../../../model/rpError.ts";
import type { Step, StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { statusOf } from "../failures/azureErrors.ts";
import { incarnationTag, infraNames, managedGroupId } from "../azureNames.ts";
import { noted, readNotes, withNotes } from "../azureNotes.ts";
import {
  anotherSubnet,
  guardedSubnets,
  type GuardedSubnet,
  type SubnetId,
} from "./guardedSubnets.ts";
import { namedAnswer } from "./namedAnswer.ts";
import { provisioning } from "./provisioning.ts";
import { isOfAnotherCluster } from "./securityGroupOwner.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";
import { submit } from "./submit.ts";

/** Whether it is as it should be; if it isn't, what went wrong, or what is waited for. */
type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly because?: string | undefined };

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
      const groups = [
        await securityGroupReady(effects, context, names.controlPlane),
        await securityGroupReady(effects, context, names.node),
      ];
      if (!groups.every(({ ready }) => ready)) return again(effects, groups);
      const attached: Readiness[] = [];
      for (const given of subnets) {
        attached.push(await subnetReady(effects, context, { given, group: names[given.role] }));
      }
      return attached.every(({ ready }) => ready) ? { done: true } : again(effects, attached);
    },
  };
}

/** With the first reason of those that aren't ready for one. */
function again({ pollMs }: Pick<Effects, "pollMs">, all: readonly Readiness[]): StepResult {
  const because = all.map((one) => (one.ready ? undefined : one.because)).find(Boolean);
  return { done: false, againAfterMs: pollMs, ...(because === undefined ? {} : { because }) };
}

/**
 * Makes it where it isn't, without rules: they come with the template of the machines. One that has failed is written again with what
 * it has, as a create that begins anew may find rules in it that no template brings again.
 *
 * @throws {TerminalError} when it stays failed.
 */
async function securityGroupReady(
  effects: Effects,
  context: StepContext,
  name: string,
): Promise<Readiness> {
  const { snapshot, signal } = context;
  const { managedGroup } = noted(snapshot, "names");
  const { networkSecurityGroups } = effects.azure.of(snapshot.subscriptionId).network;
  const options = { abortSignal: signal };
  const group = namedAnswer(
    await orAbsent(networkSecurityGroups.get(managedGroup, name, options)),
    name,
  );
  if (group !== undefined) {
    const state = provisioning(context, `security group ${name}`, group.provisioningState);
    if (state.is === "failed") {
      await writeUnchanged(group.etag, async (requestOptions) => {
        await submit(context, ({ abortSignal }) =>
          networkSecurityGroups.createOrUpdate(managedGroup, name, group, {
            abortSignal,
            requestOptions,
          }),
        );
      });
    }
    return state.is === "ready" ? { ready: true } : { ready: false, because: state.because };
  }
  const made = {
    location: snapshot.cluster.location,
    tags: { [incarnationTag]: snapshot.incarnationId },
  };
  await submit(context, (begun) =>
    networkSecurityGroups.createOrUpdate(managedGroup, name, made, begun),
  );
  return { ready: false };
}

/** @throws {TerminalError} when the subnet isn't there, is somebody else's to guard, or stays failed. */
async function subnetReady(
  effects: Effects,
  context: StepContext,
  { given, group }: { readonly given: GuardedSubnet; readonly group: string },
): Promise<Readiness> {
  const { snapshot } = context;
  const { subnet: id } = given;
  const subnet = await readSubnet(effects, context, id);
  if (subnet === undefined) {
    throw new TerminalError({
      code: "InvalidSubnet",
      message: `The subnet ${id.id} does not exist: create it, or ${anotherSubnet}`,
    });
  }
  const wanted = `${securityGroupsPrefix(context)}${group}`;
  const present = subnet.networkSecurityGroup?.id;
  if (isSameName(present, wanted)) {
    const state = provisioning(context, `subnet ${id.id}`, subnet.provisioningState);
    if (state.is === "failed") await writeSubnet(effects, context, { id, subnet });
    return state.is === "ready" ? { ready: true } : { ready: false, because: state.because };
  }
  if (present !== undefined) {
    const { signal } = context;
    const isAnothers = await isOfAnotherCluster(effects, snapshot, { id: present, signal });
    throw new TerminalError({
      code: "InvalidSubnet",
      message: isAnothers
        ? `The subnet ${id.id} is used by another cluster: ${anotherSubnet}`
        : `The subnet ${id.id} has a network security group already: detach it, or ${anotherSubnet}`,
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
  return { ready: false };
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
  return namedAnswer(
    await orAbsent(subnets.get(resourceGroup, network, name, { abortSignal: signal })),
    name,
  );
}

/** Begins to write a subnet as long as it is what was read; if it isn't, the next run reads it again. */
export async function writeSubnet(
  effects: Effects,
  context: StepContext,
  { id, subnet }: { readonly id: SubnetId; readonly subnet: Subnet },
): Promise<void> {
  const { subnets } = effects.azure.of(id.subscriptionId).network;
  await writeUnchanged(subnet.etag, async (requestOptions) => {
    await submit(context, ({ abortSignal }) =>
      subnets.createOrUpdate(id.resourceGroup, id.network, id.name, subnet, {
        abortSignal,
        requestOptions,
      }),
    );
  });
}

/** Somebody's change in between is no failure: what they made of it is read by the next run. */
async function writeUnchanged(
  etag: string | undefined,
  write: (requestOptions: { readonly headers: { readonly "if-match": string } }) => Promise<void>,
): Promise<void> {
  if (etag === undefined) throw new Error("Azure gave no ETag of what is to be written");
  try {
    await write({ headers: { "if-match": etag } });
  } catch (error) {
    if (statusOf(error) !== 412) throw error;
  }
}
