/** The settings of Azure Storage Queue: what is taken, what is refused, and that no secret is shown by either. */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { readStorageQueueSettings } from "../../src/queue/storageQueueSettings.ts";

const key = `${"a".repeat(86)}==`;

test("without any of the variables there are neither settings nor faults", () => {
  expect(readStorageQueueSettings({})).toEqual({ faults: [] });
  expect(readStorageQueueSettings({ STORAGE_ACCOUNT: " ", STORAGE_KEY: "" })).toEqual({
    faults: [],
  });
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  ["an account", { STORAGE_ACCOUNT: "rpprod" }, "https://rpprod.queue.core.windows.net"],
  [
    "an endpoint as the portal shows it",
    { STORAGE_QUEUE_ENDPOINT: " https://rpprod.queue.core.windows.net/ " },
    "https://rpprod.queue.core.windows.net",
  ],
  [
    "another cloud's endpoint",
    { STORAGE_QUEUE_ENDPOINT: "https://rpprod.queue.core.usgovcloudapi.net" },
    "https://rpprod.queue.core.usgovcloudapi.net",
  ],
  [
    "a host that doesn't name the account",
    { STORAGE_QUEUE_ENDPOINT: "https://queue.example:8443" },
    "https://queue.example:8443",
  ],
])("%s without a key means Entra", (_title, variables, endpoint) => {
  expect(readStorageQueueSettings(variables)).toEqual({ settings: { endpoint }, faults: [] });
});

test.each<[string, Readonly<Record<string, string>>, string, string]>([
  ["the account", { STORAGE_ACCOUNT: "rpprod" }, "rpprod", "https://rpprod.queue.core.windows.net"],
  [
    "the host",
    { STORAGE_QUEUE_ENDPOINT: "https://rpprod.queue.core.chinacloudapi.cn" },
    "rpprod",
    "https://rpprod.queue.core.chinacloudapi.cn",
  ],
  [
    "the host of an account with a zone of its own",
    { STORAGE_QUEUE_ENDPOINT: "https://rpprod.z07.queue.storage.azure.net" },
    "rpprod",
    "https://rpprod.z07.queue.storage.azure.net",
  ],
  [
    "an emulator's path",
    { STORAGE_QUEUE_ENDPOINT: "http://127.0.0.1:10001/devstoreaccount1" },
    "devstoreaccount1",
    "http://127.0.0.1:10001/devstoreaccount1",
  ],
  [
    "a path with a slash at its end",
    { STORAGE_QUEUE_ENDPOINT: "http://localhost:10001/devstoreaccount1/" },
    "devstoreaccount1",
    "http://localhost:10001/devstoreaccount1",
  ],
  [
    "the path rather than the host",
    { STORAGE_QUEUE_ENDPOINT: "https://other.queue.example/devstoreaccount1" },
    "devstoreaccount1",
    "https://other.queue.example/devstoreaccount1",
  ],
])("whose key it is says %s", (_title, variables, account, endpoint) => {
  const { settings, faults } = readStorageQueueSettings({ ...variables, STORAGE_KEY: key });
  expect(faults).toEqual([]);
  expect(settings?.endpoint).toBe(endpoint);
  expect(settings?.sharedKey?.account).toBe(account);
});

test("a key is taken, and shown nowhere", () => {
  const reading = readStorageQueueSettings({ STORAGE_ACCOUNT: "rpprod", STORAGE_KEY: key });
  expect(reading.settings?.sharedKey?.key.reveal()).toBe(key);
  const shown = [
    inspect(reading, { depth: 9, showHidden: true }),
    JSON.stringify(reading),
    String(reading.settings?.sharedKey?.key),
  ];
  for (const text of shown) expect(text).not.toContain("aaaa");
});

const connectionString = `DefaultEndpointsProtocol=https;AccountName=rpprod;AccountKey=${key};`;
const sas = "https://rpprod.queue.core.windows.net/?sv=2026-04-06&sig=aaaa";

test.each<[string, Readonly<Record<string, string>>, string, RegExp]>([
  [
    "both names of the account",
    { STORAGE_ACCOUNT: "rpprod", STORAGE_QUEUE_ENDPOINT: "https://rpprod.queue.core.windows.net" },
    "STORAGE_QUEUE_ENDPOINT",
    /together with STORAGE_ACCOUNT/,
  ],
  ["a key alone", { STORAGE_KEY: key }, "STORAGE_ACCOUNT", /whose key/],
  ["capitals", { STORAGE_ACCOUNT: "RPprod" }, "STORAGE_ACCOUNT", /name of an account/],
  ["a hyphen", { STORAGE_ACCOUNT: "rp-prod" }, "STORAGE_ACCOUNT", /letters and digits/],
  ["too short", { STORAGE_ACCOUNT: "rp" }, "STORAGE_ACCOUNT", /3 to 24/],
  ["a connection string", { STORAGE_ACCOUNT: connectionString }, "STORAGE_ACCOUNT", /name of/],
  ["no URL", { STORAGE_QUEUE_ENDPOINT: connectionString }, "STORAGE_QUEUE_ENDPOINT", /be a URL/],
  ["a signed URL", { STORAGE_QUEUE_ENDPOINT: sas }, "STORAGE_QUEUE_ENDPOINT", /without query/],
  [
    "a password",
    { STORAGE_QUEUE_ENDPOINT: `https://u:${key}@a.example` },
    "STORAGE_QUEUE_ENDPOINT",
    /password/,
  ],
  [
    "the URL of a queue",
    { STORAGE_QUEUE_ENDPOINT: "http://127.0.0.1:1/devstoreaccount1/queue", STORAGE_KEY: key },
    "STORAGE_QUEUE_ENDPOINT",
    /path other than/,
  ],
  [
    "plain http elsewhere",
    { STORAGE_QUEUE_ENDPOINT: "http://rpprod.queue.core.windows.net", STORAGE_KEY: key },
    "STORAGE_QUEUE_ENDPOINT",
    /loopback/,
  ],
  [
    "a key of nobody",
    { STORAGE_QUEUE_ENDPOINT: "http://127.0.0.1:10001", STORAGE_KEY: key },
    "STORAGE_QUEUE_ENDPOINT",
    /whose key/,
  ],
  ...[
    ["blob", "rpprod.blob.core.windows.net"],
    ["table", "rpprod.table.core.usgovcloudapi.net"],
    ["dfs", "rpprod.z07.dfs.storage.azure.net"],
    ["file", "rpprod-secondary.file.core.windows.net"],
  ].map(([service, host]): [string, Readonly<Record<string, string>>, string, RegExp] => [
    `the URL of another service, with Entra: ${host}`,
    { STORAGE_QUEUE_ENDPOINT: `https://${host}` },
    "STORAGE_QUEUE_ENDPOINT",
    new RegExp(`queue service, https://ACCOUNT\\.queue\\..*not that of the service ${service}`),
  ]),
  [
    "the URL of another service, with a key",
    { STORAGE_QUEUE_ENDPOINT: "https://rpprod.blob.core.windows.net", STORAGE_KEY: key },
    "STORAGE_QUEUE_ENDPOINT",
    /service blob/,
  ],
  [
    "the copy in a second region",
    { STORAGE_QUEUE_ENDPOINT: "https://rpprod-secondary.queue.core.windows.net" },
    "STORAGE_QUEUE_ENDPOINT",
    /takes no writes/,
  ],
  [
    "half a key",
    { STORAGE_ACCOUNT: "rpprod", STORAGE_KEY: key.slice(0, 40) },
    "STORAGE_KEY",
    /64 bytes/,
  ],
  [
    "http without a key",
    { STORAGE_QUEUE_ENDPOINT: "http://[::1]:1/devstoreaccount1" },
    "STORAGE_KEY",
    /Entra/,
  ],
])("refused: %s", (_title, variables, variable, message) => {
  const { settings, faults } = readStorageQueueSettings(variables);
  expect(settings).toBeUndefined();
  expect(faults).toHaveLength(1);
  expect(faults[0]?.variable).toBe(variable);
  expect(faults[0]?.message).toMatch(message);
  expect(JSON.stringify(faults)).not.toContain("aaaa");
});

test("every fault is told at once", () => {
  const { faults } = readStorageQueueSettings({ STORAGE_ACCOUNT: "?", STORAGE_KEY: "?" });
  expect(faults.map(({ variable }) => variable)).toEqual(["STORAGE_ACCOUNT", "STORAGE_KEY"]);
});
