/**
 * Tries once, when a backend starts, whether the resource provider can sign in to Azure at all: otherwise a wrong credential would be
 * seen only when the first cluster is created. It must never keep anything waiting, nor fail, nor repeat more of what the sign-in said
 * than the numbers of its errors.
 */
import type { Log } from "../../runtime/log.ts";
import type { AzureConnection } from "./azureConnection.ts";
import { isSignInUnanswered } from "./failures/azureErrors.ts";

/** An error of several ways to sign in, of errors, and so on. */
const depthMax = 5;

/** Of connections to a server whose certificate this process doesn't trust, or that doesn't fit. */
const tlsFault =
  /^(UNABLE_TO_|CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_SELF_SIGNED_|EPROTO$)/;

/**
 * Logs one warning that says what to do, if it fails; the connection bounds its time. Never rejects.
 *
 * @returns whether it could sign in.
 */
export async function tellFailedSignIn(
  azure: Pick<AzureConnection, "signIn">,
  log: Pick<Log, "warn">,
): Promise<boolean> {
  try {
    await azure.signIn();
    return true;
  } catch (error) {
    const codes = entraCodes(error);
    const broken = [...new Set(within(error).flatMap(brokenBy))];
    const untrusted = broken.filter((code) => tlsFault.test(code));
    const named = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
    const nobody = isSignInUnanswered(error) && codes.length === 0;
    if (nobody && untrusted.length > 0) {
      log.warn(
        {},
        `The resource provider does not trust the server that it would sign in to Azure at (${untrusted.join(", ")}): no cluster can be ` +
          "created or changed until it does. Check AZURE_AUTHORITY_HOST, and NODE_EXTRA_CA_CERTS where a proxy or cloud has a " +
          "certificate authority of its own.",
      );
      return false;
    }
    const by = broken.length === 0 ? "" : ` (${broken.join(", ")})`;
    log.warn(
      {},
      nobody
        ? `Nothing answered when the resource provider tried to sign in to Azure${by}: no cluster can be created or changed until it can. Check ` +
            "the way to Microsoft Entra (AZURE_AUTHORITY_HOST, proxy, firewall), and that there is a credential."
        : `The resource provider could not sign in to Azure${named}: no cluster can be created or changed until it can. Check AZURE_TENANT_ID, ` +
            "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or the managed identity, or sign in with 'az login'.",
    );
    return false;
  }
}

/** Numbers by which Microsoft Entra names what is wrong, each once. */
function entraCodes(error: unknown): readonly string[] {
  const all = within(error).flatMap(({ message }) => message.match(/\bAADSTS\d{4,8}\b/g) ?? []);
  return [...new Set(all)];
}

/** By what a connection broke, as Node names it. */
function brokenBy(error: Error): readonly string[] {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" && /^[A-Z][A-Z_]{2,60}$/.test(code) ? [code] : [];
}

/** The error and all that it was made of. */
function within(error: unknown, depth = 0): readonly Error[] {
  if (!(error instanceof Error) || depth > depthMax) return [];
  const { cause, errors } = error as { readonly cause?: unknown; readonly errors?: unknown };
  const parts = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  return [error, ...parts.flatMap((each) => within(each, depth + 1))];
}
