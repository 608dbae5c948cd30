/**
 * What the settings of all accounts in Azure share: a key, an address that is safe to sign in at, and what is wrong with them. It
 * must never read the environment itself, nor show the value of a setting that may hold a secret: people paste connection
 * strings into the wrong variable.
 */

/** A key of an account. It is shown nowhere; only whoever signs requests reveals it. */
export class AccountKey {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "(secret)";
  }

  toJSON(): string {
    return this.toString();
  }

  /** What Node.js shows in logs and at its prompt. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** One thing that is wrong with a setting. */
export interface SettingFault<Variable extends string> {
  readonly variable: Variable;
  readonly message: string;
}

/** Variables of the environment by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The value without the blanks around it; an empty one counts as absent. */
export function givenValue(variables: Variables, name: string): string | undefined {
  const text = variables[name]?.trim() ?? "";
  return text === "" ? undefined : text;
}

/** The URL of a service: it holds no name, password, query or fragment, and has http:// on the loopback interface only. */
export function serviceUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  const { protocol, username, password, search, hash, hostname } = url;
  const isPlain = username === "" && password === "" && search === "" && hash === "";
  const isSafe = protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
  return isPlain && isSafe ? url : undefined;
}

/** @param hostname of a URL, which has brackets around an IPv6 address. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** As the portal shows the keys of Cosmos DB and of Azure Storage alike: 64 bytes. */
const keyForm = /^[A-Za-z0-9+/]{86}==$/;

/**
 * @param key as given.
 * @param url where it would be used; absent when that is not known, or wrong.
 */
export function keyFaults<Variable extends string>(
  variable: Variable,
  key: string | undefined,
  url: URL | undefined,
): readonly SettingFault<Variable>[] {
  if (key !== undefined) {
    if (keyForm.test(key)) return [];
    return [{ variable, message: "must be a key of the account: 64 bytes as base64" }];
  }
  // the SDKs send no token over http
  if (url?.protocol !== "http:") return [];
  return [
    {
      variable,
      message: "must be given for an endpoint with http://, where nobody signs in with Entra",
    },
  ];
}
