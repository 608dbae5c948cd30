/**
 * The ways to break the protocol fit the code as it is: a passage that has changed would leave its mutant without an effect.
 * `test/slow/mutants.test.ts` runs them.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { editsOf, mutants } from "./mutants.ts";

const root = new URL("../../", import.meta.url);

test.each(mutants)("$name: each passage occurs exactly once", (mutant) => {
  for (const { file, find } of editsOf(mutant)) {
    const text = readFileSync(fileURLToPath(new URL(file, root)), "utf8");
    expect([file, find, text.split(find).length - 1]).toEqual([file, find, 1]);
  }
});
