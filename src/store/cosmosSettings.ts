/**
 * The settings of Cosmos DB: checks what the environment says of the account and its key. It must never read the environment
 * itself, nor show the value of a setting that may hold a secret: people paste connection strings into the wrong variable.
 */
import { inspect } from "node:util";

/** A key of the account. It is shown nowhere; only whoever signs requests reveals it. */
export class CosmosKey {
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

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Which account is meant, and how to sign in. */
export interface CosmosSettings {
  /** A URL without a path. */
  readonly endpoint: string;
  /** Absent: Microsoft Entra. */
  readonly key?: CosmosKey;
}

/** One thing that is wrong with a setting. */
export interface CosmosSettingsFault {
  readonly variable: "COSMOSDB_ACCOUNT" | "COSMOSDB_ENDPOINT" | "COSMOSDB_KEY";
  readonly message: string;
}

/** The settings if they are there and right; neither settings nor faults when none of the variables is given. */
export interface CosmosSettingsReading {
  readonly settings?: CosmosSettings;
  readonly faults: readonly CosmosSettingsFault[];
}

/** Microsoft.DocumentDB/databaseAccounts: 3 to 44 characters, the first and the last no hyphen. */
const accountForm = /^[a-z0-9][a-z0-9-]{1,42}[a-z0-9]$/;
/** As the portal shows keys: 64 bytes. */
const keyForm = /^[A-Za-z0-9+/]{86}==$/;

/** @param variables blanks around a value don't matter; an empty one counts as absent. */
export function readCosmosSettings(
  variables: Readonly<Record<string, string | undefined>>,
): CosmosSettingsReading {
  const given = (name: CosmosSettingsFault["variable"]): string | undefined => {
    const text = variables[name]?.trim() ?? "";
    return text === "" ? undefined : text;
  };
  const account = given("COSMOSDB_ACCOUNT");
  const endpoint = given("COSMOSDB_ENDPOINT");
  const key = given("COSMOSDB_KEY");
  if (account === undefined && endpoint === undefined && key === undefined) return { faults: [] };

  const faults = [...accountFaults(account, endpoint), ...keyFaults(key, endpoint)];
  if (faults.length > 0) return { faults };
  const url =
    endpoint === undefined ? `https://${account}.documents.azure.com` : new URL(endpoint).origin;
  return {
    settings: { endpoint: url, ...(key === undefined ? {} : { key: new CosmosKey(key) }) },
    faults,
  };
}

function accountFaults(
  account: string | undefined,
  endpoint: string | undefined,
): readonly CosmosSettingsFault[] {
  if (account !== undefined && endpoint !== undefined) {
    return [
      {
        variable: "COSMOSDB_ENDPOINT",
        message: "can't be given together with COSMOSDB_ACCOUNT, which says the same",
      },
    ];
  }
  if (endpoint !== undefined) {
    const wrong = endpointFault(endpoint);
    return wrong === undefined ? [] : [{ variable: "COSMOSDB_ENDPOINT", message: wrong }];
  }
  if (account === undefined) {
    return [
      { variable: "COSMOSDB_ACCOUNT", message: "or COSMOSDB_ENDPOINT must say whose key this is" },
    ];
  }
  if (accountForm.test(account)) return [];
  return [
    {
      variable: "COSMOSDB_ACCOUNT",
      message: "must be the name of an account: 3 to 44 lower-case letters, digits and hyphens",
    },
  ];
}

function endpointFault(endpoint: string): string | undefined {
  const url = URL.parse(endpoint);
  const isPlainUrl =
    url !== null &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "" &&
    url.pathname === "/";
  const isSafe =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (isPlainUrl && isSafe) return undefined;
  return (
    "must be a URL such as https://ACCOUNT.documents.azure.com, without path, query, name and " +
    "password; http:// only on the loopback interface"
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

function keyFaults(
  key: string | undefined,
  endpoint: string | undefined,
): readonly CosmosSettingsFault[] {
  if (key !== undefined) {
    if (keyForm.test(key)) return [];
    return [
      { variable: "COSMOSDB_KEY", message: "must be a key of the account: 64 bytes as base64" },
    ];
  }
  if (endpoint === undefined || endpointFault(endpoint) !== undefined) return [];
  // the SDK sends no token over http
  if (URL.parse(endpoint)?.protocol !== "http:") return [];
  return [
    {
      variable: "COSMOSDB_KEY",
      message: "must be given for an endpoint with http://, where nobody signs in with Entra",
    },
  ];
}
