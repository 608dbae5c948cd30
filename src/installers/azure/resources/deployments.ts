/**
 * Deploys a template once, whoever begins and however often: by a name that never changes, one finds what is under way and what has
 * come of it. It must never submit one while another of the same name runs, nor take what an earlier operation failed of for its own
 * failure.
 */
import { createHash } from "node:crypto";
import type { Deployment, DeploymentExtended } from "@azure/arm-resourcesdeployments";
import { TerminalError } from "../../../model/rpError.ts";
import type { StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { statusOf } from "../failures/azureErrors.ts";
import { judge } from "../failures/azureFailure.ts";
import { OperationError } from "../failures/operationError.ts";
import { incarnationTag } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import type { DeploymentParameters, DeploymentTemplate } from "../template/azureTemplate.ts";
import { checkOwner, readManagedGroup } from "./managedGroup.ts";
import { namedAnswer } from "./namedAnswer.ts";
import { submit } from "./submit.ts";
import { orAbsent } from "../failures/orAbsent.ts";
import { isSameName } from "../sameName.ts";

/** Tags of a deployment. */
const templateTag = "openshift-rp-template";
const operationTag = "openshift-rp-operation";

/** How long what Azure can't do for a fault of its own is deployed again, from the step's first start. */
const faultsEndAfterMs = 30 * 60_000;
/** From a failed deployment's next try to a look at it. */
const redeployedLookMs = 60_000;

const failed = ["Failed", "Canceled"];
/** In these it runs. In one that isn't told Azure refuses a second one by itself, if need be. */
const active = ["Accepted", "Running", "Ready", "Creating", "Created", "Updating", "Deleting"];

export interface DeployedTemplate {
  /** Of the deployment. */
  readonly name: string;
  readonly template: DeploymentTemplate;
  /** What has to be there before; asked for only when there is something to submit, which waits until it is done. */
  readonly needs?: () => Promise<StepResult>;
  /** Asked for only when there is something to submit. */
  readonly parameters?: () => Promise<DeploymentParameters>;
}

/**
 * @throws {TerminalError} when Azure refused it for what the user has to mend, or keeps failing; and when the managed group is
 *   somebody else's, into which nothing may be put.
 */
export async function deploy(
  effects: Pick<AzureEffects, "azure" | "pollMs" | "random">,
  context: StepContext,
  deployed: DeployedTemplate,
): Promise<StepResult> {
  const current = await readDeployment(effects, context, deployed.name);
  if (current !== undefined && isActive(current)) return again(effects.pollMs);
  const state = current?.properties?.provisioningState;
  if (
    isSameName(state, "Succeeded") &&
    current?.tags?.[templateTag] === hashOf(deployed.template)
  ) {
    return { done: true };
  }
  const isFailureOfOurs =
    failed.some((one) => isSameName(one, state)) &&
    current?.tags?.[operationTag] === context.snapshot.operationId;
  const wait = isFailureOfOurs ? waitOfFailed(effects, context, current) : again(effects.pollMs);
  const needed = await deployed.needs?.();
  if (needed?.done === false) return needed;
  await put(effects, context, deployed);
  return wait;
}

/** @throws {TerminalError} when another try can't help. @returns when to look at the next try, and why there is one. */
function waitOfFailed(
  { random }: Pick<AzureEffects, "random">,
  { now, startedAt, snapshot }: StepContext,
  { properties }: DeploymentExtended,
): StepResult {
  if (isSameName(properties?.provisioningState, "Canceled")) {
    throw new TerminalError({
      code: "DeploymentFailed",
      message: "Somebody has canceled the deployment in Azure. Try again.",
    });
  }
  const error = new OperationError(properties?.error, { isDeployment: true });
  const verdict = judge(error, { now, startedAt, snapshot, random });
  if (verdict?.is === "terminal") throw verdict.error;
  if (verdict?.is === "again") {
    const { againAfterMs, because } = verdict;
    return again(Math.max(againAfterMs, redeployedLookMs), because);
  }
  const message = verdict?.error.message ?? "Azure gave no reason.";
  if (now - startedAt >= faultsEndAfterMs) {
    throw new TerminalError({ code: "DeploymentFailed", message });
  }
  return again(redeployedLookMs, message);
}

async function put(
  effects: Pick<AzureEffects, "azure">,
  context: StepContext,
  { name, template, parameters }: DeployedTemplate,
): Promise<void> {
  const { snapshot } = context;
  const names = noted(snapshot, "names");
  const deployment: Deployment = {
    properties: {
      mode: "Incremental",
      template,
      ...(parameters === undefined ? {} : { parameters: { ...(await parameters()) } }),
    },
    tags: {
      [incarnationTag]: snapshot.incarnationId,
      [operationTag]: snapshot.operationId,
      [templateTag]: hashOf(template),
    },
  };
  const { deployments } = effects.azure.of(snapshot.subscriptionId).deployments;
  // another cluster that was told to make a group of this name may have made it its own since
  const group = await readManagedGroup(effects, context, names);
  if (group !== undefined) checkOwner(group, context);
  await submit(context, (options) =>
    deployments.createOrUpdate(names.managedGroup, name, deployment, options),
  );
}

/** Its parameters aren't part of it: they are secrets, and the same as long as the rest is. */
function hashOf(template: DeploymentTemplate): string {
  return createHash("sha256").update(JSON.stringify(template)).digest("hex");
}

/** Nothing when there is none, or no group. */
export async function readDeployment(
  effects: Pick<AzureEffects, "azure">,
  { snapshot, signal }: Pick<StepContext, "snapshot" | "signal">,
  name: string,
): Promise<DeploymentExtended | undefined> {
  const { managedGroup } = noted(snapshot, "names");
  const { deployments } = effects.azure.of(snapshot.subscriptionId).deployments;
  return namedAnswer(
    await orAbsent(deployments.get(managedGroup, name, { abortSignal: signal })),
    name,
  );
}

function isActive({ properties }: DeploymentExtended): boolean {
  return active.some((state) => isSameName(state, properties?.provisioningState));
}

/** Cancels a deployment that runs. @returns whether there was something to cancel: it is to be looked at again. */
export async function cancelDeployment(
  effects: Pick<AzureEffects, "azure">,
  context: StepContext,
  name: string,
): Promise<boolean> {
  const current = await readDeployment(effects, context, name);
  if (current === undefined || !isActive(current)) return false;
  const { snapshot, signal } = context;
  const { deployments } = effects.azure.of(snapshot.subscriptionId).deployments;
  context.guard();
  try {
    await deployments.cancel(noted(snapshot, "names").managedGroup, name, { abortSignal: signal });
  } catch (error) {
    // it may have ended in this very moment; if it can't be canceled yet, that is no failure either
    if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
  }
  return true;
}

function again(againAfterMs: number, because?: string): StepResult {
  return { done: false, againAfterMs, ...(because === undefined ? {} : { because }) };
}
