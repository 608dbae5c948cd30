/**
 * Lets no change leave for ARM once the worker that runs the step may not act any more. A step asks that right before each call, but until
 * the call is sent the SDK may sign in or wait for another try, and the machine may be suspended for hours in between: another worker has
 * gone on then, and what is still sent would begin a finished cluster anew, or delete its successor's group. It must never hold up who only
 * reads, nor what is asked outside of a step.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createDefaultHttpClient, type HttpClient } from "@azure/core-rest-pipeline";
import type { StepContext } from "../installer.ts";

const acting = new AsyncLocalStorage<StepContext["guard"]>();

/** Everything that is sent within, however late, is the step's. */
export async function actingFor<Result>(
  { guard }: Pick<StepContext, "guard">,
  run: () => Promise<Result>,
): Promise<Result> {
  return await acting.run(guard, run);
}

/** For the clients of ARM: the last thing before a try is sent. What the guard throws ends the call, as the SDKs don't try that again. */
export function guardedHttpClient(): HttpClient {
  const client = createDefaultHttpClient();
  return {
    sendRequest: async (request) => {
      if (request.method !== "GET" && request.method !== "HEAD") acting.getStore()?.();
      return await client.sendRequest(request);
    },
  };
}
