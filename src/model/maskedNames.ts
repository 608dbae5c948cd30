/**
 * The names under which secrets and personal data are: what has one of them is neither logged nor shown to operators, at any
 * depth, also in a document that a newer release wrote. It is a net under the rule that nobody hands such things on; texts are
 * not searched.
 */
import { secretNames } from "./clusterSecrets.ts";

/** Names as compared: lower case, letters and digits only. */
const maskedNames: ReadonlySet<string> = new Set(
  [
    ...secretNames,
    "token",
    "accessToken",
    "idToken",
    "accountKey",
    "sas",
    // personal data (ARM-105)
    "systemData",
    "createdBy",
    "lastModifiedBy",
    "x-ms-arm-resource-system-data",
    "x-ms-client-principal-name",
  ].map(comparable),
);
const maskedWords =
  /authorization|connectionstring|cookie|credential|kubeconfig|passphrase|password|privatekey|secret/;

function comparable(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

const judgedMax = 500;
const judgedLengthMax = 64;

/**
 * Makes a judge of names.
 *
 * @param judged what it has found, as all lines of the log have the same few names. It takes no more than so many and no long
 *   ones: the names in foreign documents must not fill the memory.
 */
export function nameJudge(judged: Map<string, boolean>): (name: string) => boolean {
  return (name) => {
    const known = judged.get(name);
    if (known !== undefined) return known;
    const compared = comparable(name);
    const masked = maskedNames.has(compared) || maskedWords.test(compared);
    if (judged.size < judgedMax && name.length <= judgedLengthMax) judged.set(name, masked);
    return masked;
  };
}

/** Whether what has this name may be neither logged nor shown to operators. */
export const isMasked = nameJudge(new Map());
