/** The settings of Cosmos DB: what is taken, what is refused, and that no secret is shown by either. */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { readCosmosSettings } from "../../src/store/cosmosSettings.ts";

const key = `${"a".repeat(86)}==`;

test("without any of the variables there are neither settings nor faults", () => {
  expect(readCosmosSettings({})).toEqual({ faults: [] });
  expect(readCosmosSettings({ COSMOSDB_ACCOUNT: " ", COSMOSDB_KEY: "" })).toEqual({ faults: [] });
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  ["an account", { COSMOSDB_ACCOUNT: "rp-prod" }, "https://rp-prod.documents.azure.com"],
  [
    "an endpoint as the portal shows it",
    { COSMOSDB_ENDPOINT: " https://rp.documents.azure.com:443/ " },
    "https://rp.documents.azure.com",
  ],
  [
    "another cloud's endpoint",
    { COSMOSDB_ENDPOINT: "https://rp.documents.azure.us" },
    "https://rp.documents.azure.us",
  ],
])("%s without a key means Entra", (_title, variables, endpoint) => {
  expect(readCosmosSettings(variables)).toEqual({ settings: { endpoint }, faults: [] });
});

test("a key is taken, and shown nowhere", () => {
  const reading = readCosmosSettings({
    COSMOSDB_ENDPOINT: "http://127.0.0.1:1",
    COSMOSDB_KEY: key,
  });
  expect(reading.settings?.key?.reveal()).toBe(key);
  const shown = [
    inspect(reading, { depth: 9, showHidden: true }),
    JSON.stringify(reading),
    String(reading.settings?.key),
  ];
  for (const text of shown) expect(text).not.toContain("aaaa");
});

const connectionString = `AccountEndpoint=https://rp.documents.azure.com:443/;AccountKey=${key};`;

test.each<[string, Readonly<Record<string, string>>, string, RegExp]>([
  [
    "both names of the account",
    { COSMOSDB_ACCOUNT: "rp", COSMOSDB_ENDPOINT: "https://rp.documents.azure.com" },
    "COSMOSDB_ENDPOINT",
    /together with COSMOSDB_ACCOUNT/,
  ],
  ["a key alone", { COSMOSDB_KEY: key }, "COSMOSDB_ACCOUNT", /whose key/],
  ["capitals", { COSMOSDB_ACCOUNT: "RP" }, "COSMOSDB_ACCOUNT", /name of an account/],
  ["too short", { COSMOSDB_ACCOUNT: "rp" }, "COSMOSDB_ACCOUNT", /3 to 44/],
  ["a host name", { COSMOSDB_ACCOUNT: "a.example.com" }, "COSMOSDB_ACCOUNT", /name of an account/],
  ["no URL", { COSMOSDB_ENDPOINT: "rp" }, "COSMOSDB_ENDPOINT", /must be a URL/],
  ["a path", { COSMOSDB_ENDPOINT: "https://a.example/x" }, "COSMOSDB_ENDPOINT", /without path/],
  ["a query", { COSMOSDB_ENDPOINT: `https://a.example/?${key}` }, "COSMOSDB_ENDPOINT", /query/],
  ["a password", { COSMOSDB_ENDPOINT: `https://u:${key}@a/` }, "COSMOSDB_ENDPOINT", /password/],
  ["plain http elsewhere", { COSMOSDB_ENDPOINT: "http://a.example" }, "COSMOSDB_ENDPOINT", /http:/],
  ["a connection string", { COSMOSDB_ENDPOINT: connectionString }, "COSMOSDB_ENDPOINT", /a URL/],
  [
    "half a key",
    { COSMOSDB_ACCOUNT: "rp-prod", COSMOSDB_KEY: key.slice(0, 40) },
    "COSMOSDB_KEY",
    /64 bytes/,
  ],
  ["http without a key", { COSMOSDB_ENDPOINT: "http://[::1]:1" }, "COSMOSDB_KEY", /Entra/],
])("refused: %s", (_title, variables, variable, message) => {
  const { settings, faults } = readCosmosSettings(variables);
  expect(settings).toBeUndefined();
  expect(faults).toHaveLength(1);
  expect(faults[0]?.variable).toBe(variable);
  expect(faults[0]?.message).toMatch(message);
  expect(JSON.stringify(faults)).not.toContain("aaaa");
});

test("every fault is told at once", () => {
  const { faults } = readCosmosSettings({ COSMOSDB_ACCOUNT: "?", COSMOSDB_KEY: "?" });
  expect(faults.map(({ variable }) => variable)).toEqual(["COSMOSDB_ACCOUNT", "COSMOSDB_KEY"]);
});
