/**
 * What every bench does around its measurements: it refuses a command line that can't be understood with its usage, tells of what
 * stopped it in a line where that says enough, and leaves neither processes nor folders behind, however it ends short of SIGKILL.
 */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchOptionsError } from "./optionValues.ts";

/** By what shells say of a process that a signal has ended: 128 and its number. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs a bench. Exit code 2 and the usage: it was asked for something that it doesn't know.
 *
 * @param usage as `--help` shows it.
 */
export async function runBench(usage: string, bench: () => Promise<void>): Promise<void> {
  for (const [signal, exitCode] of Object.entries(exitCodes)) {
    // what is to be undone hangs on the end of the process, whichever way it comes
    process.once(signal, () => process.exit(exitCode));
  }
  try {
    await bench();
  } catch (error) {
    if (error instanceof BenchOptionsError) {
      tell(`${error.message}\n\n${usage.trimEnd()}`);
      process.exitCode = 2;
      return;
    }
    const line = faultLine(error, { folder: tmpdir(), freeBytes: freeBytesOf(tmpdir()) });
    if (line === undefined) throw error;
    tell(line);
    process.exitCode = 1;
  }
}

/** As much as a process may write there; `NaN` when nobody knows. */
function freeBytesOf(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.NaN;
  }
}

/** What is told of an error is not longer. */
const toldMax = 400;

/**
 * What has stopped a bench, in a line, when that says enough: no place, or a database that doesn't serve. A full disk may be
 * noticed by a measured process alone, so it is what that said which counts.
 *
 * @param temporary the folder where everything of a bench lies, and how much it still has room for.
 * @returns nothing for other errors: their stack says where they come from.
 */
export function faultLine(
  error: unknown,
  temporary: { readonly folder: string; readonly freeBytes: number },
): string | undefined {
  const { folder, freeBytes } = temporary;
  const told = messagesOf(error).join("; ").replaceAll(/\s+/g, " ").trim();
  const isUnserved = /database cannot serve/i.test(told);
  const isFull = /\bENOSPC\b|no space left|disk is full/i.test(told);
  if (isFull || (isUnserved && freeBytes < 2 ** 20)) {
    return `${folder}, where temporary files go (TMPDIR), is full`;
  }
  if (!isUnserved) return undefined;
  const left = `${Math.floor(freeBytes / 2 ** 20)} MB are left in ${folder} (TMPDIR)`;
  return `the bench can't go on: ${told.slice(0, toldMax)}; ${left}`;
}

/** Of an error and of what caused it, each once. */
function messagesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const causes = error.cause === undefined ? [] : messagesOf(error.cause);
  return [...new Set([error.message, ...causes])];
}

/** Says what is being done. Standard output is for the report alone. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A new folder for everything that a bench writes; it is removed when the process ends: it may have some gigabytes. */
export function benchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rp-bench-"));
  process.once("exit", () => {
    // a process that was killed just now may be in the middle of a write
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  });
  return folder;
}
