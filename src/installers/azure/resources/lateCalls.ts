/**
 * Calls of a create that may take effect after whoever made them is gone, of what the deletion of the managed group doesn't take
 * with it: the group itself and the records in the parent zone. The time of each is noted before it is made, so that a deletion
 * looks for the last time only when none can be under way any more.
 */
import type { StepContext } from "../../installer.ts";
import { readNotes, withNotes, type AzureNotes } from "../azureNotes.ts";

/** From the note until a call has taken effect or never does: the SDK's three tries of a minute each, a sign-in, and a margin. */
const takesEffectWithinMs = 5 * 60_000;

/** To be awaited right before such a call. @param more what else is to be noted before it. */
export async function noteOutsideCall(context: StepContext, more: AzureNotes = {}): Promise<void> {
  const installation = withNotes(context.snapshot, { ...more, outsideCallAt: context.now });
  await context.save({ installation });
}

/** How long a call may still be under way; 0 once none can be. */
export function outsideCallMs({ snapshot, now }: Pick<StepContext, "snapshot" | "now">): number {
  const { outsideCallAt } = readNotes(snapshot);
  // a create that ended well has seen what it asked for, and no other operation asks for such things
  if (outsideCallAt === undefined || snapshot.applied !== undefined) return 0;
  return Math.min(Math.max(0, outsideCallAt + takesEffectWithinMs - now), takesEffectWithinMs);
}
