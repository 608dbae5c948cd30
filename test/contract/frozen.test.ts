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
    swagger: "UyjmATpn/AtBrNXivE3pqHlRmqyePdx1XL9wRMY/E0k=",
    "openapi 3.0": "DmPW+Wt0YD8pSu4IUdc+Rmef/jIEMO+LYnGH0FHXFIU=",
    "openapi 3.1": "FqGyWq4Zm3dfxXzEggOIQMiglBBM9MTpo4F/2ak6mVs=",
  },
  "2020-04-30": {
    swagger: "IyWKEnUvIGUyKvvL+Y2r3HM9OurVafaJkUPEnT/APn0=",
    "openapi 3.0": "T6Wg3cK1IwaW9Ceb/yHqMtxoKEr3jc88PJdYxxviABU=",
    "openapi 3.1": "SF2at8fwaWoF5AbCaVes9+TggZveuW/iPcOd4qa7WlI=",
  },
};

test.each(versions)("%s is as it was released", (version) => {
  const digests = Object.entries(emittedFiles(version)).map(([name, path]) => [
    name,
    createHash("sha256").update(readFileSync(path)).digest("base64"),
  ]);
  expect(Object.fromEntries(digests)).toEqual(released[version]);
});
