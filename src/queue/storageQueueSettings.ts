/**
 * The settings of Azure Storage Queue: checks what the environment says of the account and its key. It must never read the
 * environment itself, nor show the value of a setting that may hold a secret: people paste connection strings into the wrong
 * variable.
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
export interface StorageQueueSettings {
  /** A URL that ends with no slash. Its path, if it has one, is the account's name, as emulators want it. */
  readonly endpoint: string;
  /** Absent: Microsoft Entra. */
  readonly sharedKey?: { readonly account: string; readonly key: AccountKey };
}

/** One thing that is wrong with a setting. */
export type StorageQueueSettingsFault = SettingFault<
  "STORAGE_ACCOUNT" | "STORAGE_QUEUE_ENDPOINT" | "STORAGE_KEY"
>;

/** The settings if they are there and right; neither settings nor faults when none of the variables is given. */
export interface StorageQueueSettingsReading {
  readonly settings?: StorageQueueSettings;
  readonly faults: readonly StorageQueueSettingsFault[];
}

/** Microsoft.Storage/storageAccounts. */
const accountForm = /^[a-z0-9]{3,24}$/;
/** Of an account's own host, in any cloud; `z01` is that of an account with a DNS zone of its own. */
const hostForm = /^([a-z0-9]{3,24})\.(?:z\d{1,2}\.)?queue\./;
/** Of the same account's other services, whose addresses stand beside each other in the portal. */
const otherServiceForm =
  /^[a-z0-9]{3,24}(?:-secondary)?\.(?:z\d{1,2}\.)?(blob|dfs|file|table|web)\./;
/** The copy of an account in its second region, which takes no writes. */
const secondaryForm = /^[a-z0-9]{3,24}-secondary\.(?:z\d{1,2}\.)?queue\./;
const pathForm = /^\/(?:([a-z0-9]{3,24})\/?)?$/;

/** @param variables blanks around a value don't matter; an empty one counts as absent. */
export function readStorageQueueSettings(variables: Variables): StorageQueueSettingsReading {
  const account = givenValue(variables, "STORAGE_ACCOUNT");
  const endpoint = givenValue(variables, "STORAGE_QUEUE_ENDPOINT");
  const key = givenValue(variables, "STORAGE_KEY");
  if (account === undefined && endpoint === undefined && key === undefined) return { faults: [] };

  const url = endpoint === undefined ? undefined : plainUrl(endpoint);
  const faults = [
    ...accountFaults({ account, endpoint, key }, url),
    ...keyFaults("STORAGE_KEY", key, url),
  ];
  if (faults.length > 0) return { faults };
  const place = url ?? new URL(`https://${account}.queue.core.windows.net`);
  const owner = accountOf(place);
  return {
    settings: {
      endpoint: place.href.replace(/\/$/, ""),
      ...(key === undefined || owner === undefined
        ? {}
        : { sharedKey: { account: owner, key: new AccountKey(key) } }),
    },
    faults,
  };
}

/**
 * Whose account a URL is of: a signature by its key names it. The path says so if there is one, as with emulators, else the
 * first label of the host; nobody has to say it twice, and it can't contradict itself.
 */
function accountOf(url: URL): string | undefined {
  return pathForm.exec(url.pathname)?.[1] ?? hostForm.exec(url.hostname)?.[1];
}

function accountFaults(
  given: {
    readonly account: string | undefined;
    readonly endpoint: string | undefined;
    readonly key: string | undefined;
  },
  url: URL | undefined,
): readonly StorageQueueSettingsFault[] {
  const { account, endpoint, key } = given;
  if (account !== undefined && endpoint !== undefined) {
    return [
      {
        variable: "STORAGE_QUEUE_ENDPOINT",
        message: "can't be given together with STORAGE_ACCOUNT, which says the same",
      },
    ];
  }
  if (endpoint !== undefined) {
    const wrong = endpointFault(url, key);
    return wrong === undefined ? [] : [{ variable: "STORAGE_QUEUE_ENDPOINT", message: wrong }];
  }
  if (account === undefined) {
    return [
      {
        variable: "STORAGE_ACCOUNT",
        message: "or STORAGE_QUEUE_ENDPOINT must say whose key this is",
      },
    ];
  }
  if (accountForm.test(account)) return [];
  return [
    {
      variable: "STORAGE_ACCOUNT",
      message: "must be the name of an account: 3 to 24 lower-case letters and digits",
    },
  ];
}

/** A URL that is nothing but a safe place with at most the account's name as its path. */
function plainUrl(endpoint: string): URL | undefined {
  const url = serviceUrl(endpoint);
  return url !== undefined && pathForm.test(url.pathname) ? url : undefined;
}

function endpointFault(url: URL | undefined, key: string | undefined): string | undefined {
  if (url === undefined) {
    return (
      "must be a URL such as https://ACCOUNT.queue.core.windows.net, without query, name and password, " +
      "and without a path other than the name of an emulator's account; http:// only on the " +
      "loopback interface"
    );
  }
  const service = otherServiceForm.exec(url.hostname)?.[1];
  if (service !== undefined) {
    return `must be the URL of the queue service, https://ACCOUNT.queue.…, not that of the service ${service}`;
  }
  if (secondaryForm.test(url.hostname)) {
    return "must be the URL of the account's primary region, https://ACCOUNT.queue.…; its secondary takes no writes";
  }
  if (key === undefined || accountOf(url) !== undefined) return undefined;
  return (
    "must say whose key STORAGE_KEY is, by its host (https://ACCOUNT.queue.core.windows.net) or its " +
    "path (http://127.0.0.1:10001/ACCOUNT)"
  );
}
