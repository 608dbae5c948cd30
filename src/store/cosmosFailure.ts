/**
 * What went wrong with one request to Cosmos DB, told apart by what it means for the request's effect. Its text and its
 * members hold status numbers and the service's id of the request, nothing else: the SDK's own errors carry the request, and
 * with it documents and the authorization, so none of them is ever kept, not even as a cause.
 *
 * What the numbers mean: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
 */

export type FailureKind =
  /** 429, 449: the service says that it did nothing and wants to be asked again. */
  | "putOff"
  /** A condition did not hold, or the item is absent: 404, 409, 412. */
  | "condition"
  /** 413. */
  | "tooLarge"
  /** Refused for a reason that asking again doesn't change: 400, 401, 403. Nothing was done. */
  | "refused"
  /**
   * No answer, or one that doesn't tell whether the request was carried out: reset, timeout, 408, 410, 5xx.
   * (A 408 whose write had succeeded: https://github.com/Azure/azure-cosmos-dotnet-v3/issues/1420.)
   */
  | "unanswered";

export class CosmosFailure extends Error {
  override readonly name = "CosmosFailure";
  readonly kind: FailureKind;
  /** Absent when there was no answer. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly requestUnits: number;

  constructor(
    kind: FailureKind,
    message: string,
    details: {
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly requestUnits?: number;
    } = {},
  ) {
    super(message);
    this.kind = kind;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.requestUnits = details.requestUnits ?? 0;
  }
}

const activityIdForm = /^[0-9a-f-]{36}$/i;

/** What an answer or an error of the SDK says in its headers. */
export interface AnswerHeaders {
  readonly [name: string]: unknown;
}

/** What the service calculated for a request, a number as text; 0 when it doesn't say. */
export function requestUnitsFrom(charge: unknown): number {
  const units = Number(charge ?? 0);
  return Number.isFinite(units) ? units : 0;
}

/** Of an answer of which only the headers are known. */
export function requestUnitsOf(headers: AnswerHeaders | undefined): number {
  return requestUnitsFrom(headers?.["x-ms-request-charge"]);
}

/** An answer with a status that tells of no success. */
export function failedAnswer(status: number, headers: AnswerHeaders | undefined): CosmosFailure {
  const substatus = numberIn(headers, "x-ms-substatus");
  const activityId = headers?.["x-ms-activity-id"];
  const remarks = [
    ...(substatus === undefined ? [] : [`substatus ${substatus}`]),
    ...(typeof activityId === "string" && activityIdForm.test(activityId)
      ? [`activity ${activityId}`]
      : []),
  ];
  const remark = remarks.length === 0 ? "" : ` (${remarks.join(", ")})`;
  return new CosmosFailure(kindOf(status, substatus), `Cosmos DB answered ${status}${remark}`, {
    status,
    retryAfterMs: numberIn(headers, "x-ms-retry-after-ms"),
    requestUnits: requestUnitsOf(headers),
  });
}

function kindOf(status: number, substatus: number | undefined): FailureKind {
  switch (status) {
    case 429:
    case 449:
      return "putOff";
    case 404:
      // 1002: the replica that was asked is behind; 1003: there is no such container
      if (substatus === 1002) return "unanswered";
      return substatus === 1003 ? "refused" : "condition";
    case 409:
    case 412:
      return "condition";
    case 413:
      return "tooLarge";
    case 408:
    case 410:
      return "unanswered";
    default:
      return status >= 500 ? "unanswered" : "refused";
  }
}

/** What the SDK threw, without anything of it that could hold a secret. */
export function failureFrom(error: unknown): CosmosFailure {
  // one of ours that went through the SDK has more hung on it
  if (error instanceof CosmosFailure) return new CosmosFailure(error.kind, error.message, error);
  if (!(error instanceof Error)) return new CosmosFailure("unanswered", "Cosmos DB did not answer");
  // a batch wraps what its request threw
  if (error.cause instanceof Error && !("code" in error)) return failureFrom(error.cause);
  const { code, headers } = error as { readonly code?: unknown; readonly headers?: AnswerHeaders };
  if (typeof code === "number") return failedAnswer(code, headers);
  // @azure/identity; nothing was sent
  if (/Authentication|Credential/.test(error.name)) {
    return new CosmosFailure(
      "refused",
      `signing in to Cosmos DB failed (${error.name}): run az login, or set COSMOSDB_KEY`,
    );
  }
  return new CosmosFailure("unanswered", "Cosmos DB did not answer");
}

function numberIn(headers: AnswerHeaders | undefined, name: string): number | undefined {
  const value = headers?.[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}
