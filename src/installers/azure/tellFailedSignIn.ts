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

/** Logs one warning that says what to do, if it fails; the connection bounds its time. Never rejects. */
export async function tellFailedSignIn(
  azure: Pick<AzureConnection, "signIn">,
  log: Pick<Log, "warn">,
): Promise<void> {
  try {
    await azure.signIn();
  } catch (error) {
    const codes = entraCodes(error);
    const named = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
    log.warn(
      {},
      isSignInUnanswered(error) && codes.length === 0
        ? "Nothing answered when the resource provider tried to sign in to Azure: no cluster can be created or changed until it can. Check " +
            "the way to Microsoft Entra (AZURE_AUTHORITY_HOST, proxy, firewall), and that there is a credential."
        : `The resource provider could not sign in to Azure${named}: no cluster can be created or changed until it can. Check AZURE_TENANT_ID, ` +
            "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or the managed identity, or sign in with 'az login'.",
    );
  }
}

/** Numbers by which Microsoft Entra names what is wrong, each once. */
function entraCodes(error: unknown, depth = 0): readonly string[] {
  if (!(error instanceof Error) || depth > depthMax) return [];
  const { cause, errors } = error as { readonly cause?: unknown; readonly errors?: unknown };
  const within = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  const all = [
    ...(error.message.match(/\bAADSTS\d{4,8}\b/g) ?? []),
    ...within.flatMap((each) => entraCodes(each, depth + 1)),
  ];
  return [...new Set(all)];
}
