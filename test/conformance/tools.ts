/**
 * The tools of this folder's own package, which `npm run test:tools` installs. They are loaded without their types, so
 * that `npm run check` needs none of them; each test says what it uses of a tool.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

const folder = import.meta.dirname;
const load = createRequire(import.meta.url);

/** A package of this folder, or a module by its path. */
export function tool<T>(name: string): T {
  return load(name) as T;
}

/** Where a package of this folder is. */
function packageFolder(name: string): string {
  return join(folder, "node_modules", name);
}

/**
 * Runs AutoRest with these extensions of this folder, as otherwise it would fetch them. It hangs after a failure of an
 * extension.
 */
export async function autorest(
  extensions: readonly string[],
  options: readonly string[],
): Promise<readonly string[]> {
  const args = [
    join(packageFolder("autorest"), "entrypoints/app.js"),
    `--version=${packageFolder("@autorest/core")}`,
    ...extensions.map((name) => `--use=${packageFolder(name)}`),
    ...options,
  ];
  return run(args);
}

/**
 * Runs a script of Node with arguments.
 *
 * @returns the lines of its output.
 * @throws {Error} with its output when it fails or takes too long.
 */
export async function run(args: readonly string[]): Promise<readonly string[]> {
  // a group of its own, as AutoRest has children that outlive it
  const child = spawn(process.execPath, args, {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const killGroup = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const deadline = setTimeout(killGroup, 200_000);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(deadline);
  if (code !== 0) {
    throw new Error(
      `${code === null ? "killed" : `exit code ${code}`}: ${args.join(" ")}\n${output}`,
    );
  }
  return output.split("\n");
}

/** What Azure's clients want to have; the program asks for none, and they send tokens over https alone. */
export const credential = {
  getToken: async (): Promise<{ token: string; expiresOnTimestamp: number }> => ({
    token: "none",
    expiresOnTimestamp: Number.MAX_SAFE_INTEGER,
  }),
};
