/**
 * The settings of the export of traces, under the names that OpenTelemetry gives them: pure checks. It must never read the
 * environment itself, nor show the value of a setting that may hold a secret.
 */

/** How it is decided which traces are recorded. */
export type TraceSampler = (typeof traceSamplers)[number];
export const traceSamplers = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;

/** Where traces go. */
export interface TraceSettings {
  /** Whole, with its path. */
  readonly url: string;
  /** A function, so that nobody shows by accident what may be a token. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly sampler: TraceSampler;
  /** From 0 to 1. */
  readonly samplerRatio: number;
}

/** An http(s) URL without a user, query or fragment, where secrets would lie. */
export function isCollectorUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && !/[?#]/.test(text);
}

/**
 * @param endpoint of all signals, to which a path is added.
 * @param tracesEndpoint taken as it is, and before the other.
 */
export function tracesUrl(
  endpoint: string | undefined,
  tracesEndpoint: string | undefined,
): string | undefined {
  if (tracesEndpoint !== undefined) return tracesEndpoint;
  return endpoint === undefined ? undefined : `${endpoint.replace(/\/+$/, "")}/v1/traces`;
}

/** `name=value` with commas between them, as W3C's Baggage writes it; `undefined` when it is not of that form. */
export function readPairs(text: string): Readonly<Record<string, string>> | undefined {
  const pairs: [string, string][] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    const name = part.slice(0, at).trim();
    const value = decoded(part.slice(at + 1).trim());
    if (at < 0 || !nameForm.test(name) || value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return Object.fromEntries(pairs);
}

/** Also what the name of a header may be. */
const nameForm = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Also what the value of a header may be. */
const valueForm = /^[\t\x20-\x7e]*$/;

function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return valueForm.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
