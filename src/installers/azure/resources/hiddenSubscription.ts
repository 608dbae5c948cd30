/**
 * A deletion's step while Azure doesn't know the cluster's subscription, as when it is being moved or the resource provider's tenant
 * lost it for a while. It must never take what is in such a subscription for gone.
 */
import type { Step } from "../../installer.ts";
import { readFailure } from "../failures/azureErrors.ts";

/** From the step's first start; then the operation ends with Azure's words. */
const patienceMs = 30 * 60_000;
const lookMs = 60_000;

export function waitingForSubscription(step: Step): Step {
  return {
    ...step,
    run: async (context) => {
      try {
        return await step.run(context);
      } catch (error) {
        const errors = readFailure(error)?.errors ?? [];
        const isHidden = errors.some(({ code }) => code === "SubscriptionNotFound");
        if (!isHidden || context.now - context.startedAt >= patienceMs) throw error;
        const because = "Azure does not know the subscription of what is to be deleted.";
        return { done: false, againAfterMs: lookMs, because };
      }
    },
  };
}
