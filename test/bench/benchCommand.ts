/**
 * What every bench does around its measurements: it refuses a command line that can't be understood with its usage, tells of what
 * stopped it in a line where that says enough, and leaves neither processes nor folders behind, however it ends short of SIGKILL.
 */
import { mkdtempSync, rmSync } from "node:fs";
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
    if (!(error instanceof BenchOptionsError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
  }
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
