/** Key files for real processes, in folders of their own that go away with `using`. */
import { writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { temporaryFolder } from "./rpProcess.ts";

export interface KeyFile extends Disposable {
  readonly path: string;
}

/** One line of such a file. */
export function keyLine(id: string): string {
  return `${id} ${randomBytes(32).toString("base64")}\n`;
}

/** With one key. */
export function makeKeyFile(): KeyFile {
  const folder = temporaryFolder();
  const path = join(folder.path, "sealing.key");
  writeFileSync(path, keyLine("first"), { mode: 0o600 });
  return { path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}
