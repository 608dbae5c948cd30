/** Rules about the service principal of a cluster: it has a client id and a secret, or there is none. */
import { isGuid } from "../model/resourceId.ts";
import type { Fault } from "../model/rpError.ts";
import { missing, refused } from "./refused.ts";

/** Many times what Entra gives out; a document holds it twice while it changes, and has to stay small enough for its store. */
const secretLengthMax = 4_096;

/** As a caller asks for it, completed from what is stored. */
export interface AskedPrincipal {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
}

/**
 * Everything wrong with it. One that stays as it is stored isn't judged again; a cluster made through an api-version that
 * has none may go on without. No message holds the secret.
 *
 * @param stored the same of the stored cluster; `undefined` at creation, when it is needed.
 */
export function servicePrincipalFaults(
  { clientId, clientSecret }: AskedPrincipal,
  stored: AskedPrincipal | undefined,
  path: string,
): Fault[] {
  const hasNewId = clientId !== stored?.clientId;
  const hasNewSecret = clientSecret !== stored?.clientSecret;
  if (stored !== undefined && !hasNewId && !hasNewSecret) return [];
  const faults: Fault[] = [];
  if (clientId === undefined) {
    faults.push(missing(`${path}.clientId`));
  } else if (hasNewId && !isGuid(clientId)) {
    // never shown: whoever mixes the two up has written the secret here
    faults.push(refused(`${path}.clientId`, `'${path}.clientId' must be a GUID.`));
  }
  if (clientSecret === undefined) {
    faults.push(missing(`${path}.clientSecret`));
  } else if (hasNewSecret && clientSecret.length > secretLengthMax) {
    const message = `'${path}.clientSecret' must have at most ${secretLengthMax} characters.`;
    faults.push(refused(`${path}.clientSecret`, message));
  }
  return faults;
}
