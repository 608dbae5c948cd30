/** Deploys the cluster's storage account, which everything after it is read from. It must never be given a secret. */
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { deploymentNames } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { deploy } from "./deployments.ts";
import { storageTemplate } from "../template/storageTemplate.ts";

export function deployStorage(effects: Pick<AzureEffects, "azure" | "pollMs" | "random">): Step {
  return {
    name: "DeployStorage",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { snapshot } = context;
      const names = noted(snapshot, "names");
      return deploy(effects, context, {
        name: deploymentNames.storage(names),
        template: storageTemplate({
          storageAccount: names.storageAccount,
          location: snapshot.cluster.location,
          incarnationId: snapshot.incarnationId,
        }),
      });
    },
  };
}
