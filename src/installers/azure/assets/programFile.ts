/**
 * Whether there is a program to run, looked at when the process starts, so that not the first cluster finds out. It must never run
 * it, nor load anything of Azure.
 */
import { access, constants, stat } from "node:fs/promises";

/** There is no such program; the message says what to do. */
export class ProgramFileError extends Error {
  override readonly name = "ProgramFileError";
}

/** @throws {ProgramFileError} unless the path is that of a file which this process may execute. */
export async function checkProgramFile(path: string): Promise<void> {
  const fault = await faultOf(path);
  if (fault === undefined) return;
  throw new ProgramFileError(
    `The program ${path} ${fault}${path.includes("/") ? "" : " (PATH is not searched for it)"}: set OPENSHIFT_INSTALL to the path of openshift-install.`,
  );
}

async function faultOf(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return "is not a file";
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "is not there";
    return code === "EACCES" ? "may not be executed by this user" : `can't be read (${code})`;
  }
}
