/**
 * Turns what a step threw into words: for users with a cause that is meant for them and of bounded length, for the log with its stack. Neither may
 * ever show a secret of the cluster, since a cloud's error text may repeat what it was sent.
 */
import { secretNames, type ClusterSecrets } from "../model/clusterSecrets.ts";
import { TerminalError, TransientError, type OperationError } from "../model/rpError.ts";

const lengthMax = 1_000;
/** Shorter values would blot out half of a text. */
const secretLengthMin = 4;
/** Lines of a secret that are shorter aren't secret by themselves, such as `apiVersion: v1`. */
const secretLineLengthMin = 24;
const causesMax = 5;
/** Of a defect, of a store or of a library: its own words would tell a user nothing, or too much. */
const internalCause =
  "an internal error. The operator finds it in the log by the id of the operation.";

/** The reason of a step that failed for good or for now. */
export function failureReason(
  stepName: string,
  error: unknown,
  secrets: ClusterSecrets,
): OperationError {
  const isForUsers = error instanceof TerminalError || error instanceof TransientError;
  const cause = isForUsers ? error.message : internalCause;
  const code = error instanceof TerminalError ? error.code : "InstallationFailed";
  return { code, message: withoutSecrets(`Step ${stepName} failed: ${cause}`, secrets) };
}

/** What a step waits for, when it says so. */
export function waitingReason(
  stepName: string,
  because: string | undefined,
  secrets: ClusterSecrets,
): OperationError | undefined {
  if (because === undefined) return undefined;
  const message = withoutSecrets(`Step ${stepName} waits: ${because}`, secrets);
  return { code: "InstallationFailed", message };
}

/** The reason of an operation that was tried too often. */
export function tooManyAttempts(
  stepName: string,
  attempts: number,
  lastError: OperationError | undefined,
): OperationError {
  const cause =
    lastError === undefined
      ? "the worker that ran it was interrupted each time."
      : `the last cause: ${lastError.message}`;
  return {
    code: "TooManyAttempts",
    message: `Step ${stepName} made no progress in ${attempts} attempts; ${cause}`.slice(
      0,
      lengthMax,
    ),
  };
}

/** The same error for the log: name, message, stack and causes, each without the cluster's secrets. */
export function loggableFailure(error: unknown, secrets: ClusterSecrets, depth = 1): Error {
  if (!(error instanceof Error)) return new Error("a step threw something that is no error");
  const cause =
    error.cause === undefined || depth >= causesMax
      ? {}
      : { cause: loggableFailure(error.cause, secrets, depth + 1) };
  const clean = new Error(replaceSecrets(error.message, secrets), cause);
  clean.name = error.name;
  clean.stack = replaceSecrets(error.stack ?? "", secrets);
  return clean;
}

/** Replaces every secret value, plain, in base64 or as JSON, and cuts the text. */
export function withoutSecrets(text: string, secrets: ClusterSecrets): string {
  return replaceSecrets(text, secrets).slice(0, lengthMax);
}

function replaceSecrets(text: string, secrets: ClusterSecrets): string {
  let clean = text;
  for (const name of secretNames) {
    const secret = secrets[name];
    if (typeof secret !== "string") continue;
    for (const form of formsOf(secret)) clean = clean.replaceAll(form, "(secret)");
  }
  return clean;
}

/** What of a secret a text may show, longest first. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return [
    secret,
    secret.trim(),
    Buffer.from(secret).toString("base64"),
    JSON.stringify(secret).slice(1, -1),
    ...lines.filter((line) => line.length >= secretLineLengthMin),
    ...tokensOf(secret),
  ]
    .filter((form) => form.length >= secretLengthMin)
    .toSorted((one, other) => other.length - one.length);
}

/** The long strings within a secret that is JSON, such as the tokens of a pull secret. */
function tokensOf(secret: string): readonly string[] {
  const tokens: string[] = [];
  try {
    JSON.parse(secret, (_name, value: unknown) => {
      if (typeof value === "string" && value.length >= secretLineLengthMin) tokens.push(value);
      return value;
    });
  } catch {
    // no JSON: its lines are all there is
  }
  return tokens;
}
