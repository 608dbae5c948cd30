/**
 * The step `AssignRole` of an update: another service principal gets the role on the managed group by which the cluster acts, as the
 * first one got it with the group's resources. One that had it before keeps it for now (`removeFormerRoles.ts`): the cluster may act as
 * both for a while.
 */
import { createHash } from "node:crypto";
import { isRestError } from "@azure/core-rest-pipeline";
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { contributorRole, managedGroupId } from "../azureNames.ts";
import { noted } from "../azureNotes.ts";
import { whenToBeSet } from "../cluster/unsettled.ts";

const roleDefinitions = "/providers/Microsoft.Authorization/roleDefinitions";

export function assignRole(effects: AzureEffects): Step {
  return whenToBeSet("servicePrincipal", {
    name: "AssignRole",
    deadlineMs: 30 * 60_000,
    run: async (context) => {
      const { snapshot, signal } = context;
      const { subscriptionId } = snapshot;
      const scope = managedGroupId(snapshot, noted(snapshot, "names"));
      const principalId = noted(snapshot, "principalObjectId");
      const { roleAssignments } = effects.azure.of(subscriptionId).authorization;
      const roleDefinitionId = `/subscriptions/${subscriptionId}${roleDefinitions}/${contributorRole}`;
      context.guard();
      try {
        await roleAssignments.create(
          // the SDK puts a slash before it
          scope.replace(/^\//, ""),
          assignmentName(scope, principalId),
          // without its type Azure looks for a principal that its directory may not have everywhere yet
          { roleDefinitionId, principalId, principalType: "ServicePrincipal" },
          { abortSignal: signal },
        );
      } catch (error) {
        // it has the role already, under whatever name
        if (!isRestError(error) || error.code !== "RoleAssignmentExists") throw error;
      }
      return { done: true };
    },
  });
}

/** The same GUID for the same assignment, so that it is made once. */
function assignmentName(scope: string, principalId: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([scope.toLowerCase(), principalId.toLowerCase(), contributorRole]))
    .digest("hex");
  // version 8 and the variant of RFC 9562
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}
