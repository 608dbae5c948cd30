/**
 * Preloaded into a run of the simulation (`node --import`): breaks the protocol as the mutant named by `MUTANT` says, while its
 * source is read. Nothing is written anywhere, so no break can outlive its run. A passage that is not found, or found twice, ends
 * the run: the mutant no longer says what it means.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { editsOf, mutants, onlySweepOff, type Edit } from "../mutants.ts";

const root = new URL("../../../", import.meta.url);
const mutant = [onlySweepOff, ...mutants].find(({ name }) => name === process.env["MUTANT"]);
if (mutant === undefined) throw new RangeError(`no mutant is called '${process.env["MUTANT"]}'`);

const edits = new Map<string, Edit[]>();
for (const edit of editsOf(mutant)) {
  const url = new URL(edit.file, root).href;
  edits.set(url, [...(edits.get(url) ?? []), edit]);
}

registerHooks({
  load: (url, context, nextLoad) => {
    const wanted = edits.get(url);
    if (wanted === undefined) return nextLoad(url, context);
    let source = readFileSync(fileURLToPath(url), "utf8");
    for (const { file, find, replace } of wanted) {
      const parts = source.split(find);
      if (parts.length !== 2) {
        throw new RangeError(`${file} has ${parts.length - 1} passages such as:\n${find}`);
      }
      source = parts.join(replace);
    }
    return { ...nextLoad(url, context), source };
  },
});
