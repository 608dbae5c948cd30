/**
 * The step `WaitForBootstrap`: the bootstrap machine hands over to the control plane and says so in a config map of the cluster.
 * It only looks, and notes it: from then on nothing may be deployed that begins a cluster.
 */
import { shown } from "../../../model/shownText.ts";
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { withNotes } from "../azureNotes.ts";
import { clusterStep, type ReadCredentials } from "./clusterStep.ts";
import { readAssets } from "../assets/readAssets.ts";

export function waitForBootstrap(
  effects: AzureEffects,
  readCredentials: ReadCredentials = readAssets,
): Step {
  return clusterStep(effects, readCredentials, {
    name: "WaitForBootstrap",
    waitMs: 45 * 60_000,
    fault: "The bootstrap of the cluster did not complete",
    look: async (api, { snapshot }) => {
      const data = await api.configMap("kube-system", "bootstrap");
      const status = data?.["status"];
      if (status === "complete") {
        const installation = withNotes(snapshot, { bootstrapped: true });
        return { done: true, changes: { installation } };
      }
      return {
        done: false,
        seen:
          status === undefined
            ? "the API answers, but the bootstrap has not reported yet."
            : `the bootstrap's status is '${shown(status)}'.`,
      };
    },
  });
}
