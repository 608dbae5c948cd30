/** The deployment's template, evaluated as for a real one, with what Azure would answer about resources that it made. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  evaluateTemplate,
  type Evaluated,
  type EvaluatedResource,
  type Template,
} from "./templateExpressions.ts";

/** The file anew at each call, for tests that spoil it. */
export function azureTemplate(): Template {
  const file = new URL("../../deploy/azure.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Template;
}

/** Each type in it once, in the order of the alphabet. */
export function templateResourceTypes(): readonly string[] {
  return [...new Set(azureTemplate().resources.map(({ type }) => type))].toSorted();
}

/** An object id that nobody else has. */
export const operatorObjectId = "6f3bc0d2-8f0e-4f7a-9a57-2f6f3a3c9d10";

/** @param parameters those besides the operator, which has no default. */
export function deployed(
  parameters: Readonly<Record<string, unknown>> = {},
  template = azureTemplate(),
): Evaluated {
  return evaluateTemplate(template, {
    parameters: { operatorObjectId, ...parameters },
    reference: shownBy,
  });
}

/** The principal of an identity, as made-up as its id. */
export function principalOf(id: string): string {
  return guidOf("principal", id);
}

/** All resources of a type, in the order of the template. */
export function ofType(evaluated: Evaluated, type: string): readonly EvaluatedResource[] {
  return evaluated.resources.filter((resource) => resource.type === type);
}

/** @throws {Error} unless there is exactly one. */
export function onlyOne(evaluated: Evaluated, type: string): EvaluatedResource {
  const [found, second] = ofType(evaluated, type);
  if (found === undefined || second !== undefined) throw new Error(`not exactly one ${type}`);
  return found;
}

function shownBy(id: string): unknown {
  const type = /\/providers\/([^/]+\/[^/]+)/.exec(id)?.[1] ?? "";
  switch (type) {
    case "Microsoft.ManagedIdentity/userAssignedIdentities":
      return { principalId: principalOf(id), clientId: guidOf("client", id) };
    case "Microsoft.ContainerService/managedClusters":
      return {
        oidcIssuerProfile: { issuerURL: "https://eastus.oic.prod-aks.azure.com/tenant/issuer/" },
        identityProfile: { kubeletidentity: { objectId: principalOf(`${id}/kubelet`) } },
      };
    case "Microsoft.ContainerRegistry/registries":
      return { loginServer: `${id.split("/").at(-1)}.azurecr.io` };
    default:
      throw new Error(`nothing is known of a made ${type}`);
  }
}

function guidOf(kind: string, id: string): string {
  const hex = createHash("sha256").update(`${kind} ${id}`).digest("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}
