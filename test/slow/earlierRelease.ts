/**
 * The release before this one, to be run beside it. It is recorded in the repository, as the history of a checkout may be
 * shallow or missing: `releases/<commit>.tar.gz`, of which there is one (`unsealed-*` is another, see below). Once a release has landed, record it instead:
 *
 *     git archive --format=tar <commit> src generated package.json | gzip -9n > test/slow/releases/<commit>.tar.gz
 *
 * It runs on the packages of this checkout.
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../process/rpProcess.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface EarlierRelease extends Disposable {
  readonly folder: string;
  /** Its `main.ts`. */
  readonly program: string;
  /** The names and versions of the packages that it needs. */
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Unpacks it into a folder that goes away with `using`. */
export function earlierRelease(): EarlierRelease {
  return unpack("[0-9a-f]*.tar.gz");
}

/** The last one that stored secrets in clear: an upgrade from it must stay possible. */
export function unsealedRelease(): EarlierRelease {
  return unpack("unsealed-*.tar.gz");
}

function unpack(pattern: string): EarlierRelease {
  const [archive, ...more] = globSync(`test/slow/releases/${pattern}`, { cwd: root });
  if (archive === undefined || more.length > 0) throw new Error("there must be one archive");
  const folder = temporaryFolder();
  execFileSync("tar", ["-xzf", join(root, archive), "-C", folder.path]);
  symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"));
  return {
    folder: folder.path,
    program: join(folder.path, "src/main.ts"),
    dependencies: dependenciesOf(folder.path),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** The packages that this release needs. */
export function ownDependencies(): Readonly<Record<string, string>> {
  return dependenciesOf(root);
}

function dependenciesOf(folder: string): Readonly<Record<string, string>> {
  const text = readFileSync(join(folder, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly dependencies: Record<string, string> }).dependencies;
}
