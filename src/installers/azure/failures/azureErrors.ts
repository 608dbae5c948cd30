/**
 * Reads what an SDK of Azure threw: the errors that matter, out of whatever they were wrapped in, when to come back, and whether it is
 * about signing in. It must never judge what becomes of a step, nor show a text that it read.
 */
import { isKnown, type AzureError } from "./azureErrorTable.ts";
import { OperationError, withoutReason } from "./operationError.ts";

/** What an answer, a failed deployment or a broken connection told. */
export interface AzureFailure {
  /** Of HTTP; absent when there was no answer, or it isn't one that failed. */
  readonly status?: number;
  /** At least one. */
  readonly errors: readonly AzureError[];
  readonly retryAfterMs?: number;
  /** Scheme, host and port that were asked; absent when nobody was, as in a failed deployment. */
  readonly origin?: string;
}

const depthMax = 12;
const errorsMax = 50;
const messageJsonMax = 200_000;

const statusNames: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
};
const deploymentCode = /^(InvalidTemplate|DeploymentFailed|InvalidDeployment|MultipleErrors)/;
const signInErrors = [
  "AuthenticationError",
  "AggregateAuthenticationError",
  "AuthenticationRequiredError",
  "CredentialUnavailableError",
];

/** Bodies of answers that failed, by their requests. */
const failedBodies = new WeakMap<object, string>();

/** Keeps the body of an answer that failed until its error is read. */
export function keepFailedBody(request: object, body: string): void {
  failedBodies.set(request, body);
}

/** Azure asks to come back later than a call may wait. */
export class ThrottledError extends Error {
  override readonly name = "ThrottledError";
  readonly failure: AzureFailure;

  constructor(answer: {
    readonly status: number;
    readonly bodyAsText?: string | null | undefined;
    readonly headers: Headers;
    readonly request: object;
  }) {
    super("Azure asks to come back later");
    const { status, bodyAsText, headers, request } = answer;
    const own = { code: `${status}`, message: "Azure asks to come back later." };
    const body = json(bodyAsText);
    const errors = flat(hasError(body) ? body : own, { status, inDeployment: false }, own);
    const retryAfterMs = readRetryAfter(headers);
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.failure = { status, errors, ...wait, ...originOf(request) };
  }
}

interface Headers {
  get(name: string): string | undefined;
}

interface Thrown {
  readonly name: string;
  readonly request?: object;
  readonly message: string;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly details?: unknown;
  readonly response?: {
    readonly parsedBody?: unknown;
    readonly bodyAsText?: unknown;
    readonly headers?: Headers;
  };
}

/** Whether an SDK's call threw it. Several copies of its class may be loaded. */
export function isRestError(error: unknown): error is Error & Thrown & { details?: unknown } {
  return error instanceof Error && error.name === "RestError";
}

/** Of the answer, if there was one. */
export function statusOf(error: unknown): number | undefined {
  if (!isRestError(error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** By these Azure says that what was asked for, or what it would be in, isn't there. */
const notFoundCodes = [
  "ResourceGroupNotFound",
  "ResourceNotFound",
  "ParentResourceNotFound",
  "NotFound",
  "DeploymentNotFound",
  "ContainerNotFound",
  "BlobNotFound",
];

/** Whether Azure itself says that it isn't there: neither a proxy's page says that, nor that the subscription isn't known. */
export function isNotFound(error: unknown): boolean {
  if (!isRestError(error) || statusOf(error) !== 404) return false;
  const ofStorage = storageCode(error.response?.headers);
  if (ofStorage !== undefined) return notFoundCodes.includes(ofStorage);
  return readFailure(error)?.errors.every(({ code }) => notFoundCodes.includes(code)) ?? false;
}

/** Whether somebody could not sign in. */
export function isSignInError(error: unknown): boolean {
  return error instanceof Error && signInErrors.includes(error.name);
}

/** How MSAL says that nobody answered, or nobody who told where to sign in; some credentials put a line of their own before it. */
const signInUnanswered = /^(network_error|endpoints_resolution_error|no_network_connectivity)\b/m;

/** Whether somebody could not sign in because nothing answered, rather than since it was refused. */
export function isSignInUnanswered(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > depthMax) return false;
  const { statusCode, status, cause, errors } = error as {
    readonly statusCode?: unknown;
    readonly status?: unknown;
    readonly cause?: unknown;
    readonly errors?: unknown;
  };
  if (isOutage(statusCode) || isOutage(status) || signInUnanswered.test(error.message)) return true;
  // of several ways to sign in one may be down, and the others not meant
  const within = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  return within.some((each) => isSignInUnanswered(each, depth + 1));
}

/** Whether a status of HTTP tells of Azure's state rather than of what it was asked. */
export function isOutage(status: unknown): boolean {
  return typeof status === "number" && (status >= 500 || status === 408 || status === 429);
}

/** @returns nothing when it isn't Azure's, such as a fault of ours. */
export function readFailure(error: unknown): AzureFailure | undefined {
  if (error instanceof OperationError) {
    const { body, isDeployment } = error;
    const fallback = isDeployment ? undefined : withoutReason;
    return { errors: flat(body, { inDeployment: isDeployment }, fallback) };
  }
  if (error instanceof ThrottledError) return error.failure;
  if (!isRestError(error)) return undefined;
  const status = statusOf(error);
  const origin = originOf(error.request);
  if (status === undefined || status < 400) return { errors: [lost(error)], ...origin };
  const { parsedBody, bodyAsText, headers } = error.response ?? {};
  // an answer to HEAD has no body, but storage says it here as well
  const code = error.code ?? storageCode(headers);
  const own = {
    code: typeof code === "string" ? code : `${status}`,
    message: error.message === "" ? withoutReason.message : error.message,
  };
  const kept = error.request === undefined ? undefined : failedBodies.get(error.request);
  const bodies = [json(kept), error.details, parsedBody, json(bodyAsText)];
  const body = bodies.find(hasError) ?? own;
  const retryAfterMs = readRetryAfter(headers);
  return {
    status,
    errors: flat(body, { status, inDeployment: false }, own),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...origin,
  };
}

function storageCode(headers: Headers | undefined): string | undefined {
  return headers?.get("x-ms-error-code");
}

/** Never more of an address than this: the rest may be a signature. */
function originOf(request: object | undefined): Pick<AzureFailure, "origin"> {
  const { url } = (request ?? {}) as { readonly url?: unknown };
  const origin = typeof url === "string" ? URL.parse(url)?.origin : undefined;
  return origin === undefined ? {} : { origin };
}

/** No answer, or none that can be read. */
function lost(error: Thrown): AzureError {
  const code = typeof error.code === "string" ? error.code : "REQUEST_SEND_ERROR";
  return { code, message: "no answer came", status: 503, inDeployment: false, isLost: true };
}

interface Around {
  readonly status?: number;
  readonly inDeployment: boolean;
}

/** The errors at the ends of the tree: those around them only say that something within failed. */
function flat(
  body: unknown,
  around: Around,
  fallback: { readonly code: string; readonly message: string } = {
    code: "Unknown",
    message: "Azure gave no reason.",
  },
): readonly AzureError[] {
  const found: AzureError[] = [];
  collect(body, around, found, fallback.code, 0);
  return found.length > 0 ? found.slice(0, errorsMax) : [{ ...fallback, ...around }];
}

function collect(
  node: unknown,
  around: Around,
  found: AzureError[],
  outerCode: string,
  depth: number,
): void {
  if (!isRecord(node) || depth > depthMax || found.length >= errorsMax) return;
  if (isRecord(node["error"])) {
    collect(node["error"], around, found, outerCode, depth + 1);
    return;
  }
  const code = text(node["code"]) ?? outerCode;
  const message = text(node["message"]) ?? "";
  const here: Around = {
    ...around,
    ...(statusNames[code] === undefined ? {} : { status: statusNames[code] }),
    inDeployment: around.inDeployment || deploymentCode.test(code),
  };
  const own: AzureError = { code, message, ...here };
  const inner: AzureError[] = [];
  const within = json(message);
  if (hasError(within)) collect(within, here, inner, code, depth + 1);
  const details = Array.isArray(node["details"]) ? (node["details"] as unknown[]) : [];
  for (const detail of details) collect(detail, here, inner, code, depth + 1);
  const useful = hasError(within) || inner.some(isKnown) || !isKnown(own);
  const taken = inner.length > 0 && useful ? inner : message === "" ? [] : [own];
  found.push(...taken.map((error) => withReadableMessage(error, own)));
}

/** Some details hold figures instead of a sentence. */
function withReadableMessage(error: AzureError, outer: AzureError): AzureError {
  const figures = error.message === "" || json(error.message) !== undefined;
  return figures && outer.message !== "" ? { ...error, message: outer.message } : error;
}

function hasError(body: unknown): boolean {
  if (!isRecord(body)) return false;
  const error = isRecord(body["error"]) ? body["error"] : body;
  return typeof error["code"] === "string" && typeof error["message"] === "string";
}

function json(value: unknown): unknown {
  if (typeof value !== "string" || value.length > messageJsonMax) return undefined;
  if (!value.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A date is compared with the answer's own, so that nobody's clock matters. */
function readRetryAfter(headers: Headers | undefined): number | undefined {
  if (typeof headers?.get !== "function") return undefined;
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const value = headers.get(name);
    if (value !== undefined && /^\d+$/.test(value)) return Number(value);
  }
  const value = headers.get("retry-after");
  if (value === undefined) return undefined;
  const waitMs = /^\d+$/.test(value)
    ? Number(value) * 1_000
    : Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
