/**
 * What a principal may do, as Azure says of the caller itself, and which actions are missing from that. It must never judge by the
 * names of roles: anybody can make one.
 */
import type { Permission } from "@azure/arm-authorization";
import { armAnswer, armPage } from "./armAnswer.ts";
import type { AzureClients } from "../azureConnection.ts";
import { statusOf } from "../failures/azureErrors.ts";
import { readApiVersions } from "../template/apiVersions.ts";

const apiVersion = readApiVersions["Microsoft.Authorization/permissions"];

/** Whoever has more roles in one place than fit into so many answers isn't looked at any further. */
const pagesMax = 10;

interface Page {
  readonly value?: readonly Permission[];
  readonly nextLink?: string | null;
}

/**
 * What the clients' principal may do there.
 *
 * @param scope an ARM id.
 * @returns `undefined` when that can't be told: there is more of it than is looked at, or Azure doesn't say it of this scope.
 */
export async function permissionsAt(
  clients: AzureClients,
  scope: string,
  signal: AbortSignal,
): Promise<readonly Permission[] | undefined> {
  const path = `${scope}/providers/Microsoft.Authorization/permissions`;
  const permissions: Permission[] = [];
  try {
    let page = await armAnswer(clients, path, { apiVersion, signal });
    for (let count = 1; count <= pagesMax; count += 1) {
      const { value = [], nextLink } = (page ?? {}) as Page;
      permissions.push(...value);
      if (nextLink === undefined || nextLink === null || nextLink === "") return permissions;
      page = await armPage(clients, nextLink, { signal });
      if (page === undefined) return undefined;
    }
    return undefined;
  } catch (error) {
    if ([400, 404, 405].includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** Those of the actions that no permission allows. */
export function missingActions(
  actions: readonly string[],
  permissions: readonly Permission[],
): readonly string[] {
  return actions.filter(
    (action) =>
      // what one role takes away another may still give
      !permissions.some(
        (permission) =>
          permission.actions?.some((pattern) => covers(pattern, action)) === true &&
          permission.notActions?.some((pattern) => covers(pattern, action)) !== true,
      ),
  );
}

/** Patterns are users' own: this takes no more than the length of both. */
function covers(pattern: string, action: string): boolean {
  const [start = "", ...rest] = pattern.toLowerCase().split("*");
  const text = action.toLowerCase();
  const end = rest.pop();
  if (end === undefined) return text === start;
  if (!text.startsWith(start)) return false;
  let place = start.length;
  for (const part of rest) {
    const found = text.indexOf(part, place);
    if (found < 0) return false;
    place = found + part.length;
  }
  return text.length - end.length >= place && text.endsWith(end);
}
