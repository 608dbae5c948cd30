/** The real program on its embedded engine, as users run it: the README's session, several processes, kills and stops. */
import { engineSuite } from "./engineSuite.ts";
import { temporaryFolder } from "./rpProcess.ts";

engineSuite("the embedded engine", async () => {
  const folder = temporaryFolder();
  return {
    settings: { DATA_DIR: folder.path },
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});
