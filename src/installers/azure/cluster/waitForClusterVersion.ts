/**
 * The step `WaitForClusterVersion`: the cluster's operators bring up the rest of OpenShift, and its cluster version says when it is
 * available, and until then what is missing. It only looks.
 */
import { z } from "zod";
import { shown } from "../../../model/shownText.ts";
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import type { ResourceKind } from "./clusterApi.ts";
import { clusterStep, type ReadCredentials } from "./clusterStep.ts";
import { readAssets } from "../assets/readAssets.ts";

const clusterVersions: ResourceKind = {
  group: "config.openshift.io",
  version: "v1",
  plural: "clusterversions",
};

const conditionForm = z.looseObject({
  type: z.string(),
  status: z.string(),
  message: z.string().optional(),
});
const versionForm = z.looseObject({
  status: z.looseObject({ conditions: z.array(conditionForm) }),
});

/** Whose words are told while it isn't available, the most telling first. */
const told = ["Failing", "Progressing"];

export function waitForClusterVersion(
  effects: AzureEffects,
  readCredentials: ReadCredentials = readAssets,
): Step {
  return clusterStep(effects, readCredentials, {
    name: "WaitForClusterVersion",
    waitMs: 60 * 60_000,
    fault: "OpenShift did not become available",
    look: async (api) => {
      const version = versionForm.safeParse(await api.resource(clusterVersions, "version"));
      const conditions = version.data?.status.conditions ?? [];
      const isTrue = (type: string) =>
        conditions.find((each) => each.type === type && each.status === "True");
      if (isTrue("Available") !== undefined) return { done: true };
      const condition = told.map(isTrue).find((found) => found !== undefined);
      return {
        done: false,
        seen:
          condition === undefined
            ? "the cluster version has no conditions yet."
            : `${condition.type}: ${shown(condition.message ?? "without a message")}`,
      };
    },
  });
}
