/**
 * The forms that values of settings have: numbers in a range, times, names from a list, paths, addresses. Each checks one value and
 * says what is wrong with it. It must never show a value that may be a secret, nor know which variable it is about.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { isCollectorUrl, readPairs } from "./runtime/traceSettings.ts";

/** Longer texts may be a key or a connection string that was pasted into the wrong variable. */
const shownMax = 24;

/** A short text is shown in faults as JSON; of a longer one only how long it is. */
export function shown(value: unknown): string {
  const { length } = String(value);
  return length > shownMax
    ? `a text of ${length} characters`
    : (JSON.stringify(value) ?? "nothing");
}

/** What a connection string of Azure has in it. */
export const connectionStringForm =
  /(^|[;?&])\s*(AccountKey|SharedAccessKey|SharedAccessSignature|sig)\s*=/i;

interface SettingOptions {
  /** As one would write it in the environment. */
  readonly byDefault: string;
  /** A sentence for the documentation; what is allowed is added to it. */
  readonly meaning: string;
}

interface NumberRange {
  readonly min: number;
  readonly max: number;
}

interface NumberOptions extends SettingOptions, NumberRange {}

/** A number in plain decimal notation, with at most so many digits after the point. */
function decimal(options: NumberOptions, fractionDigits: number) {
  return decimalForm(options, fractionDigits)
    .prefault(options.byDefault)
    .describe(withRange(options));
}

export function withRange({
  meaning,
  min,
  max,
}: NumberRange & { readonly meaning: string }): string {
  return `${meaning} From ${min} to ${max}.`;
}

export function decimalForm({ min, max }: NumberRange, fractionDigits: number) {
  const form = new RegExp(
    fractionDigits === 0 ? "^[0-9]{1,15}$" : `^[0-9]{1,12}(\\.[0-9]{1,${fractionDigits}})?$`,
  );
  const kind =
    fractionDigits === 0
      ? "a whole number"
      : `a decimal number with at most ${fractionDigits} digits after the point`;
  return z
    .string()
    .refine((text) => form.test(text) && Number(text) >= min && Number(text) <= max, {
      error: ({ input }) => `must be ${kind} from ${min} to ${max}, not ${shown(input)}`,
    })
    .transform((text) => (fractionDigits === 0 ? Number(text) : Math.round(Number(text) * 1000)));
}

/** 0 takes any free one. */
export const portRange: NumberRange = { min: 0, max: 65_535 };

export function wholeNumber(options: NumberOptions) {
  return decimal(options, 0);
}

/** A time in seconds, kept as whole milliseconds. */
export function seconds(options: NumberOptions) {
  return decimal(options, 3);
}

export function oneOf<const T extends string>(allowed: readonly T[], options: SettingOptions) {
  return z
    .string()
    .transform((text, context): T => {
      const found = allowed.find((name) => name === text);
      if (found !== undefined) return found;
      context.addIssue(`must be one of ${allowed.join(", ")}, not ${shown(text)}`);
      return z.NEVER;
    })
    .prefault(options.byDefault)
    .describe(`${options.meaning} One of ${allowed.join(", ")}.`);
}

/** Commas between them; spaces around them don't matter. */
export function listOf<const T extends string>(allowed: readonly T[], options: SettingOptions) {
  return z
    .string()
    .transform((text, context): readonly T[] => {
      const names: readonly string[] = text.split(",").map((name) => name.trim());
      const found = allowed.filter((name) => names.includes(name));
      if (found.length === names.length) return Object.freeze(found);
      const list = allowed.join(", ");
      context.addIssue(`must be a list of ${list}, each at most once, not ${shown(text)}`);
      return z.NEVER;
    })
    .prefault(options.byDefault)
    .describe(`${options.meaning} Any of ${allowed.join(", ")}, with commas between them.`);
}

/** Whether it may be any but a loopback address depends on the authenticator. */
export function listenAddress({ byDefault, meaning }: SettingOptions) {
  return z
    .string()
    .refine((text) => isIP(text) !== 0 || isDomainName(text), {
      error: ({ input }) => `must be an IP address or a host name, not ${shown(input)}`,
    })
    .prefault(byDefault)
    .describe(meaning);
}

/** A path is a line; whoever pastes a key here shall not find it in an error. */
const pathForm = /^(?!.*-----)[^\p{Cc}]+$/u;

export function filePath(meaning: string) {
  return z
    .string()
    .regex(pathForm, {
      error: ({ input }) => `must be the path of a file, not ${shown(input)}`,
    })
    .refine((text) => !connectionStringForm.test(text), {
      error: "must be the path of a file, not a connection string",
    })
    .optional()
    .describe(meaning);
}

/** As RFC 4514 writes a name; what else may stand in one is for the certificate to say. */
const distinguishedNameForm = /^(?!subject=)[A-Za-z0-9.]+=[^\p{Cc}]+$/u;

export function distinguishedName(meaning: string) {
  return z
    .string()
    .regex(distinguishedNameForm, {
      error: ({ input }) => `must be a name such as CN=caller,O=Example, not ${shown(input)}`,
    })
    .optional()
    .describe(meaning);
}

/**
 * With the longest names before it (`console-openshift-console.apps.` and a label of 63) a host stays within DNS's 253
 * characters.
 */
export const domainLengthMax = 158;
const dnsLabel = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const domainForm = new RegExp(`^${dnsLabel}(\\.${dnsLabel})*$`, "i");

/** Also for a URL parser, which takes a name whose last label is a number for an IPv4 address. */
export function isDomainName(text: string): boolean {
  return (
    text.length <= domainLengthMax &&
    domainForm.test(text) &&
    URL.parse(`https://api.${text}/`)?.hostname === `api.${text.toLowerCase()}`
  );
}

/** What has no default, and is checked by the settings of its engine. */
export function optional(meaning: string) {
  return z.string().optional().describe(meaning);
}

/** Not shown in faults: people put keys into URLs. */
export function collectorUrl(meaning: string) {
  return z
    .string()
    .refine(isCollectorUrl, {
      error: "must be a URL that begins with http:// or https://, without user, query or fragment",
    })
    .optional()
    .describe(meaning);
}

/** Not shown in faults either: some are tokens. */
export function pairs(meaning: string) {
  return z
    .string()
    .transform((text, context) => {
      const read = readPairs(text);
      if (read !== undefined) return read;
      context.addIssue("must be a list of name=value, percent-encoded, with commas between them");
      return z.NEVER;
    })
    .optional()
    .describe(meaning);
}

/** Whether none of these has a fault of its own: only then can they be compared. */
export function sound(...variables: readonly string[]): (payload: z.core.ParsePayload) => boolean {
  return ({ issues }) => !issues.some(({ path }) => variables.includes(String(path?.[0])));
}
