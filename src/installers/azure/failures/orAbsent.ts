/** A call about something in Azure that may not be there. It must let every other failure through. */
import { isNotFound } from "./azureErrors.ts";

/** What the call brings, or nothing when what it is about isn't there. */
export async function orAbsent<Value>(call: Promise<Value>): Promise<Value | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
