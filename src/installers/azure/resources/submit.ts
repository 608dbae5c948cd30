/**
 * Begins calls to Azure that take minutes: whoever comes next finds them under way. Nothing here may wait for the end of anything.
 */
import type { StepContext } from "../../installer.ts";
import { isOutage, isRestError, statusOf } from "../failures/azureErrors.ts";
import { OperationError } from "../failures/operationError.ts";

/**
 * Begins something that goes on in Azure.
 *
 * @throws {RestError} when Azure didn't take it.
 */
export async function submit<Poller extends { submitted(): Promise<void> }>(
  context: Pick<StepContext, "guard" | "signal">,
  begin: (options: { readonly abortSignal: AbortSignal }) => Poller,
): Promise<{ readonly poller: Poller }> {
  context.guard();
  const poller = begin({ abortSignal: context.signal });
  await poller.submitted();
  // by itself it would be waited for to its end, as it is a promise as well
  return { poller };
}

/** How something that was begun gets on. */
export type Progress =
  | { readonly is: "underWay" | "ended" }
  /** Azure doesn't remember it any more. */
  | { readonly is: "forgotten" }
  /** For `afterFailedOperation`. */
  | { readonly is: "failed"; readonly error: Error };

/**
 * Looks once at something that was begun.
 *
 * @throws {Error} when no answer about it came, which says nothing of it.
 */
export async function progressOf(
  { signal }: Pick<StepContext, "signal">,
  restore: (options: { readonly abortSignal: AbortSignal }) => {
    poll(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
    readonly isDone: boolean;
  },
): Promise<Progress> {
  const options = { abortSignal: signal };
  const poller = restore(options);
  try {
    await poller.poll(options);
    return { is: poller.isDone ? "ended" : "underWay" };
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof OperationError) return { is: "failed", error };
    const status = statusOf(error);
    if (status === 404) return { is: "forgotten" };
    const isAnswer = status !== undefined && status >= 400 && status !== 401 && !isOutage(status);
    if (!isAnswer || !isRestError(error)) throw error;
    return { is: "failed", error };
  }
}
