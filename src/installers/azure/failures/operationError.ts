/**
 * Takes the error out of an answer that tells of the bad end of what Azure went on with. Such an answer is a 200 whose body has the
 * error, so that nothing else of the SDKs would show it whole. It must never take another answer for one.
 */
import type { PipelinePolicy } from "@azure/core-rest-pipeline";

/** Something that Azure went on with after it had been begun has failed, or somebody has canceled it. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  /** As ARM shows it: `code`, `message`, `details`; absent when there was none. */
  readonly body: unknown;
  /** Whether it was a deployment, so that the error tells of what that was to make. */
  readonly isDeployment: boolean;

  constructor(body: unknown, { isDeployment = false }: { readonly isDeployment?: boolean } = {}) {
    super(isDeployment ? "a deployment failed" : "an operation in Azure failed");
    this.body = body;
    this.isDeployment = isDeployment;
  }
}

/** What is read when Azure tells only that it has failed; its code is known as one to try again. */
export const withoutReason = {
  code: "ResourceOperationFailure",
  message: "Azure gave no reason.",
} as const;

/**
 * Part of each client: ends a look at an operation that ended badly.
 *
 * @throws {OperationError} which the SDKs don't try again.
 */
export const readingFailedOperations: PipelinePolicy = {
  name: "readingFailedOperations",
  sendRequest: async (request, next) => {
    const response = await next(request);
    if (request.method !== "GET" || response.status >= 300) return response;
    const ended = /^(failed|cancell?ed)$/i;
    const { status, error } = statusBody(response.bodyAsText);
    if (typeof status !== "string" || !ended.test(status)) return response;
    throw new OperationError(error);
  },
};

/** No resource has a `status` beside its `properties`. */
function statusBody(text: string | null | undefined): {
  readonly status?: unknown;
  readonly error?: unknown;
} {
  if (typeof text !== "string" || !text.includes('"status"')) return {};
  try {
    return (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}
