/**
 * Rules about a pull secret, the registry credentials of a cluster: JSON text with at least one registry, each with its credentials.
 * No message may hold a piece of it.
 */
import { pullSecretFault } from "../model/pullSecret.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";

/** Where a pull secret stands in the body, and how an api-version wants it written. */
export interface PullSecretPlace {
  readonly path: string;
  /** In a sentence after "must be". The versions differ, and whoever changes between them must be told. */
  readonly encoding: string;
}

/** What is wrong with a pull secret: `text` is its JSON text, `undefined` if it couldn't even be decoded. */
export function pullSecretFaults(
  text: string | undefined,
  { path, encoding }: PullSecretPlace,
): Fault[] {
  const unreadable = `must be ${encoding}: one object with 'auths'`;
  const reason = text === undefined ? unreadable : reasonAgainst(text, unreadable);
  return reason === undefined ? [] : [refused(path, `'${path}' ${reason}.`)];
}

/** Many times what Red Hat gives out; every step of an installation writes it anew. */
const lengthMax = 64 * 1024;

const noRegistry = "must have 'auths', an object with the credentials of at least one registry";
const reasons = {
  noAuths: noRegistry,
  noRegistry,
  noCredentials: "must have an 'auth' that isn't empty for each registry in its 'auths'",
} as const;

function reasonAgainst(text: string, unreadable: string): string | undefined {
  if (text.length > lengthMax) return `must have at most ${lengthMax} characters of JSON text`;
  // half a surrogate pair would not survive the encoding of another api-version
  if (!text.isWellFormed()) return "must be well-formed Unicode";
  const fault = pullSecretFault(text);
  return fault === "unreadable" ? unreadable : fault && reasons[fault];
}
