/**
 * Rules about a pull secret, the registry credentials of a cluster: JSON text with at least one registry. No message
 * may hold a piece of it; the parser's own errors quote their input and are never passed on.
 */
import type { Fault } from "../model/rpError.ts";
import { isWireObject, memberOf } from "./wireObject.ts";

/** What is wrong with a pull secret: `text` is its JSON text, `undefined` if it couldn't even be decoded. */
export function pullSecretFaults(
  text: string | undefined,
  place: { readonly path: string; readonly encoding: string },
): Fault[] {
  const reason = text === undefined ? `must be ${place.encoding}` : reasonAgainst(text);
  if (reason === undefined) return [];
  return [{ code: "InvalidParameter", message: `'${place.path}' ${reason}.`, target: place.path }];
}

/** Many times what Red Hat gives out; every step of an installation writes it anew. */
const lengthMax = 64 * 1024;

function reasonAgainst(text: string): string | undefined {
  if (text.length > lengthMax) return `must have at most ${lengthMax} characters of JSON text`;
  // half a surrogate pair would not survive the encoding of another api-version
  if (!text.isWellFormed()) return "must be well-formed Unicode";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "must be the pull secret's JSON text";
  }
  if (!isWireObject(value)) return "must be a JSON object";
  const registries = memberOf(value, "auths");
  if (!isWireObject(registries) || Object.keys(registries).length === 0) {
    return "must have 'auths', an object with the credentials of at least one registry";
  }
  return undefined;
}
