/**
 * Parts of each client that look at the answers before the SDK does, which would wait too long for some and lose what others say. They
 * must never change an answer.
 */
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { keepFailedBody, ThrottledError } from "./azureErrors.ts";

/**
 * Part of each client: keeps the body of an answer that failed. The SDKs that poll drop it with all details when they throw, and so
 * what a template's validation found.
 */
export const keepingFailedBodies: PipelinePolicy = {
  name: "keepingFailedBodies",
  sendRequest: async (request, next) => {
    const response = await next(request);
    if (response.status >= 400 && typeof response.bodyAsText === "string") {
      keepFailedBody(request, response.bodyAsText);
    }
    return response;
  },
};

/** Waits that are shorter are left to the SDKs, which then call again. */
const waitLongestMs = 2_000;

/**
 * Part of each client: ends a call that Azure asks to make again much later. The SDKs would wait for however long it says, and with
 * them the worker and its lease.
 *
 * @throws {ThrottledError} which the SDKs don't try again.
 */
export const refusingLongWaits: PipelinePolicy = {
  name: "refusingLongWaits",
  sendRequest: async (request, next) => {
    const response = await next(request);
    const { status, headers, bodyAsText } = response;
    if (status !== 429 && status !== 503) return response;
    if (isShortWait(headers)) return response;
    throw new ThrottledError({ status, headers, bodyAsText, request });
  },
};

/** By which header an answer says when to come back, in how many milliseconds each. */
const waitUnits = { "retry-after-ms": 1, "x-ms-retry-after-ms": 1, "retry-after": 1_000 } as const;

/** The SDKs compare a date with this machine's clock: only a plain number is the same wait for everybody. */
function isShortWait(headers: { get(name: string): string | undefined }): boolean {
  return Object.entries(waitUnits).every(([name, unitMs]) => {
    const value = headers.get(name);
    return value === undefined || (/^\d+$/.test(value) && Number(value) * unitMs <= waitLongestMs);
  });
}
