/**
 * Variables of the environment that look as if a setting was meant, but are none: a misspelt name would otherwise go unnoticed,
 * with the default in force. It goes by names alone and must never be handed a value.
 */

/** A name that is no setting's. */
export interface MisspeltVariable {
  readonly variable: string;
  /** The setting that was probably meant; absent when only the first part of the name is one of ours. */
  readonly meant?: string;
}

/** What nobody but us would begin a name with. */
const ownPrefixes = ["COSMOSDB_", "STORAGE_QUEUE_"];
/** Of others, and read by their libraries and programs: OpenSSL's are one letter away from ours of TLS. */
const foreignPrefixes = ["OTEL_", "SSL_", "OPENSHIFT_INSTALL_"];
/** Shorter names are words that many programs use; others begin with them by chance. */
const distinctLength = 10;
/** Nobody misspells more of a name than that, and with more of it two names are two. */
const editsMax = 3;
const lettersPerEdit = 5;

/**
 * @param names of the environment's variables that have a value.
 * @param settings the names of all settings.
 */
export function misspeltVariables(
  names: readonly string[],
  settings: readonly string[],
): readonly MisspeltVariable[] {
  return names.flatMap((variable): MisspeltVariable[] => {
    if (settings.includes(variable)) return [];
    const name = variable.toUpperCase();
    if (foreignPrefixes.some((prefix) => name.startsWith(prefix))) return [];
    const meant = nearest(name, settings);
    if (meant !== undefined) return [{ variable, meant }];
    return ownPrefixes.some((prefix) => name.startsWith(prefix)) ? [{ variable }] : [];
  });
}

/** The setting that the name continues, or else has the fewest edits to. */
function nearest(name: string, settings: readonly string[]): string | undefined {
  const continued = settings.find(
    (setting) => setting.length >= distinctLength && name.startsWith(`${setting}_`),
  );
  if (continued !== undefined) return continued;
  let found: string | undefined;
  let fewest = Infinity;
  for (const setting of settings) {
    const allowed = Math.min(editsMax, Math.floor(setting.length / lettersPerEdit));
    if (Math.abs(setting.length - name.length) > allowed) continue;
    const edits = editsBetween(name, setting);
    const isNear = edits <= allowed || (edits === 1 && hasSameLetters(name, setting));
    if (isNear && edits < fewest) [found, fewest] = [setting, edits];
  }
  return found;
}

/** With one edit between them, two neighbours are swapped: that makes no other word even of a name that is too short for any edit. */
function hasSameLetters(one: string, other: string): boolean {
  const sorted = (text: string): string => Array.from(text).toSorted().join("");
  return sorted(one) === sorted(other);
}

/** How many letters have to be put in, left out, replaced, or swapped with the next one. */
function editsBetween(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      let edits = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
      );
      const isSwap =
        row > 1 &&
        column > 1 &&
        one[row - 1] === other[column - 2] &&
        one[row - 2] === other[column - 1];
      if (isSwap) edits = Math.min(edits, at(beforeLast, column - 2) + 1);
      current.push(edits);
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, other.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
