/**
 * The step `RemoveFormerRoles` of an update, and of a create that was begun anew: a service principal that another one has taken the
 * place of loses its role on the managed group, as whoever has its secret owns the group. It must never take the role from the
 * principal by which the cluster acts, nor any role elsewhere; nor wait for workers, as one that fails would keep the role in place.
 */
import type { RoleAssignment } from "@azure/arm-authorization";
import { RestError } from "@azure/core-rest-pipeline";
import type { Step, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { contributorRole, managedGroupId } from "../azureNames.ts";
import { noted, readNotes, withNotes } from "../azureNotes.ts";
import { isToBeSet } from "../cluster/unsettled.ts";
import { isSameName } from "../sameName.ts";

/** Until the cluster's own operators have given the other credentials to all that act by them, from the step's first start. */
const spreadMs = 5 * 60_000;

export function removeFormerRoles(effects: Pick<AzureEffects, "azure">): Step {
  return {
    name: "RemoveFormerRoles",
    deadlineMs: 60 * 60_000,
    run: async (context) => {
      const { snapshot } = context;
      const { formerPrincipals = [] } = readNotes(snapshot);
      // otherwise it isn't known here that the noted principal is the goal's
      const isChecked = isToBeSet(snapshot, "servicePrincipal");
      if (formerPrincipals.length === 0 || !isChecked) return { done: true };
      const againAfterMs = context.startedAt + spreadMs - context.now;
      if (againAfterMs > 0) return { done: false, againAfterMs };
      for (const principalId of formerPrincipals) await removeRole(effects, context, principalId);
      return {
        done: true,
        changes: { installation: withNotes(snapshot, { formerPrincipals: [] }) },
      };
    },
  };
}

/** Under whatever name: the template of the machines, an update or somebody else has chosen it. */
async function removeRole(
  effects: Pick<AzureEffects, "azure">,
  context: StepContext,
  principalId: string,
): Promise<void> {
  const { snapshot, signal } = context;
  if (isSameName(principalId, noted(snapshot, "principalObjectId"))) return;
  const scope = managedGroupId(snapshot, noted(snapshot, "names"));
  const { roleAssignments } = effects.azure.of(snapshot.subscriptionId).authorization;
  const isMeant = (assignment: RoleAssignment): boolean =>
    isSameName(assignment.principalId, principalId) &&
    isSameName(assignment.scope, scope) &&
    isSameName(assignment.roleDefinitionId?.split("/").at(-1), contributorRole);
  // the SDK puts a slash before it
  const path = scope.replace(/^\//, "");
  const assignments = roleAssignments.listForScope(path, {
    filter: `principalId eq '${principalId}'`,
    abortSignal: signal,
    onResponse: ({ status, bodyAsText }) => {
      if (status === 200) checkList(bodyAsText);
    },
  });
  for await (const assignment of assignments) {
    if (!isMeant(assignment) || assignment.name === undefined) continue;
    context.guard();
    // one that isn't there any more is no failure for Azure
    await roleAssignments.delete(path, assignment.name, { abortSignal: signal });
  }
}

/** @throws {RestError} without a status, an outage, when it is no list: the SDK would take it for an empty one. */
function checkList(text: string | null | undefined): void {
  const { value } = (JSON.parse(text ?? "{}") ?? {}) as { readonly value?: unknown };
  if (Array.isArray(value)) return;
  throw new RestError("the answer is not about what was asked", { code: RestError.PARSE_ERROR });
}
