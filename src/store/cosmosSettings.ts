/**
 * The settings of Cosmos DB: checks what the environment says of the account and its key. It must never read the environment
 * itself, nor show the value of a setting that may hold a secret: people paste connection strings into the wrong variable.
 */
import {
  AccountKey,
  givenValue,
  keyFaults,
  serviceUrl,
  type SettingFault,
  type Variables,
} from "../accountSettings.ts";

/** Which account is meant, and how to sign in. */
export interface CosmosSettings {
  /** A URL without a path. */
  readonly endpoint: string;
  /** Absent: Microsoft Entra. */
  readonly key?: AccountKey;
}

/** One thing that is wrong with a setting. */
export type CosmosSettingsFault = SettingFault<
  "COSMOSDB_ACCOUNT" | "COSMOSDB_ENDPOINT" | "COSMOSDB_KEY"
>;

/** The settings if they are there and right; neither settings nor faults when none of the variables is given. */
export interface CosmosSettingsReading {
  readonly settings?: CosmosSettings;
  readonly faults: readonly CosmosSettingsFault[];
}

/** Microsoft.DocumentDB/databaseAccounts: 3 to 44 characters, the first and the last no hyphen. */
const accountForm = /^[a-z0-9][a-z0-9-]{1,42}[a-z0-9]$/;

/** @param variables blanks around a value don't matter; an empty one counts as absent. */
export function readCosmosSettings(variables: Variables): CosmosSettingsReading {
  const account = givenValue(variables, "COSMOSDB_ACCOUNT");
  const endpoint = givenValue(variables, "COSMOSDB_ENDPOINT");
  const key = givenValue(variables, "COSMOSDB_KEY");
  if (account === undefined && endpoint === undefined && key === undefined) return { faults: [] };

  const url = endpoint === undefined ? undefined : plainUrl(endpoint);
  const faults = [
    ...accountFaults({ account, endpoint }, url),
    ...keyFaults("COSMOSDB_KEY", key, url),
  ];
  if (faults.length > 0) return { faults };
  return {
    settings: {
      endpoint: url?.origin ?? `https://${account}.documents.azure.com`,
      ...(key === undefined ? {} : { key: new AccountKey(key) }),
    },
    faults,
  };
}

function accountFaults(
  given: { readonly account: string | undefined; readonly endpoint: string | undefined },
  url: URL | undefined,
): readonly CosmosSettingsFault[] {
  const { account, endpoint } = given;
  if (account !== undefined && endpoint !== undefined) {
    return [
      {
        variable: "COSMOSDB_ENDPOINT",
        message: "can't be given together with COSMOSDB_ACCOUNT, which says the same",
      },
    ];
  }
  if (endpoint !== undefined) {
    if (url !== undefined) return [];
    return [
      {
        variable: "COSMOSDB_ENDPOINT",
        message:
          "must be a URL such as https://ACCOUNT.documents.azure.com, without path, query, name and " +
          "password; http:// only on the loopback interface",
      },
    ];
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

/** A URL that is nothing but a safe place. */
function plainUrl(endpoint: string): URL | undefined {
  const url = serviceUrl(endpoint);
  return url?.pathname === "/" ? url : undefined;
}
