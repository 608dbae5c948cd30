/**
 * What Azure went on with and didn't bring to a good end. Its error is kept as Azure tells it: of it the SDKs' pollers make a sentence,
 * from which nobody can tell a lock from a quota. It must never show more of it than `shownErrors` lets through.
 */
import { TerminalError } from "../../../model/rpError.ts";
import { readFailure } from "./azureErrors.ts";
import { judge, type Circumstances } from "./azureFailure.ts";
import { shownErrors } from "./shownErrors.ts";

/** From the failure to the next try. */
const begunAgainAfterMs = 60_000;

/**
 * What becomes of a step whose operation has failed. The backend can't count such failures: one that fails after a while was under way
 * in between, which is progress to it.
 *
 * @param error an `OperationError`, or the answer to a look at the operation.
 * @param what the beginning of a sentence that says what has failed.
 * @param endsAfterMs how long it is begun again, from the step's first start.
 * @returns when to begin it again, and why.
 * @throws {TerminalError} when that can't help, or hasn't for long enough.
 */
export function afterFailedOperation(
  error: Error,
  circumstances: Circumstances,
  { what, endsAfterMs }: { readonly what: string; readonly endsAfterMs: number },
): { readonly againAfterMs: number; readonly because: string } {
  const verdict = judge(error, circumstances);
  if (verdict === undefined) throw error;
  if (verdict.is === "terminal") throw verdict.error;
  const { now, startedAt, snapshot } = circumstances;
  const told = shownErrors(readFailure(error)?.errors ?? [], snapshot.subscriptionId);
  const reason = verdict.is === "transient" ? verdict.error.message : `Azure says: ${told}`;
  if (now - startedAt >= endsAfterMs) {
    throw new TerminalError({
      code: "InstallationFailed",
      message: `${what} failed, however often it was tried. ${reason}`,
    });
  }
  const waitMs = verdict.is === "again" ? verdict.againAfterMs : 0;
  return {
    againAfterMs: Math.max(waitMs, begunAgainAfterMs),
    because: `${what} failed and is begun again. ${reason}`,
  };
}
