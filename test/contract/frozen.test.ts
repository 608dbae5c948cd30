/**
 * Contracts that have shipped are frozen: clients are made from them and rely on every word. This test fails when what is
 * emitted for a released version changes.
 *
 * - By accident? Undo it: mark what is new in `spec/` with `@added` of a newer version, what goes with `@removed`.
 * - A new api-version? Add its row: this test's failure shows the digests. Until it is released they may change freely.
 * - On purpose, because nobody relies on it yet, or because a newer emitter writes the same contract otherwise? Look at
 *   `git diff generated`, then put the new digest into the row, in a commit that says why.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ApiVersionName } from "../../generated/types/operationIds.ts";
import { emittedFiles, versions } from "./generated.ts";

/** SHA-256 of each document, base64. */
const released: Readonly<Record<ApiVersionName, Readonly<Record<string, string>>>> = {
  "2019-12-31-preview": {
    swagger: "8KVyhAlGTtwvYq5xbGVhIgQ6hr932S1CztWQgPwJAXc=",
    "openapi 3.0": "NusjhJpBR+2PWucC9gBv7UUrf/8DDRh9n/LpfnK6hWU=",
    "openapi 3.1": "JHpwmgI1EccR89xkBX+79HIa7r9hu8Bu3bkxIEnY9Y4=",
  },
  "2020-04-30": {
    swagger: "Pe9AHnPsBmNDTKHyqHcYApc6HMoDcximi1BA9lL1Rcg=",
    "openapi 3.0": "+1DXAceYrAE/GHSJ7W/P4yeqhCeRaKEz2Ui5fJFXIqQ=",
    "openapi 3.1": "IHDPVaWL3z3LeVdmSj0f1/TkjJI6cO/iCdvT2xDboUo=",
  },
};

test.each(versions)("%s is as it was released", (version) => {
  const digests = Object.entries(emittedFiles(version)).map(([name, path]) => [
    name,
    createHash("sha256").update(readFileSync(path)).digest("base64"),
  ]);
  expect(Object.fromEntries(digests)).toEqual(released[version]);
});
