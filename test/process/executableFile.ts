/**
 * Programs of one's own for tests, as files that can be started at once. They must never be written by this process: whatever
 * another thread starts meanwhile holds the open file for a moment, and the system refuses to start a file that somebody may
 * write to (ETXTBSY).
 */
import { execFileSync } from "node:child_process";

/** Writes a file that may be executed, in the place of one that is there. */
export function writeExecutable(path: string, text: string): void {
  execFileSync("/bin/sh", ["-c", 'cat > "$0" && chmod 755 "$0"', path], { input: text });
}
