/**
 * Whether a text is a pull secret by which OpenShift can be installed: the one rule for what a caller asks for and for what an
 * installer begins with. It must never repeat a piece of the text; the parser's own errors quote it. Pure.
 */

/** What is wrong: no JSON object, none with `auths`, an `auths` without registries, or a registry without credentials. */
export type PullSecretFault = "unreadable" | "noAuths" | "noRegistry" | "noCredentials";

/** @param text JSON. */
export function pullSecretFault(text: string): PullSecretFault | undefined {
  const value = parsed(text);
  if (!isObject(value)) return "unreadable";
  const registries = Object.hasOwn(value, "auths") ? value["auths"] : undefined;
  if (!isObject(registries)) return "noAuths";
  const all = Object.values(registries);
  if (all.length === 0) return "noRegistry";
  return all.every(hasCredentials) ? undefined : "noCredentials";
}

/** As `openshift-install` wants it of each. */
function hasCredentials(registry: unknown): boolean {
  if (!isObject(registry)) return false;
  return [registry["auth"], registry["credsStore"]].some(
    (each) => typeof each === "string" && each !== "",
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
