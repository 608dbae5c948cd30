/**
 * What is remembered of a deletion that Azure goes on with, so that whoever comes next asks how it ended and tells why it is begun once
 * more. It must never take what another operation's deletion failed of for a failure of this one's.
 */
import type { StepContext, StepResult } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { readNotes, withNotes, type AzureNotes } from "../azureNotes.ts";
import { afterFailedOperation } from "../failures/failedOperation.ts";

/** How a deletion stands in the notes. */
type Noted = Pick<AzureNotes, "groupDeletion" | "bootstrapDeletion">;

/** Notes that a deletion was begun. */
export async function noteDeletion(
  context: Pick<StepContext, "save" | "snapshot">,
  begun: Noted,
): Promise<void> {
  const { snapshot } = context;
  const notes = { ...begun, deletionBy: snapshot.operationId };
  await context.save({ installation: withNotes(snapshot, notes) });
}

/**
 * Notes that the deletion failed, and why.
 *
 * @param failed `of` is what can't be deleted, as users know it; `ended` are the notes without the deletion; it is begun again for
 *   `endsAfterMs` from the step's first start.
 * @returns nothing when it was another operation's, and has to be begun by this one.
 * @throws {TerminalError} when another try can't help, or hasn't for long enough.
 */
export async function failedDeletion(
  { random }: Pick<AzureEffects, "random">,
  context: StepContext,
  failed: {
    readonly of: string;
    readonly error: Error;
    readonly ended: Noted;
    readonly endsAfterMs: number;
  },
): Promise<StepResult | undefined> {
  const { now, startedAt, snapshot } = context;
  const { of, error, ended, endsAfterMs } = failed;
  const by = snapshot.operationId;
  const { deletionBy = by } = readNotes(snapshot);
  // whatever is thrown below, the next to come has to begin it
  await context.save({ installation: withNotes(snapshot, ended) });
  if (deletionBy !== by) return undefined;
  const again = afterFailedOperation(
    error,
    { now, startedAt, snapshot, random },
    { what: `The deletion of ${of} in Azure`, endsAfterMs },
  );
  const deletionFailure = { of, by, because: again.because };
  await context.save({ installation: withNotes(context.snapshot, { deletionFailure }) });
  return { done: false, ...again };
}

/** To be looked at again, with why its deletion failed before. */
export function againOf(
  of: string,
  { snapshot }: Pick<StepContext, "snapshot">,
  { pollMs }: Pick<AzureEffects, "pollMs">,
): StepResult {
  const { deletionFailure: failure } = readNotes(snapshot);
  const isOfThis = failure?.of === of && failure.by === snapshot.operationId;
  return {
    done: false,
    againAfterMs: pollMs,
    ...(isOfThis ? { because: failure.because } : {}),
  };
}
