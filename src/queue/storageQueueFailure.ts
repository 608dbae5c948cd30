/**
 * What went wrong with one request to Azure Storage Queue, told apart by what it means for the request's effect. Its text and
 * its members hold status numbers, the service's error code and its id of the request, nothing else: the SDK's own errors
 * carry the request, and with it the message and the authorization, so none of them is ever kept, not even as a cause.
 *
 * What the codes mean: https://learn.microsoft.com/rest/api/storageservices/queue-service-error-codes and
 * https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
 */

export type FailureKind =
  /** Surely not carried out, and asking again may help: 429, 503 `ServerBusy`, or nobody could be connected to. */
  | "putOff"
  /**
   * The receipt is not valid, and nothing was done: 400 `PopReceiptMismatch`, 404 `MessageNotFound`. The latter says no more
   * than the former: the service also gives it for a message that somebody else has received since
   * (https://github.com/Azure/azure-storage-net/issues/285), though emulators keep them apart.
   */
  | "lost"
  /**
   * Refused for a reason that asking again doesn't change: 400, 401, 403, and also a queue that is gone, disabled or being
   * deleted. Nothing was done.
   */
  | "refused"
  /**
   * No answer, or one that doesn't tell whether the request was carried out: reset, timeout, any other 5xx, something that
   * isn't the service's.
   */
  | "unanswered";

export class StorageQueueFailure extends Error {
  override readonly name = "StorageQueueFailure";
  readonly kind: FailureKind;
  /** The service's code, such as `QueueNotFound`; absent when it gave none. */
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    details: {
      readonly code?: string | undefined;
      readonly retryAfterMs?: number | undefined;
    } = {},
  ) {
    super(message);
    this.kind = kind;
    this.code = details.code;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The headers of an answer. */
export interface AnswerHeaders {
  get(name: string): string | undefined;
}

const codeForm = /^[A-Za-z]{1,80}$/;
const requestIdForm = /^[0-9a-f-]{36}$/i;

/** An answer with a status that tells of no success. */
export function failedAnswer(status: number, headers: AnswerHeaders): StorageQueueFailure {
  const code = shaped(headers.get("x-ms-error-code"), codeForm);
  const requestId = shaped(headers.get("x-ms-request-id"), requestIdForm);
  const named = code === undefined ? "" : ` ${code}`;
  const remark = requestId === undefined ? "" : ` (request ${requestId})`;
  return new StorageQueueFailure(
    kindOf(status, code),
    `Azure Storage answered ${status}${named}${remark}`,
    { code, retryAfterMs: retryAfterMsIn(headers) },
  );
}

function kindOf(status: number, code: string | undefined): FailureKind {
  if (status === 429) return "putOff";
  if (status >= 500) {
    // without its code it may be of something in between, which can have passed the request on
    return status === 503 && code === "ServerBusy" ? "putOff" : "unanswered";
  }
  if (status === 404 && code === "MessageNotFound") return "lost";
  if (status === 400 && code === "PopReceiptMismatch") return "lost";
  return "refused";
}

/** What was thrown while a request was made, without anything of it that could hold a secret. */
export function failureFrom(error: unknown): StorageQueueFailure {
  if (error instanceof StorageQueueFailure) return error;
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  // @azure/identity; nothing was sent
  if (typeof name === "string" && /Authentication|Credential/.test(name)) {
    return new StorageQueueFailure(
      "refused",
      `signing in to Azure Storage failed (${name}): run az login, or set STORAGE_KEY`,
    );
  }
  if (typeof code === "string" && unconnected.includes(code)) {
    return new StorageQueueFailure("putOff", `Azure Storage can't be reached (${code})`);
  }
  return new StorageQueueFailure("unanswered", "Azure Storage did not answer");
}

/** Of these the connection never came about, so that nothing can have been sent. */
const unconnected: readonly string[] = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

function shaped(text: string | undefined, form: RegExp): string | undefined {
  return text !== undefined && form.test(text) ? text : undefined;
}

/** Whole seconds; a date instead is not worth another clock. */
function retryAfterMsIn(headers: AnswerHeaders): number | undefined {
  const seconds = shaped(headers.get("retry-after")?.trim(), /^\d{1,6}$/);
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
