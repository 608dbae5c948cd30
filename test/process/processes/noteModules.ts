/**
 * Loaded into a real process before anything else, by `--import` with a file in its query (`?into=`): from then on each module that is
 * loaded, in whatever way, is a line of that file. It must change nothing else.
 */
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";

const file = new URL(import.meta.url).searchParams.get("into");
if (file === null) throw new Error("into which file?");

registerHooks({
  load: (url, context, nextLoad) => {
    appendFileSync(file, `${url}\n`);
    return nextLoad(url, context);
  },
});
