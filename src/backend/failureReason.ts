/**
 * Turns what a step threw into words that a user may read: with its cause, without the cluster's secrets, and of bounded
 * length. The whole error goes to the log only.
 */
import type { ClusterSecrets } from "../model/clusterSecrets.ts";
import { TerminalError, type OperationError } from "../model/rpError.ts";

const lengthMax = 1_000;
/** Shorter values would blot out half of a text. */
const secretLengthMin = 4;

/** The reason of a step that failed for good or for now. */
export function failureReason(
  stepName: string,
  error: unknown,
  secrets: ClusterSecrets,
): OperationError {
  const cause = error instanceof Error ? error.message : "unknown cause";
  const code = error instanceof TerminalError ? error.code : "InstallationFailed";
  return { code, message: withoutSecrets(`Step ${stepName} failed: ${cause}`, secrets) };
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
    message: `Step ${stepName} made no progress in ${attempts} attempts; ${cause}`.slice(0, lengthMax),
  };
}

/** Replaces every secret value, plain or in base64, and cuts the text. */
export function withoutSecrets(text: string, secrets: ClusterSecrets): string {
  let clean = text;
  for (const secret of Object.values(secrets)) {
    if (typeof secret !== "string" || secret.length < secretLengthMin) continue;
    for (const form of [secret, secret.trim(), Buffer.from(secret).toString("base64")]) {
      clean = clean.replaceAll(form, "(secret)");
    }
  }
  return clean.slice(0, lengthMax);
}
