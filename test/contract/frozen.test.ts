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
    swagger: "59CHet9k3FIOcmBtMxaYtqHFnQ3gd7JiruZt8d4tpy8=",
    "openapi 3.0": "DB/aoH7VzXvo89uhUv8j6gHqecOiaHhI3I3BEL7/cm0=",
    "openapi 3.1": "qKOVZZNuSsMrp7rtu5u/Mn3vj5kW02z+Hm1WzXmD2+s=",
  },
  "2020-04-30": {
    swagger: "47GR5NxD9/iozoyxG6nbSuYFoPranYwZnX+OH4t4Ka8=",
    "openapi 3.0": "jilEKoXCYVMd3d+sEgp4mH+Lkmvk+dgWohAT4aiimGE=",
    "openapi 3.1": "QrpNQd8FD9HONrxsSzJmdmN3rzGSU0JuSKf8COonPi4=",
  },
};

test.each(versions)("%s is as it was released", (version) => {
  const digests = Object.entries(emittedFiles(version)).map(([name, path]) => [
    name,
    createHash("sha256").update(readFileSync(path)).digest("base64"),
  ]);
  expect(Object.fromEntries(digests)).toEqual(released[version]);
});
