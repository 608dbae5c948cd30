/**
 * Begins calls to Azure that take minutes: whoever comes next finds them under way. Nothing here may wait for the end of anything.
 */
import type { StepContext } from "../../installer.ts";

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
