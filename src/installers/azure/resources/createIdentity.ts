/**
 * Makes the identity of the cluster's machines, early, as the directory takes a while to know it everywhere. It must never give it a
 * role: the template of the machines does.
 */
import type { Step } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { incarnationTag, infraNames } from "../azureNames.ts";
import { noted, withNotes } from "../azureNotes.ts";

export function createIdentity(effects: Pick<AzureEffects, "azure" | "pollMs">): Step {
  return {
    name: "CreateIdentity",
    deadlineMs: 15 * 60_000,
    run: async (context) => {
      const { snapshot, signal } = context;
      const { userAssignedIdentities } = effects.azure.of(snapshot.subscriptionId).identities;
      context.guard();
      const { principalId } = await userAssignedIdentities.createOrUpdate(
        noted(snapshot, "names").managedGroup,
        infraNames(noted(snapshot, "infraId")).identity,
        {
          location: snapshot.cluster.location,
          tags: { [incarnationTag]: snapshot.incarnationId },
        },
        { abortSignal: signal },
      );
      if (principalId === undefined) return { done: false, againAfterMs: effects.pollMs };
      return {
        done: true,
        changes: { installation: withNotes(snapshot, { identityObjectId: principalId }) },
      };
    },
  };
}
