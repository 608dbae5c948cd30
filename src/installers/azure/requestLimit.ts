/**
 * Limits how long a request to Azure may take: a connection whose other end is gone would hold the
 * worker and its lease until the step's deadline. It must never decide what becomes of the step.
 */
import { createPipelineRequest, RestError, type PipelinePolicy } from "@azure/core-rest-pipeline";
import type { RequestPolicyFactory } from "@azure/storage-blob";
import type { Clock } from "../../runtime/clock.ts";
import { deadlineSignal, untilAborted } from "../../runtime/deadlineSignal.ts";

export interface RequestLimit {
  readonly clock: Clock;
  /** From the request until the end of its answer. */
  readonly limitMs: number;
}

/** Part of each client of ARM: each try ends with a `RestError` without a status, an outage. */
export function limitingRequests(limit: RequestLimit): PipelinePolicy {
  return {
    name: "limitingRequests",
    sendRequest: async (request, next) =>
      await withinLimit(request, limit, async () => await next(request)),
  };
}

/** As `limitingRequests`, for clients of blobs; a call's tries are limited together. */
export function limitingBlobRequests(limit: RequestLimit): RequestPolicyFactory {
  return {
    create: (next) => ({
      sendRequest: async (request) =>
        await withinLimit(request, limit, async () => await next.sendRequest(request)),
    }),
  };
}

/** Part of each client: who stops waits no longer, not even for a sign-in that others wait for. */
export const endingOnAbort: PipelinePolicy = {
  name: "endingOnAbort",
  sendRequest: async (request, next) => {
    const signal = request.abortSignal as AbortSignal | undefined;
    if (signal === undefined) return await next(request);
    return await untilAborted(signal, async () => await next(request));
  },
};

/** @param url of the request, if it is known; no more of it than who was asked is kept: the rest may be a signature. */
function notInTime(url?: string): RestError {
  const asked = url === undefined ? undefined : URL.parse(url)?.origin;
  return new RestError("no answer came in time", {
    code: RestError.REQUEST_SEND_ERROR,
    ...(asked === undefined ? {} : { request: createPipelineRequest({ url: asked }) }),
  });
}

/**
 * Why the body of an answer broke off: its stream itself says only that it was aborted.
 *
 * @param callers the signal that the caller gave the request.
 */
export function whyBrokenOff(error: unknown, callers: AbortSignal): unknown {
  if (!(error instanceof Error) || error.name !== "AbortError") return error;
  return callers.aborted ? callers.reason : notInTime();
}

/** What both kinds of clients have in common. */
interface LimitedRequest {
  readonly url: string;
  abortSignal?: unknown;
}

interface Streamed {
  readonly readableStreamBody?: NodeJS.ReadableStream | undefined;
}

async function withinLimit<Response extends Streamed>(
  request: LimitedRequest,
  { clock, limitMs }: RequestLimit,
  send: () => Promise<Response>,
): Promise<Response> {
  const callers = request.abortSignal as AbortSignal | undefined;
  const limit = deadlineSignal({
    clock,
    afterMs: limitMs,
    reason: () => notInTime(request.url),
    parents: callers === undefined ? [] : [callers],
  });
  let streams = false;
  request.abortSignal = limit.signal;
  try {
    const response = await untilAborted(limit.signal, send);
    const stream = response.readableStreamBody;
    streams = stream !== undefined;
    stream?.once("close", () => limit[Symbol.dispose]());
    return response;
  } finally {
    request.abortSignal = callers;
    if (!streams) limit[Symbol.dispose]();
  }
}
