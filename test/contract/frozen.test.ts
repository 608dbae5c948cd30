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
    swagger: "YcSWnaGFYvx5RTuE+JzDkg6dHdT/vNC7eIW0jGA94j0=",
    "openapi 3.0": "sV0ClEiDdqiu83EKPQh8/Xl0o1iS9RXdsOvSVn1h2v0=",
    "openapi 3.1": "mcyjMNCLfdEamIolCOMBuyJOkPkjziZWW/C3Bmj95hM=",
  },
  "2020-04-30": {
    swagger: "Gy1rDm4fYNHWPv/57KL5XWfhIsRGJfM/a18CUMBGu+w=",
    "openapi 3.0": "9B8L4mvHW9gfRM7JvIXyMkgeB8WH4BZXD/JVT4rMPV4=",
    "openapi 3.1": "iZ3VPAVJeMoZrG2OgtdOLVkkgtjOzKD/Rs4K23WyCNM=",
  },
};

test.each(versions)("%s is as it was released", (version) => {
  const digests = Object.entries(emittedFiles(version)).map(([name, path]) => [
    name,
    createHash("sha256").update(readFileSync(path)).digest("base64"),
  ]);
  expect(Object.fromEntries(digests)).toEqual(released[version]);
});
