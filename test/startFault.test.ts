/** Which faults may be gone at the next start: only then does it help to start again as things are. */
import { expect, test } from "vitest";
import { ConfigError } from "../src/config.ts";
import { EnginesOpenError } from "../src/engines.ts";
import { isPassingFault } from "../src/startFault.ts";
import { CosmosOpenError } from "../src/store/cosmosConnection.ts";
import { KeyFileError } from "../src/store/keyFile.ts";
import { KeyVaultError } from "../src/store/keyVault.ts";
import { SqliteFileLostError, SqliteOpenError } from "../src/store/sqliteFailure.ts";
import { StoreOutcomeUnknownError, StoreUnavailableError } from "../src/store/store.ts";

test.each<[string, Error]>([
  ["a store that is down", new StoreUnavailableError("down")],
  ["an answer that was lost", new StoreOutcomeUnknownError("lost")],
  ["an engine that did not answer", new EnginesOpenError("late")],
  ["a key vault that is down", new KeyVaultError("down", { isPassing: true })],
  ["a database that is down", new CosmosOpenError("down", { isPassing: true })],
])("passes by itself: %s", (_what, error) => {
  expect(isPassingFault(error)).toBe(true);
});

test.each<[string, unknown]>([
  ["a setting", new ConfigError([{ variable: "PORT", message: "must be set" }])],
  ["a missing key file", new KeyFileError("isn't there")],
  ["a secret that isn't there", new KeyVaultError("none")],
  ["a database of another form", new CosmosOpenError("other")],
  ["a missing database", new SqliteOpenError("none")],
  ["a lost one", new StoreUnavailableError("lost", { cause: new SqliteFileLostError("lost") })],
  ["a defect", new TypeError("x is undefined")],
  ["no error", "odd"],
])("has to be mended first: %s", (_what, error) => {
  expect(isPassingFault(error)).toBe(false);
});
