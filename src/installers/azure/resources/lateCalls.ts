/**
 * Calls of a create that may take effect after whoever made them is gone, of what the deletion of the managed group doesn't take
 * with it: the group itself and the records in the parent zone. The time of each is noted before it is made and until it is answered, so
 * that a deletion looks for the last time only when none can be under way any more.
 */
import type { StepContext, StepResult } from "../../installer.ts";
import type { EpochMs } from "../../../model/document.ts";
import { readNotes, withNotes, type AzureNotes } from "../azureNotes.ts";
import { statusOf } from "../failures/azureErrors.ts";

/**
 * From the note until a call has taken effect or never does: the SDK's three tries of a minute each, a sign-in, and a margin. A worker
 * that stood still for longer sends nothing any more (`actingWorker.ts`).
 */
const takesEffectWithinMs = 5 * 60_000;

/**
 * Makes such a call. Once it is answered it is not under way any more, unless an earlier one may be.
 *
 * @param more what else is to be noted before it.
 */
export async function callOutside<Answer>(
  context: StepContext,
  more: AzureNotes,
  call: () => Promise<Answer>,
): Promise<Answer> {
  const before = outsideCallMs(context) > 0 ? readNotes(context.snapshot).outsideCallAt : undefined;
  const noteTime = async (outsideCallAt: EpochMs | undefined, others: AzureNotes): Promise<void> =>
    context.save({ installation: withNotes(context.snapshot, { ...others, outsideCallAt }) });
  await noteTime(context.now, more);
  context.guard();
  try {
    const answer = await call();
    await noteTime(before, {});
    return answer;
  } catch (error) {
    if (isRefusal(statusOf(error))) await noteTime(before, {});
    throw error;
  }
}

/** Whether Azure has answered that it doesn't do it; whoever tells of its own time limit may go on all the same. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && status !== 408;
}

/** How long a call may still be under way; 0 once none can be. */
export function outsideCallMs({ snapshot, now }: Pick<StepContext, "snapshot" | "now">): number {
  const { outsideCallAt } = readNotes(snapshot);
  if (outsideCallAt === undefined) return 0;
  return Math.min(Math.max(0, outsideCallAt + takesEffectWithinMs - now), takesEffectWithinMs);
}

/** The end of a step after which the cluster stands: that took far longer than such a call, and no other operation makes one. */
export function doneWithOutsideCalls(snapshot: StepContext["snapshot"]): StepResult {
  if (readNotes(snapshot).outsideCallAt === undefined) return { done: true };
  const installation = withNotes(snapshot, { outsideCallAt: undefined });
  return { done: true, changes: { installation } };
}
