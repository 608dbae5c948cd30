/**
 * Signs in with the cluster's own service principal, as the cluster will, and notes what else names it: the tenant, and the object id
 * that roles are assigned to. The secret must never get into a message.
 */
import { TransientError } from "../../../model/rpError.ts";
import type { Step } from "../../installer.ts";
import { armAnswer } from "./armAnswer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { notesOfPrincipal } from "../azureNotes.ts";
import { isSignInUnanswered } from "../failures/azureErrors.ts";
import { readApiVersions } from "../template/apiVersions.ts";
import { checkStep, propagationMs, type CheckFault, type CheckResult } from "./checkStep.ts";

const apiVersion = readApiVersions["Microsoft.Resources/subscriptions"];
const code = "InvalidServicePrincipalCredentials";

/** What Microsoft Entra says by number, and what to do. What may be so because the principal is new is given time. */
const refusals: Readonly<
  Record<string, { readonly advice: string; readonly maySpread?: boolean } | undefined>
> = {
  7000215: {
    advice: "The secret is wrong: give its value, not its id.",
    maySpread: true,
  },
  7000222: { advice: "The secret has expired: make a new one." },
  7000216: { advice: "It has no secret: make one." },
  700016: {
    advice:
      "No such application is in the tenant of the subscription: make a service principal there.",
    maySpread: true,
  },
  700027: { advice: "It signs in by other means than a secret: make one." },
  7000112: { advice: "The application is disabled: enable it." },
  7000229: {
    advice: "The application has no service principal in the tenant: make one there.",
    maySpread: true,
  },
  90002: { advice: "Its tenant doesn't exist." },
  53003: { advice: "A policy of conditional access forbids it to sign in: exempt it." },
};

export function checkServicePrincipal(effects: AzureEffects): Step {
  return checkStep(effects, "CheckServicePrincipal", async ({ snapshot }, signal) => {
    const { subscriptionId, cluster, secrets } = snapshot;
    const { clientId } = cluster;
    const { clientSecret } = secrets;
    if (clientId === undefined || clientSecret === undefined) return refused(none);
    const { azure } = effects;
    const subscription = (await armAnswer(
      azure.of(subscriptionId),
      `/subscriptions/${subscriptionId}`,
      { apiVersion, signal },
    )) as { readonly tenantId?: string } | null;
    const tenantId = subscription?.tenantId;
    if (tenantId === undefined)
      throw new TransientError("Azure named no tenant of the subscription.");
    let token: string;
    try {
      const credential = azure.as({ tenantId, clientId, clientSecret });
      token = (await credential.getToken(azure.scope, { abortSignal: signal }))?.token ?? "";
    } catch (error) {
      signal.throwIfAborted();
      return { faults: refusedSignIn(error, clientId) };
    }
    return { faults: [], notes: { tenantId, ...notesOfPrincipal(snapshot, objectIdIn(token)) } };
  });
}

const none =
  "The cluster has no service principal, and nothing to act by in its subscription: give it one by a PATCH " +
  "of this failed cluster with `properties.servicePrincipalProfile`, which api-version 2020-04-30 has and which begins the create anew.";

function refused(message: string, patienceMs = 0): CheckResult {
  return { faults: [{ code, message, patienceMs }] };
}

/**
 * What the user has to do when the cluster's principal can't sign in. The text of Entra's own is left out: it may repeat what it was
 * sent.
 *
 * @throws when it is nothing that the user can do something about.
 */
export function refusedSignIn(error: unknown, clientId: string): readonly CheckFault[] {
  const what = `The service principal ${clientId} could not sign in`;
  const text = error instanceof Error ? error.message : "";
  const number = /AADSTS(\d+)/.exec(text)?.[1];
  // an outage is told, and waited for, as every other one
  if (number === undefined && isSignInUnanswered(error)) throw error;
  const refusal = number === undefined ? undefined : refusals[number];
  if (refusal === undefined) {
    throw new TransientError(
      `${what}: ${number === undefined ? "no answer came" : `AADSTS${number}`}.`,
    );
  }
  return refused(
    `${what} (AADSTS${number}). ${refusal.advice}`,
    refusal.maySpread === true ? propagationMs : 0,
  ).faults;
}

/** The claim `oid`; the token came from Entra itself, so its signature isn't in question. */
function objectIdIn(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
      readonly oid?: unknown;
    };
    if (typeof claims.oid === "string" && claims.oid !== "") return claims.oid;
  } catch {
    // told below, without the token
  }
  throw new TransientError("The token of the service principal names no object id.");
}
