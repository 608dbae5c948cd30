/**
 * Calls to Azure, as steps make them: what takes minutes is only begun, since whoever comes next finds it under way; and a look at
 * what may not be there. Nothing here may wait for the end of anything.
 */
import type { StepContext } from "../../installer.ts";
import { isNotFound } from "../failures/azureErrors.ts";

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

/** What is read, or nothing when it isn't there. */
export async function found<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether two ARM ids, or names, mean the same. */
export function isSame(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one.toLowerCase() === other.toLowerCase();
}
