/**
 * A step that asks a cluster's own API, again and again until it is so far. That an API can't be reached is no failure for it:
 * beginning, restarting and updating clusters don't answer for a while. When the time is up the operation ends with what was seen
 * last, which the backend, knowing only that the step asked to be called again, could not tell. It never waits inside.
 */
import { TerminalError } from "../../../model/rpError.ts";
import type { InstallationChanges, Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { ClusterApi, ClusterApiError } from "./clusterApi.ts";
import type { ClusterAssets } from "../assets/clusterAssets.ts";
import { KubeconfigError } from "./kubeconfig.ts";

/** What opens a cluster, from where it is kept sealed during a create. */
export type ReadCredentials = (
  context: StepContext,
  effects: AzureEffects,
) => Promise<Pick<ClusterAssets, "adminKubeconfig" | "kubeadminPassword">>;

/** So far, or what was seen instead: a sentence for a user. */
export type Sight =
  | { readonly done: true; readonly changes?: InstallationChanges }
  | { readonly done: false; readonly seen: string };

export interface ClusterStepOptions {
  readonly name: string;
  /** From the step's first start. */
  readonly waitMs: number;
  /** Begins the message when the time is up: `The workers did not become ready`. */
  readonly fault: string;
  /** Otherwise the step is done at once, and the cluster is not asked. */
  readonly isNeeded?: (context: StepContext) => boolean;
  /** What such a step that isn't needed changes. */
  readonly unneeded?: (context: StepContext) => InstallationChanges | undefined;
  /** May throw a `ClusterApiError`, which counts as seen. */
  readonly look: (api: ClusterApi, context: StepContext) => Promise<Sight>;
}

/** For a last look when the process was away as the time ran out; the backend's own limit comes after it. */
const lastLookMs = 10 * 60_000;

export function clusterStep(
  effects: AzureEffects,
  readCredentials: ReadCredentials,
  options: ClusterStepOptions,
): Step {
  const { name, waitMs, fault, isNeeded = () => true, unneeded, look } = options;
  return {
    name,
    deadlineMs: waitMs + lastLookMs,
    run: async (context) => {
      if (!isNeeded(context)) {
        const changes = unneeded?.(context);
        return { done: true, ...(changes === undefined ? {} : { changes }) };
      }
      const sight = await asking(context, effects, { readCredentials, look });
      if (sight.done) return sight;
      if (context.now - context.startedAt >= waitMs) {
        throw new TerminalError({
          code: "StepTimedOut",
          message: `${fault} within ${waitMs / 60_000} minutes. Last seen: ${sight.seen}`,
        });
      }
      return { done: false, againAfterMs: effects.pollMs };
    },
  };
}

/**
 * Asks a cluster something, with its credentials from the document or, before they are there, from where a create keeps them.
 *
 * @throws {TerminalError} when the credentials can't be used: nothing will make others.
 */
export async function asking(
  context: StepContext,
  effects: AzureEffects,
  question: {
    readonly readCredentials: ReadCredentials;
    readonly look: (api: ClusterApi, context: StepContext) => Promise<Sight>;
  },
): Promise<Sight> {
  const { readCredentials, look } = question;
  const kubeconfig =
    context.snapshot.secrets.adminKubeconfig ??
    (await readCredentials(context, effects)).adminKubeconfig;
  const { clock } = effects;
  const { signal } = context;
  try {
    using api = await ClusterApi.open({ kubeconfig, clock, signal });
    return await look(api, context);
  } catch (error) {
    if (error instanceof ClusterApiError) return { done: false, seen: error.message };
    if (error instanceof KubeconfigError) {
      throw new TerminalError({ code: "InstallationFailed", message: error.message });
    }
    throw error;
  }
}

/** For updates: the cluster that was installed has its credentials in the document, or nowhere. */
export const installedCredentials: ReadCredentials = async () => {
  throw new TerminalError({
    code: "InstallationFailed",
    message: "The cluster's kubeconfig is not known, so nothing in the cluster can be changed.",
  });
};
